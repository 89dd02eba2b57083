// Brush strokes in the empty areas of a photo: the texture of `stylecli.stylize.filling`, which explains the method.
// The constants, the order of the steps and the random numbers are the same there. A field of numbers is a Float32Array
// with the `size` {width, height}; directions are two fields, `across` and `down`.

const STEP = 4;
const AMPLITUDE = 0.035;
const STROKE_LENGTH = 10;
const STROKE_WIDTH = 1.0;
const STROKES = 0.02;
const EDGES = [[1.5, 1.0], [5.0, 0.3], [14.0, 0.15]];
const WIND = 2e-5;
const SWIRLS = 3;
const SLOPE = 2.4;
const EMPTY = 0.03;
const NEAR = 5.0;
const WIDE = 12.0;
const EVEN = 9.0;
const WARMTH = [[0.500, -0.419, -0.081], [0.169, 0.331, -0.500]];
const WARM = 0.04;
const SEED = 1;
const LUMA = [0.2126, 0.7152, 0.0722];
const FAINTEST = 0.2; // where the mask of a Gaussian ends: libvips' `min_ampl`
const PLACES = 64; // positions between two samples, as in stylecli.media.enlarging

// Add `amount` times the strokes to a picture: bytes of R, G, B, which change in place.
export function addStrokes(rgb, width, height, amount) {
  const { texture, size } = strokeTexture(rgb, width, height);
  const wide = size.width * STEP;
  const change = enlarged(texture, size, { width: wide, height: size.height * STEP });
  const levels = new Uint8ClampedArray(rgb.buffer, rgb.byteOffset, rgb.length); // rounds to nearest and clips
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += 3) {
      const light = 255 * amount * change[row * wide + column];
      if (light === 0) continue;
      levels[at] += light;
      levels[at + 1] += light;
      levels[at + 2] += light;
    }
  }
}

// The texture of a picture, at a quarter of its size, rounded up; 0 where the picture is not empty.
export function strokeTexture(rgb, width, height) {
  const size = { width: Math.ceil(width / STEP), height: Math.ceil(height / STEP) };
  const colors = shrunk(rgb, width, height, size);
  const brightness = weighted(colors, LUMA);
  const free = contrastFree(brightness, size), cold = coldness(colors, size);
  const candidates = free.map((value, at) => value * cold[at]);
  const around = blurred(candidates, size, WIDE);
  const emptiness = candidates.map((value, at) => value * unit(2 * around[at] - 0.5)); // lone strokes look like scratches
  const texture = new Float32Array(emptiness.length);
  if (!emptiness.some(Boolean)) return { texture, size };
  const noise = sparseNoise(size), vectors = directions(brightness, size);
  for (let at = 0; at < texture.length; at++) {
    if (emptiness[at]) texture[at] = smeared(noise, vectors, size, at);
  }
  const share = blurred(emptiness.map((value) => (value > 0 ? 1 : 0)), size, EVEN);
  const power = blurred(texture.map((value) => value * value), size, EVEN);
  const contrast = (at) => Math.sqrt(Math.max(power[at] / Math.max(share[at], 1e-3), 1e-12));
  return { texture: texture.map((value, at) => (value * AMPLITUDE * emptiness[at]) / contrast(at)), size };
}

// The mean of each STEP x STEP pixels, in 0..1: three fields. At the right and below, the last pixels go on.
function shrunk(rgb, width, height, size) {
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
  return [reds, greens, blues];
}

const unit = (value) => Math.min(1, Math.max(0, value));
const weighted = ([red, green, blue], [r, g, b]) => red.map((value, at) => r * value + g * green[at] + b * blue[at]);

// 1 where the photo has no contrast, 0 near any.
function contrastFree(brightness, size) {
  const smooth = blurred(brightness, size, STROKE_WIDTH);
  const variance = blurred(brightness.map((value, at) => (value - smooth[at]) ** 2), size, NEAR);
  return variance.map((value) => unit(1 - Math.sqrt(Math.max(value, 0)) / EMPTY));
}

// 1 for grey and cold colours, 0 for those of skin and wood.
function coldness(colors, size) {
  const smooth = colors.map((field) => blurred(field, size, STROKE_WIDTH));
  const [red, yellow] = WARMTH.map((weights) => weighted(smooth, weights));
  return red.map((value, at) => unit(1 - Math.min(value, yellow[at]) / WARM));
}

