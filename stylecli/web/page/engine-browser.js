// The engine of the static site: everything happens in this browser. Sizes and arithmetic are those of the program.

import { compose, restoreDetail } from "./compose.js";
import { config } from "./config.js";
import { Fault } from "./faults.js";
import { T } from "./text.js";
import { AUTO_SHORT_SIDE } from "./wish.js";

const PROXY_SHORT_SIDE = 1080; // pixels, as in stylecli.web.pictures.previews
const TILE_SHORT_SIDE = 360; // pixels: the small pictures come fast, and are made anew in full detail afterwards
const WHOLE_PIXELS = 32 * 256 * 256; // up to which a network measures the whole picture, as in stylecli.inference.tiles
const WORKING_PIXELS_MAX = 4e6; // that the memory of WebAssembly holds
const PIXELS_MAX = 40e6;
const QUALITY = 0.92;
const PARTS_KEPT = 4; // pictures that blends were mixed from: at the same `fill`, another share needs no network
const WRITTEN = { "image/jpeg": "jpg", "image/webp": "webp" }; // everything else becomes PNG

export const can = { videos: false, batches: false, share: true, region: false, refine: true };

const threads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
export const privacy = `${T.privacyBrowser} ${T.threads(threads)}.`;

const pictures = new Map();
let opened = 0;

export async function start() {
  // The runtime is large: it is loaded while the visitor still looks for a photo.
  if (config.styles.length) thread().postMessage({ network: networkOf(config.styles[0].name) });
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
  return blended(upload, own, wish.style, { scale: workingScale(own, wish.brush, own.height / upload.height), fill: fillOf(wish), signal });
}

// The result at full size: {blob, name, lost}. A canvas keeps no metadata.
export async function picture(upload, wish, _, mask) {
  const { bitmap, type } = pictures.get(upload.id);
  const own = pixelsOf(bitmap, upload.width, upload.height);
  const painted = await blended(null, own, wish.style, { scale: workingScale(own, wish.brush), fill: fillOf(wish) });
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

// How many strokes empty areas get: as wished, or else as the style says; of a blend, the mean of its parts.
function fillOf({ style, fill }) {
  return fill ?? partsOf(style).reduce((sum, [name, share]) => sum + share * named(name).fill, 0);
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

// One style, or a blend, made as the program does. Of styles with a common base, one network with their mean weights
// paints. Others paint the picture one after the other, and their pictures are mixed; those of an `upload` are kept for
// another share, null keeps nothing. `how`: the `scale` at which networks work, the `fill`, and a `signal` to give it up.
async function blended(upload, own, style, how) {
  const parts = partsOf(style);
  if (parts.length === 1 || areRelated(parts)) return paintedAt(own, style, how);
  const pictures = await Promise.all(parts.map(([name]) => {
    const paint = () => paintedAt(own, name, how);
    return upload ? part(JSON.stringify([upload.id, own.width, own.height, how.scale, how.fill, name]), paint, how.signal) : paint();
  }));
  const mixed = new ImageData(own.width, own.height);
  const [first, second] = pictures.map(({ data }) => data), [[, one], [, other]] = parts;
  for (let i = 0; i < first.length; i++) mixed.data[i] = one * first[i] + other * second[i];
  return mixed;
}

const named = (style) => config.styles.find(({ name }) => name === style);

function areRelated([[first], [second]]) {
  return Boolean(named(first)?.related?.includes(second));
}

// What the worker needs to make a network: the files of its parts with their shares, and where their weights lie.
function networkOf(style) {
  const parts = partsOf(style).map(([name, share]) => [`models/${encodeURIComponent(name)}.onnx`, share]);
  return { parts, weights: named(partsOf(style)[0][0])?.weights };
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

// A picture painted by a network that works at `scale` times its size; the photo's detail is put back.
async function paintedAt(own, style, how) {
  const scale = Math.min(how.scale, Math.sqrt(WORKING_PIXELS_MAX / (own.width * own.height)));
  const width = Math.max(1, Math.round(own.width * scale)), height = Math.max(1, Math.round(own.height * scale));
  if (width === own.width && height === own.height) return run(own, style, how);
  const small = pixelsOf(canvasOf(own), width, height);
  const painted = pixelsOf(canvasOf(await run(small, style, how)), own.width, own.height);
  if (height > own.height) return painted;
  return restoreDetail(own, pixelsOf(canvasOf(small), own.width, own.height), painted);
}

function canvasOf(pixels) {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

function pixelsOf(source, width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

// One worker, one picture at a time; what nobody waits for any more is never begun.
const waiting = [];
let worker = null, running = null;

function run(pixels, style, { fill, signal }) {
  return new Promise((resolve, reject) => {
    waiting.push({ pixels, style, fill, signal, resolve, reject });
    next();
  });
}

function next() {
  if (running) return;
  running = waiting.shift() ?? null;
  if (!running) return;
  const { pixels, style, fill, signal, reject } = running;
  if (signal?.aborted) {
    reject(new DOMException("given up", "AbortError"));
    running = null;
    next();
    return;
  }
  const rgba = pixels.data.slice();
  const { width, height } = pixels;
  thread().postMessage({ network: networkOf(style), rgba, width, height, fill }, [rgba.buffer]);
}

function thread() {
  if (worker) return worker;
  worker = new Worker("worker.js", { type: "module" });
  worker.onmessage = ({ data }) => done(data);
  worker.onerror = (event) => {
    worker = null;
    if (running) done({ fault: event.message || T.failed });
  };
  return worker;
}

function done({ painted, fault, milliseconds }) {
  const { pixels, resolve, reject } = running;
  running = null;
  if (fault) reject(new Fault(fault));
  else {
    performance.measure(`painted ${pixels.width} x ${pixels.height}`, { start: performance.now() - milliseconds, end: performance.now() });
    resolve(new ImageData(painted, pixels.width, pixels.height));
  }
  next();
}
