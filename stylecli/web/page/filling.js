// Brush strokes in the empty areas of a photo: the texture of `stylecli.stylize.filling`, which explains the method.
// The constants, the order of the steps and the random numbers are the same there. Directions are two fields, `across`
// and `down`.

import { atFullSize, blurred, enlarged, LUMA, samplesOf, unit, weighted } from "./samples.js";

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

// Add `amount` times the strokes to a picture: bytes of R, G, B, which change in place.
export function addStrokes(rgb, width, height, amount) {
  const { texture, size } = strokeTexture(rgb, width, height);
  const change = atFullSize(texture, size, width, height);
  const levels = new Uint8ClampedArray(rgb.buffer, rgb.byteOffset, rgb.length); // rounds to nearest and clips
  for (let pixel = 0, at = 0; pixel < change.length; pixel++, at += 3) {
    const light = 255 * amount * change[pixel];
    if (light === 0) continue;
    levels[at] += light;
    levels[at + 1] += light;
    levels[at + 2] += light;
  }
}

// The texture of a picture, at a quarter of its size, rounded up; 0 where the picture is not empty.
export function strokeTexture(rgb, width, height) {
  const { colors, size } = samplesOf(rgb, width, height);
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
