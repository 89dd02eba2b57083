// Pictures that the engine made, kept for the next time they are looked at. The oldest go first.

import { compose } from "./compose.js";
import { engine } from "./engine.js";
import { amountsOf, brushOf } from "./wish.js";

const BYTES_MAX = 250e6;
const SMALL_AT_ONCE = 2;
const kept = new Map();
let bytes = 0;

function keep(key, make, signal = null) {
  if (kept.has(key) && !kept.get(key).signal?.aborted) {
    const entry = kept.get(key);
    kept.delete(key);
    kept.set(key, entry);
    return entry.promise;
  }
  const entry = { promise: make(), signal, bytes: 0, pixels: null };
  kept.set(key, entry);
  entry.promise.then(
    (pixels) => {
      entry.pixels = pixels;
      entry.signal = null; // it is there: nothing is left to be given up
      entry.bytes = pixels.data.length;
      bytes += entry.bytes;
      for (const [old, { bytes: size }] of kept) {
        if (bytes <= BYTES_MAX || old === key) break;
        bytes -= size;
        kept.delete(old);
      }
    },
    () => kept.get(key) === entry && kept.delete(key),
  );
  return entry.promise;
}

const photoKey = (upload, second, tile) => JSON.stringify([upload.id, second, tile]);
const paintKey = (upload, { style, variant, strokes, fill, detail, flow }, second, tile) =>
  JSON.stringify([upload.id, second, tile, style, variant, strokes, fill, detail, flow]);

export function photo(upload, second, { tile = false } = {}) {
  return keep(photoKey(upload, second, tile), () => engine.photo(upload, second, { tile }));
}

// A style on its own: what the small pictures show. Fine strokes would hardly be seen in them.
export const plainly = (style) => ({ style, variant: "", strokes: 1, fill: -1, detail: 0, flow: -1 });

export function painted(upload, wanted, second, { tile = false, signal } = {}) {
  const { style, variant, strokes } = wanted;
  const wish = { style, variant: variant || null, brush: brushOf(upload, strokes), ...amountsOf(upload, wanted) };
  const key = paintKey(upload, wanted, second, tile);
  const make = () => engine.paint(upload, wish, second, { tile, signal });
  return keep(key, () => (tile ? inTurn(make, signal) : make()), signal);
}

// Small pictures are asked for a few at a time, so that a large one need not wait for all of them.
const waiting = [];
let making = 0;

async function inTurn(make, signal) {
  while (making >= SMALL_AT_ONCE) await new Promise((go) => waiting.push(go));
  making++;
  try {
    signal?.throwIfAborted();
    return await make();
  } finally {
    making--;
    waiting.shift()?.();
  }
}

// A large picture with its share of fine strokes, mixed here from one without and one with all of them, so that another
// share needs no engine. Painting all takes several times as long: until then, `first` is called with the one without.
export async function paintedFinely(upload, wanted, second, { signal, first = () => {} }) {
  const plain = await painted(upload, { ...wanted, detail: 0 }, second, { signal });
  if (!wanted.detail) return plain;
  if (!isPainted(upload, wanted, second)) await first(plain);
  return mixed(plain, await painted(upload, { ...wanted, detail: 1 }, second, { signal }), wanted.detail);
}

const mixed = (plain, fine, share) => (share < 1 ? compose(plain, fine, { strength: share, colors: false }) : fine);
const largeOf = (upload, wanted, second, detail) => kept.get(paintKey(upload, { ...wanted, detail }, second, false))?.pixels ?? null;

// Whether all that a large picture is made of is kept already.
export function isPainted(upload, wanted, second) {
  return Boolean(largeOf(upload, wanted, second, 0) && (!wanted.detail || largeOf(upload, wanted, second, 1)));
}

// What is kept already of a painted picture, large or small; null where there is nothing yet.
export function paintedAlready(upload, wanted, second) {
  const plain = largeOf(upload, wanted, second, 0);
  if (plain && wanted.detail && isPainted(upload, wanted, second)) return mixed(plain, largeOf(upload, wanted, second, 1), wanted.detail);
  return plain ?? kept.get(paintKey(upload, { ...wanted, detail: 0 }, second, true))?.pixels ?? null;
}

export function forget(upload) {
  for (const [key, entry] of kept) {
    if (JSON.parse(key)[0] !== upload.id) continue;
    bytes -= entry.bytes;
    kept.delete(key);
  }
}