// Unit vectors along the strokes; their sign means nothing.
function directions(brightness, size) {
  const edges = squared(gradient(brightness, size)); // of twice the angle: opposite gradients are equal
  const wind = squared(windOf(size));
  const twice = [edges, wind].map(({ across }) => new Float32Array(across.length));
  for (const [part, to] of [["across", twice[0]], ["down", twice[1]]]) {
    for (const [sigma, weight] of EDGES) add(to, blurred(edges[part], size, sigma), weight);
    add(to, blurred(wind[part], size, EVEN), WIND);
  }
  const angles = twice[0].map((value, at) => Math.atan2(twice[1][at], value) / 2);
  return { across: angles.map((angle) => -Math.sin(angle)), down: angles.map(Math.cos) }; // at right angles to the gradient
}

function add(to, values, weight) {
  for (let at = 0; at < to.length; at++) to[at] += weight * values[at];
}

// As complex numbers, across + i * down.
function squared({ across, down }) {
  return { across: across.map((value, at) => value ** 2 - down[at] ** 2), down: down.map((value, at) => 2 * value * across[at]) };
}

// The direction of the gradient of smooth noise on a slope.
function windOf(size) {
  const short = Math.min(size.width, size.height);
  const knots = (side) => Math.ceil((SWIRLS * side) / short - 0.5) + 1;
  const coarse = { width: knots(size.width), height: knots(size.height) };
  const heights = scattered(coarse, (place) => hashed(place) / 2 ** 32);
  const { across, down } = gradient(enlarged(heights, coarse, size), size);
  const slope = (SLOPE * down.reduce((sum, value) => sum + Math.abs(value), 0)) / down.length;
  const tilted = down.map((value) => value + slope);
  const length = (at) => Math.max(Math.hypot(across[at], tilted[at]), 1e-9);
  return { across: across.map((value, at) => value / length(at)), down: tilted.map((value, at) => value / length(at)) };
}

// Differences of the neighbours on both sides; at the border, of the last two.
function gradient(values, { width, height }) {
  const across = new Float32Array(values.length), down = new Float32Array(values.length);
  if (Math.min(width, height) < 2) return { across, down };
  for (let row = 0, at = 0; row < height; row++) {
    const above = row > 0 ? width : 0, below = row < height - 1 ? width : 0;
    for (let column = 0; column < width; column++, at++) {
      const left = column > 0 ? 1 : 0, right = column < width - 1 ? 1 : 0;
      across[at] = (values[at + right] - values[at - left]) / (left + right);
      down[at] = ((values[at + below] - values[at - above]) * width) / (above + below);
    }
  }
  return { across, down };
}

// Single dabs of paint, bright and dark, less the mean of a wide neighbourhood.
function sparseNoise(size) {
  const noise = scattered(size, (place) => {
    const chance = hashed(place);
    return chance < STROKES * 2 ** 32 ? normal(hashed(chance)) : 0;
  });
  const wide = blurred(noise, size, 5 * STROKE_WIDTH);
  return blurred(noise, size, STROKE_WIDTH).map((value, at) => value - wide[at]);
}

// The weighted sum of `noise` along the stroke through one sample.
function smeared(noise, { across, down }, { width, height }, sample) {
  let total = noise[sample];
  for (const sign of [1, -1]) {
    let x = sample % width, y = (sample - x) / width;
    let right = sign * across[sample], below = sign * down[sample];
    for (let step = 0; step < STROKE_LENGTH; step++) {
      x = Math.min(width - 1, Math.max(0, x + right));
      y = Math.min(height - 1, Math.max(0, y + below));
      const here = Math.round(y) * width + Math.round(x);
      const turn = across[here] * right + down[here] * below < 0 ? -1 : 1;
      right = turn * across[here];
      below = turn * down[here];
      total += FADING[step] * noise[here];
    }
  }
  return total;
}

const FADING = Array.from({ length: STROKE_LENGTH }, (_, step) => 0.5 + 0.5 * Math.cos((Math.PI * (step + 1)) / (STROKE_LENGTH + 1)));

// `make` of a number for each place.
function scattered({ width, height }, make) {
  const field = new Float32Array(width * height);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) field[at] = make((row << 16) + column);
  }
  return field;
}

// The mixer lowbias32 (Wellons 2018): equal numbers give equal numbers that look random, 0 to 2^32 - 1.
function hashed(value) {
  value = (value + SEED) | 0;
  value ^= value >>> 16;
  value = Math.imul(value, 0x7feb352d);
  value ^= value >>> 15;
  value = Math.imul(value, 0x846ca68b);
  return (value ^ (value >>> 16)) >>> 0;
}

// Nearly normal, of mean 0 and standard deviation 1: the sum of the four bytes of a random number.
function normal(value) {
  return ((value & 255) + ((value >>> 8) & 255) + ((value >>> 16) & 255) + (value >>> 24) - 510) / Math.sqrt(21845);
}

// A field blurred by a Gaussian, whose mask ends as that of libvips does. At the border the last samples go on.
function blurred(values, { width, height }, sigma) {
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
function enlarged(values, size, { width, height }) {
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
