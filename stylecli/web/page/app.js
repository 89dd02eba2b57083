// What all views share: the styles, the open files, messages. `app.view` is aborted when its view is left.

import { byId, h, say } from "./dom.js";
import { engine } from "./engine.js";
import { Fault } from "./faults.js";
import { storeMask } from "./kept-masks.js";
import { forget } from "./pictures.js";
import { choose, state } from "./state.js";
import { T } from "./text.js";

export const app = { styles: [], files: new Map(), sources: new Map(), masks: new Map(), learns: false, lesson: "", takes: null, view: new AbortController() };

export const file = () => app.files.get(state.file) ?? null;
export const style = () => app.styles.find((one) => one.name === state.style) ?? null;
export const isVideo = () => file()?.kind === "video";

// A setting that styles have a mind of: as chosen, else as a style says, or the mean of two that are blended. A variant
// that was trained apart has no fine strokes.
export function amountOf(name, one = style(), second = app.styles.find((other) => other.name === state.blend), variant = state.variant) {
  if (state[name] >= 0) return state[name];
  if (second) return (1 - state.share) * one[name] + state.share * second[name];
  return name === "detail" && one.apart?.includes(variant) ? 0 : one[name];
}

// A message that stays until it is closed; `isGood` where nothing is wrong.
export function banner(text, action = null, { isGood = false } = {}) {
  const place = byId("banner");
  place.classList.toggle("good", isGood);
  place.replaceChildren(h("p", {}, text), ...(action ? [action] : []), h("button", { class: "quiet", onclick: hush }, T.close));
  place.hidden = false;
}

export function hush() {
  byId("banner").hidden = true;
}

// Show what went wrong; what was given up on purpose is no fault.
export function fault(error) {
  if (error?.name === "AbortError") return;
  banner(error?.message ?? String(error));
  if (!(error instanceof Fault)) console.error(error);
}

// Files were dropped, pasted or chosen: a view may take them itself (`app.takes`), else they are opened.
export function receive(blobs) {
  return app.takes ? app.takes(blobs) : addFiles(blobs);
}

async function addFiles(blobs) {
  hush();
  const added = [];
  for (const blob of blobs) {
    const name = blob.name || `picture.${(blob.type.split("/")[1] || "png").replace("jpeg", "jpg")}`;
    busy(T.reading(name));
    try {
      const upload = await engine.open(blob, name);
      app.files.set(upload.id, upload);
      if (upload.kind === "video") app.sources.set(upload.id, blob);
      added.push(upload);
    } catch (error) {
      fault(error);
    } finally {
      busy("");
    }
  }
  if (added.length) showFile(added[0], added);
}

// A picture to try, at once in a style where one is named.
export async function addSample(style = state.style) {
  busy(T.reading(T.sampleName));
  try {
    const upload = await engine.sample();
    app.files.set(upload.id, upload);
    showFile(upload, [upload], { style });
  } catch (error) {
    fault(error);
  } finally {
    busy("");
  }
}

// What is being waited for, shown and said; "" for nothing.
export function busy(text) {
  document.body.classList.toggle("busy", Boolean(text));
  byId("busy").hidden = !text;
  byId("busy").textContent = text;
  if (text) say(text);
}

function showFile(upload, added, changes = {}) {
  say(T.opened(upload.name));
  const isAdded = Boolean(state.files && state.file); // to a file that is looked at; else the earlier ones are over
  if (!isAdded) for (const id of [...app.files.keys()]) if (!added.some((one) => one.id === id)) drop(id);
  choose({ file: upload.id, files: [...app.files.keys()].join(","), second: 0, learn: "", ...changes }, { step: true });
}

export function closeFile(id) {
  drop(id);
  const rest = [...app.files.keys()];
  choose({ files: rest.join(","), file: rest.includes(state.file) ? state.file : (rest[0] ?? "") }, { step: true });
}

function drop(id) {
  const upload = app.files.get(id);
  if (!upload) return;
  forget(upload);
  app.files.delete(id);
  app.sources.delete(id);
  app.masks.delete(id);
  storeMask(id, null);
  engine.close(upload).catch(() => {});
}

// The files of the address that this page does not know yet: it was loaded again.
export async function reopenFiles() {
  for (const id of state.files.split(",").filter(Boolean)) {
    if (app.files.has(id)) continue;
    try {
      app.files.set(id, await engine.reopen(id));
    } catch (error) {
      if (error.status !== 422) throw error;
    }
  }
  if (state.file && !app.files.has(state.file)) {
    const rest = [...app.files.keys()];
    if (!rest.length) banner(T.gone);
    choose({ file: rest[0] ?? "", files: rest.join(",") });
  }
}
