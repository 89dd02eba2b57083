// The third view: one style, large, with everything that can be adjusted.

import { app, file, isVideo, style } from "./app.js";
import { h, segments } from "./dom.js";
import { fileStrip } from "./files.js";
import { facts } from "./grid.js";
import { icon } from "./icons.js";
import { storeMask } from "./kept-masks.js";
import { largePicture } from "./large-picture.js";
import { maskPanel } from "./mask.js";
import { OutputPanel } from "./output.js";
import { scrubber } from "./scrubber.js";
import { settingsOf } from "./settings.js";
import { choose, looks, state } from "./state.js";
import { styleStrip } from "./strip.js";
import { T } from "./text.js";

export function studioView() {
  const upload = file();
  const picture = largePicture(upload, { onmask: brushed });
  const { stage } = picture;
  const settings = settingsOf(picture, { load, heard: () => output.changed() });
  const mask = maskPanel(upload, stage, picture.photo, () => (picture.redraw(), output.changed()));
  const frames = isVideo() ? scrubber(upload, load) : null;
  const output = new OutputPanel(upload, picture, { leaveResult, lookAt: (second) => frames.go(second) });
  const strip = styleStrip(upload, load);

  function leaveResult() {
    stage.endVideos();
    load();
  }

  function load() {
    const chosen = style(), against = picture.against();
    settings.tell();
    strip.mark();
    stage.setTags(against ? against.title : isVideo() ? T.yourFrame : T.before, nameOf(chosen));
    document.title = `${chosen.title} – ${upload.name}`;
    picture.load();
  }

  function brushed(hasEnded) {
    picture.draw();
    if (!hasEnded) return;
    output.changed();
    storeMask(upload.id, picture.mask());
  }

  const view = h(
    "div",
    { class: "studio" },
    h("div", { class: "left" },
      fileStrip(),
      h("div", { class: "over" },
        h("button", { class: "quiet", onclick: () => choose({ style: "", ...looks() }, { step: true }) }, icon("back"), T.back),
        h("span", { class: "facts" }, facts(upload)),
        segments(T.zoom, [[false, T.fit], [true, T.full]], false, (is) => stage.setZoom(is))),
      stage.element,
      frames,
      strip.element),
    h("aside", { class: "panel", "aria-label": T.adjust }, settings.heading, settings.element, mask, output.element),
  );
  load();
  strip.fill(); // after the large picture, which is what one waits for
  return view;
}

function nameOf(chosen) {
  const second = app.styles.find((one) => one.name === state.blend);
  return second ? `${chosen.title} + ${second.title}` : chosen.title;
}
