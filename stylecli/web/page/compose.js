// Photo and painted picture to the result: the photo's colours, the strength, the mask. The same arithmetic as
// `stylecli.stylize.painting`, on bytes.

const LUMA = [0.2126, 0.7152, 0.0722]; // of R'G'B', ITU-R BT.709

// All are ImageData of one size; `mask` may be null, its alpha tells where the style is wanted.
export function compose(photo, painted, { strength, colors, mask = null }, into = null) {
  const result = into ?? new ImageData(photo.width, photo.height);
  const from = photo.data, style = painted.data, to = result.data, weights = mask?.data;
  for (let i = 0; i < from.length; i += 4) {
    let red = style[i], green = style[i + 1], blue = style[i + 2];
    if (colors) {
      const change = (red - from[i]) * LUMA[0] + (green - from[i + 1]) * LUMA[1] + (blue - from[i + 2]) * LUMA[2];
      red = clip(from[i] + change);
      green = clip(from[i + 1] + change);
      blue = clip(from[i + 2] + change);
    }
    const weight = weights ? (strength * weights[i + 3]) / 255 : strength;
    // The array rounds to nearest and clips.
    to[i] = from[i] + weight * (red - from[i]);
    to[i + 1] = from[i + 1] + weight * (green - from[i + 1]);
    to[i + 2] = from[i + 2] + weight * (blue - from[i + 2]);
    to[i + 3] = from[i + 3];
  }
  return result;
}

const clip = (level) => (level < 0 ? 0 : level > 255 ? 255 : level);

// Whether the result is the painted picture itself.
export const isPlain = ({ strength, colors, mask }) => strength === 1 && !colors && !mask;

// Add to an enlarged painting (in `painted`) the fine detail of the photo that the small photo had lost; luma only.
export function restoreDetail(photo, coarse, painted) {
  const fine = photo.data, rough = coarse.data, to = painted.data;
  for (let i = 0; i < fine.length; i += 4) {
    const detail =
      (fine[i] - rough[i]) * LUMA[0] + (fine[i + 1] - rough[i + 1]) * LUMA[1] + (fine[i + 2] - rough[i + 2]) * LUMA[2];
    to[i] += detail;
    to[i + 1] += detail;
    to[i + 2] += detail;
    to[i + 3] = fine[i + 3];
  }
  return painted;
}
