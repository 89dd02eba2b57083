// The strip of open files, where there are several.

import { app, closeFile, fault } from "./app.js";
import { canvasOf, h } from "./dom.js";
import { icon } from "./icons.js";
import { photo } from "./pictures.js";
import { choose, state } from "./state.js";
import { T } from "./text.js";

export function fileStrip() {
  if (app.files.size < 2) return null;
  const strip = h("ul", { class: "files", "aria-label": T.fileList });
  for (const upload of app.files.values()) {
    const thumb = h("span", { class: "thumb" });
    photo(upload, 0, { tile: true }).then((pixels) => thumb.replaceChildren(canvasOf(pixels)), fault);
    const isCurrent = upload.id === state.file;
    strip.append(
      h(
        "li",
        { class: isCurrent ? "current" : "", "data-file": upload.id },
        h(
          "button",
          { class: "file", "aria-current": isCurrent ? "true" : null, onclick: () => choose({ file: upload.id, second: 0 }, { step: true }) },
          thumb,
          h("span", { class: "name" }, upload.name),
        ),
        h("button", { class: "bare remove", "aria-label": T.closeFile(upload.name), onclick: () => closeFile(upload.id) }, icon("close")),
      ),
    );
  }
  return strip;
}

// Show on the strip what became of each file of a job.
export function markFiles(job) {
  for (const item of job.items) {
    const entry = document.querySelector(`[data-file="${CSS.escape(item.upload)}"]`);
    if (entry) entry.dataset.state = item.state;
  }
}
