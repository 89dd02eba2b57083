// The engine behind `stylecli serve`: each call is a request with the key in a header.

import { config } from "./config.js";
import { Fault } from "./faults.js";
import { key } from "./state.js";
import { T } from "./text.js";

export const can = { videos: true, batches: true, share: false, region: true };

async function call(method, path, { json, body, headers = {}, signal } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      signal,
      headers: { "x-stylecli-key": key, ...headers },
      body: json ? JSON.stringify(json) : body,
      cache: "no-store",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault(T.stopped);
  }
  if (answer.ok) return answer;
  if (answer.status === 401) throw new Fault(T.wrongKey, 401);
  const told = await answer.json().catch(() => ({}));
  throw new Fault([told.message ?? answer.statusText, told.hint].filter(Boolean).join(". "), answer.status);
}

async function pixels(path, json, signal) {
  const answer = await call("POST", path, { json, signal });
  if (answer.headers.get("content-type") === "image/jpeg") return decoded(await answer.blob());
  const bytes = new Uint8ClampedArray(await answer.arrayBuffer());
  return new ImageData(bytes, Number(answer.headers.get("x-width")), Number(answer.headers.get("x-height")));
}

// Pictures for other machines come as files.
async function decoded(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

export async function start() {
  return (await call("GET", "/api/styles")).json();
}

export async function enter(password) {
  const answer = await fetch("/api/session", { method: "POST", body: JSON.stringify({ password }) });
  if (!answer.ok) throw new Fault(T.wrongPassword, answer.status);
  return (await answer.json()).key;
}

export const privacy = config.password ? T.privacyRemote : T.privacyServer;

export async function stylePreview(style) {
  return URL.createObjectURL(await (await call("GET", `/api/styles/${encodeURIComponent(style.name)}/preview`)).blob());
}

export async function open(blob, name) {
  const headers = { "x-name": encodeURIComponent(name) };
  return (await call("POST", "/api/uploads", { body: blob, headers })).json();
}

export async function sample() {
  return (await call("POST", "/api/sample")).json();
}

export async function reopen(id) {
  return (await call("GET", `/api/uploads/${encodeURIComponent(id)}`)).json();
}

export async function source(upload) {
  return (await call("GET", `/api/uploads/${encodeURIComponent(upload.id)}/file`)).blob();
}

export async function close(upload) {
  await call("DELETE", `/api/uploads/${encodeURIComponent(upload.id)}`);
}

export function photo(upload, second, { tile = false, signal } = {}) {
  return pixels("/api/photo", { upload: upload.id, second, tile }, signal);
}

export function paint(upload, wish, second, { tile = false, signal } = {}) {
  return pixels("/api/paint", { ...wish, upload: upload.id, second, tile }, signal);
}

// A rectangle at full size: of the photo where `wish` is null.
export function region(upload, wish, second, [left, top, width, height], { signal } = {}) {
  return pixels("/api/region", { ...(wish ?? {}), upload: upload.id, second, left, top, width, height }, signal);
}

async function withMask(wish, mask) {
  if (!mask) return wish;
  const blob = await new Promise((resolve) => mask.toBlob(resolve, "image/png"));
  return { ...wish, mask: (await open(blob, "mask.png")).id };
}

// A mask is sent for one result.
function discard(mask) {
  if (mask) close({ id: mask }).catch(() => {});
}

// The result at full size: {blob, name, lost}.
export async function picture(upload, wish, mask) {
  const asked = await withMask(wish, mask);
  const answer = await call("POST", "/api/picture", { json: { ...asked, upload: upload.id } }).finally(() => discard(asked.mask));
  const told = (name) => decodeURIComponent(answer.headers.get(name) ?? "");
  return { blob: await answer.blob(), name: told("x-name"), lost: told("x-lost") };
}

export async function startJob(uploads, wish, span, mask) {
  const asked = await withMask(wish, mask);
  const json = { ...asked, uploads: uploads.map((upload) => upload.id), span };
  return { ...(await (await call("POST", "/api/jobs", { json })).json()), mask: asked.mask };
}

// Calls `heard` with the job whenever something changed, until it is over; returns the last word.
export async function watch(job, heard) {
  const answer = await call("GET", `/api/jobs/${encodeURIComponent(job.id)}/events`);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "", last = job;
  for (;;) {
    let piece;
    try {
      piece = await reader.read();
    } catch {
      throw new Fault(T.stopped);
    }
    if (piece.done) {
      discard(job.mask);
      return last;
    }
    text += piece.value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      if (!event.startsWith("data: ")) continue;
      last = JSON.parse(event.slice(6));
      heard(last);
    }
  }
}

export async function learn(upload, lesson) {
  return (await call("POST", "/api/lessons", { json: { upload: upload.id, ...lesson } })).json();
}

export async function job(id) {
  return (await call("GET", `/api/jobs/${encodeURIComponent(id)}`)).json();
}

export async function jobPreview(job) {
  return URL.createObjectURL(await (await call("GET", `/api/jobs/${encodeURIComponent(job.id)}/preview`)).blob());
}

export async function cancel(job) {
  await call("DELETE", `/api/jobs/${encodeURIComponent(job.id)}`);
}

export async function result(job) {
  const answer = await call("GET", `/api/jobs/${encodeURIComponent(job.id)}/result`);
  return { blob: await answer.blob(), name: decodeURIComponent(answer.headers.get("x-name") ?? job.name) };
}
