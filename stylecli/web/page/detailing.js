// Fine strokes where the photo has detail: the weights of `stylecli.stylize.detailing`, which explains the method. The
// constants and the order of the steps are the same there.

import { atFullSize, blurred, enlarged, LUMA, samplesOf, unit, weighted } from "./samples.js";

export const FINER = 2;
const FINE_SHORT_SIDE = 960;
const SMOOTH = 1.5;
const NEAR = 4.0;
const SURROUNDINGS = 40.0;
const SOFT = 3.0;
const QUIET = 0.01;
const USUAL = 0.6;
const STRIKING = 1.4;

// The weights of a picture, bytes of R, G, B at the size at which the network works: one for each pixel, 0..1; null: none.
export function detailWeights(rgb, width, height) {
  const samples = sampledWeights(rgb, width, height);
  return samples && atFullSize(samples.weights, samples.size, width, height).map(unit);
}

// The same at a quarter of its size, rounded up.
export function sampledWeights(rgb, width, height) {
  if (Math.min(width, height) > FINE_SHORT_SIDE) return null;
  const { colors, size } = samplesOf(rgb, width, height);
  const brightness = weighted(colors, LUMA), smooth = blurred(brightness, size, SMOOTH);
  const energy = brightness.map((value, at) => (value - smooth[at]) ** 2);
  const near = blurred(energy, size, NEAR), around = blurred(energy, size, SURROUNDINGS);
  const striking = near.map((value, at) => unit((Math.sqrt(value) / (Math.sqrt(around[at]) + QUIET) - USUAL) / (STRIKING - USUAL)));
  return striking.some(Boolean) ? { weights: blurred(striking, size, SOFT), size } : null;
}

// A picture, bytes of R, G, B, at FINER times its size.
export function finer(rgb, width, height) {
  const large = { width: FINER * width, height: FINER * height };
  const bytes = new Uint8ClampedArray(3 * large.width * large.height); // rounds to nearest and clips
  for (let color = 0; color < 3; color++) {
    const plane = new Float32Array(width * height).map((_, at) => rgb[3 * at + color]);
    enlarged(plane, { width, height }, large).forEach((level, at) => (bytes[3 * at + color] = level));
  }
  return new Uint8Array(bytes.buffer);
}
