// The panel of the mask: a brush that says where the photo stays. The tab keeps the mask when the page is loaded again.

import { app } from "./app.js";
import { h, saveBlob, segments, slider } from "./dom.js";
import { icon } from "./icons.js";
import { storedMask, storeMask } from "./kept-masks.js";
import { T } from "./text.js";

export function maskPanel(upload, stage, photo, changed) {
  const how = { size: 0.18, brings: false };
  const begin = h("button", { class: "wide", onclick: start }, icon("brush"), T.maskOn);
  const tools = h("div", { class: "fields", hidden: true });
  const panel = h("section", { class: "mask", "aria-label": T.mask }, begin, tools);
  if (app.masks.has(upload.id)) mark();
  else bringBack();

  for (const place of [panel, stage.element])
    place.addEventListener("keydown", (event) => event.key === "Escape" && !tools.hidden && stop());

  function mark() {
    begin.querySelector(".mark")?.remove();
    if (app.masks.has(upload.id)) begin.append(h("span", { class: "mark" }));
  }

  async function bringBack() {
    const canvas = await storedMask(upload.id);
    if (!canvas || app.masks.has(upload.id)) return;
    app.masks.set(upload.id, canvas);
    mark();
    changed();
  }

  function start() {
    if (!app.masks.has(upload.id)) {
      const like = photo();
      if (!like) return;
      const canvas = h("canvas", { width: like.width, height: like.height });
      fill(canvas);
      app.masks.set(upload.id, canvas);
    }
    begin.hidden = true;
    tools.hidden = false;
    tools.replaceChildren(
      h("p", { class: "hint" }, T.maskHint),
      h("div", { class: "field switch" }, T.maskTool,
        segments(T.maskTool, [[false, T.maskErase], [true, T.maskBring]], how.brings, (is) => (how.brings = is))),
      slider(T.maskSize, { min: 0.02, max: 0.6, step: 0.01, value: how.size, show: (v) => `${Math.round(v * 100)} %`, oninput: (v) => (how.size = v) }),
      h("div", { class: "row" },
        h("button", { class: "primary small", onclick: stop }, T.maskDone),
        h("button", { class: "small", onclick: invert }, T.maskInvert),
        h("button", { class: "small", onclick: save }, T.maskSave),
        h("button", { class: "small quiet", onclick: remove }, T.maskClear)),
    );
    stage.setMasking(app.masks.get(upload.id), how);
    stage.focus(); // the keys paint at once
    panel.scrollIntoView({ block: "nearest" });
    changed();
  }

  function stop() {
    stage.setMasking(null, null);
    stage.setSplit(50);
    tools.hidden = true;
    begin.hidden = false;
    mark();
    storeMask(upload.id, app.masks.get(upload.id));
    begin.focus();
    changed();
  }

  function invert() {
    const canvas = app.masks.get(upload.id), context = canvas.getContext("2d");
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < pixels.data.length; i += 4) {
      pixels.data[i] = pixels.data[i + 1] = pixels.data[i + 2] = 255;
      pixels.data[i + 3] = 255 - pixels.data[i + 3];
    }
    context.putImageData(pixels, 0, 0);
    storeMask(upload.id, canvas);
    changed();
  }

  async function save() {
    const blob = await new Promise((resolve) => greyMask(app.masks.get(upload.id)).toBlob(resolve, "image/png"));
    saveBlob(blob, "mask.png");
  }

  function remove() {
    app.masks.delete(upload.id);
    stop();
  }

  return panel;
}

function fill(canvas) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
}

// The mask as the program reads it: white where the style is, black where the photo stays.
export function greyMask(mask) {
  const canvas = h("canvas", { width: mask.width, height: mask.height });
  const context = canvas.getContext("2d");
  context.fillStyle = "black";
  context.fillRect(0, 0, mask.width, mask.height);
  context.drawImage(mask, 0, 0);
  return canvas;
}
