// The second painting of a photo, at FINER times the size at which the network works, and only where the photo has detail.
// It is painted in tiles: together they need no more memory than the first painting, and can be given up.

import { FINER } from "./detailing.js";
import { cropped, pixelsOf } from "./offscreen.js";

const TILE_SIDE = 384; // pixels at the size at which the network works
const ALIGNMENT = 8; // pixels: tiles begin at multiples, so that the strides of a network fall on the same pixels
const ENLARGING = 4; // pixels at the border of a tile that were enlarged without their neighbours

// The first painting with fine strokes in it. `own`: a canvas of the photo; null where `small`, at the working size, is the
// photo itself. `weights`: one for each pixel. `reach`: how far a pixel affects others; 0: unknown, so never in tiles.
// `paint(tile, isSmall)` paints a part of the large photo; with `isSmall` it is given as in `small`, and must be enlarged.
export async function withFineStrokes(plain, { own, small, weights, reach, paint }) {
  const { width, height } = small;
  const large = own && pixelsOf(own, FINER * width, FINER * height);
  const result = new ImageData(plain.data.slice(), width, height);
  for (const place of placesOf(weights, width, height, reach ? TILE_SIDE : Infinity)) {
    const seen = reach ? withMargin(place, Math.ceil(reach / FINER) + ENLARGING, width, height) : [0, 0, width, height];
    const tile = large ? cropped(large, seen.map((value) => FINER * value)) : cropped(small, seen);
    layIn(result, await paint(tile, !large), place, seen, weights);
  }
  return result;
}

// The rectangles [left, top, width, height] with weights, one of each tile.
function* placesOf(weights, width, height, side) {
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side) {
      const place = boxOf(weights, width, [left, top, Math.min(width, left + side), Math.min(height, top + side)]);
      if (place) yield place;
    }
  }
}

// The smallest rectangle that holds all weights of a tile; null: it has none.
function boxOf(weights, width, [left, top, right, bottom]) {
  let first = right, last = -1, above = -1, below = -1;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      if (!weights[row * width + column]) continue;
      if (above < 0) above = row;
      below = row;
      first = Math.min(first, column);
      last = Math.max(last, column);
    }
  }
  return above < 0 ? null : [first, above, last + 1 - first, below + 1 - above];
}

function withMargin([left, top, width, height], margin, most, mostHeight) {
  const start = (at) => Math.max(0, Math.floor((at - margin) / ALIGNMENT) * ALIGNMENT);
  const [x, y] = [start(left), start(top)];
  return [x, y, Math.min(most, left + width + margin) - x, Math.min(mostHeight, top + height + margin) - y];
}

// Mix the means of FINER x FINER pixels of a painted tile into a picture, by their weights.
function layIn(picture, tile, [left, top, width, height], [x, y], weights) {
  const to = picture.data, from = tile.data;
  for (let row = top; row < top + height; row++) {
    for (let column = left; column < left + width; column++) {
      const at = row * picture.width + column, weight = weights[at];
      if (!weight) continue;
      for (let color = 0; color < 3; color++) {
        let sum = 0;
        for (let down = 0; down < FINER; down++) {
          const corner = 4 * ((FINER * (row - y) + down) * tile.width + FINER * (column - x)) + color;
          for (let across = 0; across < FINER; across++) sum += from[corner + 4 * across];
        }
        to[4 * at + color] += weight * (sum / FINER ** 2 - to[4 * at + color]); // the array rounds to nearest and clips
      }
    }
  }
}
