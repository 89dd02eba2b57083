// Fields of numbers that are computed for a photo, as in `stylecli.stylize.samples`, and what they are computed by. A field
// is a Float32Array with the `size` {width, height}.

export const STEP = 4; // pixels: a sample is the mean of STEP x STEP of them
export const LUMA = [0.2126, 0.7152, 0.0722]; // of R'G'B', ITU-R BT.709
const FAINTEST = 0.2; // where the mask of a Gaussian ends: libvips' `min_ampl`
const PLACES = 64; // positions between two samples, as in stylecli.media.enlarging

// The mean of each STEP x STEP pixels, in 0..1: three fields, `colors`. At the right and below, the last pixels go on.
export function samplesOf(rgb, width, height) {
  const size = { width: Math.ceil(width / STEP), height: Math.ceil(height / STEP) };
  const [reds, greens, blues] = [0, 1, 2].map(() => new Float32Array(size.width * size.height));
  const most = 255 * STEP * STEP;
  for (let row = 0, to = 0; row < size.height; row++) {
    for (let column = 0; column < size.width; column++, to++) {
      let red = 0, green = 0, blue = 0;
      for (let y = row * STEP; y < (row + 1) * STEP; y++) {
        for (let x = column * STEP; x < (column + 1) * STEP; x++) {
          const from = 3 * (Math.min(y, height - 1) * width + Math.min(x, width - 1));
          red += rgb[from];
          green += rgb[from + 1];
          blue += rgb[from + 2];
        }
      }
      reds[to] = red / most;
      greens[to] = green / most;
      blues[to] = blue / most;
    }
  }
  return { colors: [reds, greens, blues], size };
}

export const unit = (value) => Math.min(1, Math.max(0, value));
export const weighted = ([red, green, blue], [r, g, b]) => red.map((value, at) => r * value + g * green[at] + b * blue[at]);

// A field enlarged to the size of the picture that it was computed for.
export function atFullSize(values, size, width, height) {
  const wide = size.width * STEP;
  const large = enlarged(values, size, { width: wide, height: size.height * STEP });
  if (wide === width) return large.subarray(0, width * height);
  const cut = new Float32Array(width * height);
  for (let row = 0; row < height; row++) cut.set(large.subarray(row * wide, row * wide + width), row * width);
  return cut;
}

// A field blurred by a Gaussian, whose mask ends as that of libvips does. At the border the last samples go on.
export function blurred(values, { width, height }, sigma) {
  const weights = maskOf(sigma), reach = weights.length - 1;
  const wide = new Float32Array(values.length), blurred = new Float32Array(values.length);
  for (let row = 0; row < height; row++) {
    const first = row * width, last = first + width - 1;
    for (let at = first; at <= last; at++) {
      let sum = weights[0] * values[at];
      for (let far = 1; far <= reach; far++) sum += weights[far] * (values[Math.max(first, at - far)] + values[Math.min(last, at + far)]);
      wide[at] = sum;
    }
  }
  for (let row = 0; row < height; row++) {
    for (let far = 0; far <= reach; far++) {
      const above = Math.max(0, row - far) * width, below = Math.min(height - 1, row + far) * width, to = row * width;
      const weight = far ? weights[far] : weights[0] / 2; // the middle counts from both sides
      for (let x = 0; x < width; x++) blurred[to + x] += weight * (wide[above + x] + wide[below + x]);
    }
  }
  return blurred;
}

// The weights of a sample and of those ever farther away, on either side.
function maskOf(sigma) {
  const weights = [1];
  for (let far = 1; Math.exp(-(far ** 2) / (2 * sigma ** 2)) >= FAINTEST; far++) weights.push(Math.exp(-(far ** 2) / (2 * sigma ** 2)));
  const total = 2 * weights.reduce((sum, weight) => sum + weight) - 1;
  return weights.map((weight) => weight / total);
}

// A field at a larger size, bicubic, as `stylecli.media.enlarging` makes it.
export function enlarged(values, size, { width, height }) {
  const across = neighbours(size.width, width), down = neighbours(size.height, height);
  const wide = new Float32Array(width * size.height), large = new Float32Array(width * height);
  for (let row = 0, to = 0; row < size.height; row++) {
    for (let column = 0; column < width; column++, to++) {
      for (let k = 4 * column; k < 4 * column + 4; k++) wide[to] += across.weights[k] * values[row * size.width + across.taken[k]];
    }
  }
  for (let row = 0; row < height; row++) {
    for (let k = 4 * row; k < 4 * row + 4; k++) {
      const weight = down.weights[k], from = down.taken[k] * width, to = row * width;
      for (let x = 0; x < width; x++) large[to + x] += weight * wide[from + x];
    }
  }
  return large;
}

// For each sample of an enlarged side: which four of the small side it is made of, and by which weights (Catmull-Rom).
function neighbours(small, large) {
  const taken = new Int32Array(4 * large), weights = new Float32Array(4 * large);
  for (let at = 0; at < large; at++) {
    const place = (at + 0.5) * (small / large) - 0.5; // the centres meet
    const before = Math.floor(place), t = Math.floor((place - before) * PLACES + 0.5) / PLACES;
    weights.set([t * (-0.5 + t * (1 - 0.5 * t)), 1 + t * t * (-2.5 + 1.5 * t), t * (0.5 + t * (2 - 1.5 * t)), t * t * (-0.5 + 0.5 * t)], 4 * at);
    taken.set([-1, 0, 1, 2].map((offset) => Math.min(small - 1, Math.max(0, before + offset))), 4 * at);
  }
  return { taken, weights };
}
