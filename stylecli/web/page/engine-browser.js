// The engine of the static site: everything happens in this browser. Sizes and arithmetic are those of the program.

import { compose, restoreDetail } from "./compose.js";
import { config } from "./config.js";
import { Fault } from "./faults.js";
import { withFineStrokes } from "./fine-strokes.js";
import { prepare, run } from "./network-thread.js";
import { canvasOf, pixelsOf } from "./offscreen.js";
import { T } from "./text.js";
import { AUTO_SHORT_SIDE } from "./wish.js";

const PROXY_SHORT_SIDE = 1080; // pixels, as in stylecli.web.pictures.previews
const TILE_SHORT_SIDE = 360; // pixels: the small pictures come fast, and are made anew in full detail afterwards
const WHOLE_PIXELS = 32 * 256 * 256; // up to which a network measures the whole picture, as in stylecli.inference.tiles
const WORKING_PIXELS_MAX = 4e6; // that the memory of WebAssembly holds
const PIXELS_MAX = 40e6;
const QUALITY = 0.92;
const PARTS_KEPT = 8; // what pictures were made of: another share of a style or of fine strokes paints little or nothing anew
const FLOWING = { parts: [["flow.onnx", 1]] }; // of `stylecli.web.gallery.flowing`
const WRITTEN = { "image/jpeg": "jpg", "image/webp": "webp" }; // everything else becomes PNG

export const can = { videos: false, batches: false, share: true, region: false, refine: true };

const threads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
export const privacy = `${T.privacyBrowser} ${T.threads(threads)}.`;

const pictures = new Map();
let opened = 0;

export async function start() {
  // The runtime is large: it is loaded while the visitor still looks for a photo.
  if (config.styles.length) [networkOf([[config.styles[0].name, 1]]), FLOWING].forEach(prepare);
  return { styles: config.styles, version: config.version };
}

export async function stylePreview(style) {
  if (!style.has_preview) throw new Fault("");
  return `previews/${encodeURIComponent(style.name)}.jpg`;
}

export async function open(blob, name) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    throw new Fault(blob.type.startsWith("video/") ? T.onlyPictures : T.notAPicture(name), 422);
  }
  const { width, height } = bitmap;
  if (width * height > PIXELS_MAX) throw new Fault(T.tooLarge(name), 413);
  const id = `${Date.now()}.${++opened}`; // not that of a picture before the page was loaded again
  pictures.set(id, { bitmap, type: blob.type });
  return { id, name, kind: "picture", width, height, seconds: 0, rate: 0 };
}

export async function sample() {
  const blob = await (await fetch("sample.jpg")).blob();
  return open(blob, "mountains.jpg");
}

export async function reopen() {
  throw new Fault(T.gone, 422);
}

export async function close(upload) {
  pictures.get(upload.id)?.bitmap.close();
  pictures.delete(upload.id);
}

export async function photo(upload, _, { tile = false } = {}) {
  return pixelsOf(pictures.get(upload.id).bitmap, ...proxySize(upload, tile));
}

export async function paint(upload, wish, _, { tile = false, signal } = {}) {
  const own = await photo(upload, 0, { tile });
  const how = { ...lookOf(wish), scale: workingScale(own, wish.brush, own.height / upload.height), signal };
  return painting(tile ? null : upload, own, wish.style, how);
}

// The result at full size: {blob, name, lost}. A canvas keeps no metadata.
export async function picture(upload, wish, _, mask) {
  const { bitmap, type } = pictures.get(upload.id);
  const own = pixelsOf(bitmap, upload.width, upload.height);
  const painted = await painting(null, own, wish.style, { ...lookOf(wish), scale: workingScale(own, wish.brush) });
  const weights = mask && pixelsOf(mask, own.width, own.height);
  const made = compose(own, painted, { strength: wish.strength, colors: wish.preserve_color, mask: weights });
  const kind = WRITTEN[type] ? type : "image/png";
  const canvas = new OffscreenCanvas(made.width, made.height);
  canvas.getContext("2d").putImageData(made, 0, 0);
  const blob = await canvas.convertToBlob({ type: kind, quality: QUALITY });
  return { blob, name: `${upload.name.replace(/\.[^.]*$/, "")}-${nameOf(wish.style)}.${WRITTEN[kind] ?? "png"}`, lost: T.metadata };
}

// At how many times the size of a picture the network works; the picture is `made` times as large as the photo.
function workingScale({ width, height }, brush, made = 1) {
  return brush === "auto" ? Math.min(1, AUTO_SHORT_SIDE / Math.min(width, height)) : 1 / (brush * made);
}

// Strokes in empty areas, fine ones, strokes along the shapes: as wished, or else as the style says; of a blend, the mean of
// its parts.
function lookOf({ style, ...wish }) {
  const natural = (name) => partsOf(style).reduce((sum, [part, share]) => sum + share * named(part)[name], 0);
  return Object.fromEntries(["fill", "detail", "flow"].map((name) => [name, wish[name] ?? natural(name)]));
}

function proxySize({ width, height }, tile) {
  const scale = Math.min(
    1,
    (tile ? TILE_SHORT_SIDE : PROXY_SHORT_SIDE) / Math.min(width, height),
    Math.sqrt(WHOLE_PIXELS / (width * height)),
  );
  return [Math.max(1, Math.floor(width * scale + 0.5)), Math.max(1, Math.floor(height * scale + 0.5))];
}

// The parts of a style's name, [name, share] each: "great-wave:0.6+the-scream:0.4" has two.
function partsOf(style) {
  return style.split("+").map((part) => [part.split(":")[0], Number(part.split(":")[1] ?? 1)]);
}

// As the program calls its files.
function nameOf(style) {
  const parts = partsOf(style);
  return parts.length === 1 ? style : parts.map(([name, share]) => `${name}-${Math.round(100 * share)}`).join("-");
}

// One style, or a blend, made as the program does. What pictures of an `upload` are made of is kept; null keeps nothing.
// `how`: the `scale` at which networks work, `fill`, `detail`, `flow`, and a `signal` to give it up. What the small photo
// had lost is put back.
async function painting(upload, own, style, how) {
  const keep = (name, what, paint) => (upload ? part(JSON.stringify([upload.id, own.width, own.height, how.scale, name, what]), paint, how.signal) : paint());
  const scale = Math.min(how.scale, Math.sqrt(WORKING_PIXELS_MAX / (own.width * own.height)));
  const width = Math.max(1, Math.round(own.width * scale)), height = Math.max(1, Math.round(own.height * scale));
  if (width === own.width && height === own.height) return paintedSmall(null, own, style, how, keep);
  const canvas = canvasOf(own), small = pixelsOf(canvas, width, height);
  const painted = pixelsOf(canvasOf(await paintedSmall(canvas, small, style, how, keep)), own.width, own.height);
  if (height > own.height) return painted;
  return restoreDetail(own, pixelsOf(canvasOf(small), own.width, own.height), painted);
}

// What the networks make of `small`, with fine strokes; `own` as `withFineStrokes` takes it.
async function paintedSmall(own, small, style, { fill, detail, flow, signal }, keep) {
  const networks = networksOf(style), shared = (pictures) => mixed(pictures.map(({ painted }) => painted), networks[0].share);
  const plain = await Promise.all(networks.map(({ name, network }) => keep(name, ["plain", fill], () => run({ network, pixels: small, fill }, signal))));
  const painted = await keep(style, ["drawn out", fill, flow], () => drawnOut(shared(plain), flow, signal));
  if (!detail) return painted;
  const { weights } = await keep("", "weights", () => run({ pixels: small }, signal));
  if (!weights) return painted;
  const paint = async (pixels, isSmall) =>
    shared(await Promise.all(networks.map(({ network }, place) => run({ network, pixels, isSmall, given: plain[place].statistics }, signal))));
  const fine = await keep(style, ["fine", fill, flow], () => withFineStrokes(painted, { own, small, weights, reach: reachOf(style), paint }));
  return detail < 1 ? compose(painted, fine, { strength: detail, colors: false }) : fine;
}

const mixed = ([first, second], share) => (second ? compose(second, first, { strength: share, colors: false }) : first);

// A painted picture with its strokes drawn out along the shapes.
async function drawnOut(pixels, flow, signal) {
  return flow ? (await run({ network: FLOWING, pixels, flow }, signal)).painted : pixels;
}

// How far a pixel affects others; 0: unknown.
function reachOf(style) {
  const reaches = partsOf(style).map(([name]) => named(name).reach);
  return reaches.every(Boolean) ? Math.max(...reaches) : 0;
}

const named = (style) => config.styles.find(({ name }) => name === style);

function areRelated([[first], [second]]) {
  return Boolean(named(first)?.related?.includes(second));
}

// The networks that paint a style, each with its share. Of a blend of styles with a common base, one with their mean
// weights; of others, one for each part, whose pictures are mixed.
function networksOf(style) {
  const parts = partsOf(style);
  if (parts.length === 1 || areRelated(parts)) return [{ name: style, share: 1, network: networkOf(parts) }];
  return parts.map(([name, share]) => ({ name, share, network: networkOf([[name, 1]]) }));
}

// What the worker needs to make a network: the files of its parts with their shares, and where their weights lie.
function networkOf(parts) {
  return { parts: parts.map(([name, share]) => [`models/${encodeURIComponent(name)}.onnx`, share]), weights: named(parts[0][0]).weights };
}

const keptParts = new Map();

function part(key, paint, signal) {
  let entry = keptParts.get(key);
  if (!entry || entry.signal?.aborted) {
    entry = { promise: paint(), signal };
    entry.promise.then(() => (entry.signal = null), () => keptParts.get(key) === entry && keptParts.delete(key));
  }
  keptParts.delete(key);
  keptParts.set(key, entry);
  if (keptParts.size > PARTS_KEPT) keptParts.delete(keptParts.keys().next().value);
  return entry.promise;
}
