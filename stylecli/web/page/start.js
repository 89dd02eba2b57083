// The first view: an invitation, and what the styles look like.

import { addSample, app, style as chosen } from "./app.js";
import { takePicture } from "./camera.js";
import { byId, h } from "./dom.js";
import { engine } from "./engine.js";
import { icon } from "./icons.js";
import { learnTile } from "./learn.js";
import { T } from "./text.js";

export function startView() {
  const row = h("ul", { class: "samples", "aria-label": T.styles });
  for (const style of app.styles) {
    const picture = h("img", { alt: "", width: 480, height: 320 });
    engine.stylePreview(style).then((address) => (picture.src = address), () => {});
    const figure = h("figure", {}, h("div", { class: "picture" }, picture), caption(style));
    row.append(h("li", {}, h("button", { class: "card", onclick: () => addSample(style.name) }, figure)));
  }
  row.append(...[learnTile()].filter(Boolean));
  return h(
    "div",
    { class: "start" },
    h(
      "section",
      { class: "invitation" },
      h("h1", {}, T.headline),
      h("p", { class: "lead" }, chosen() ? T.linked(chosen().title) : lead()),
      h(
        "div",
        { class: "actions" },
        h("button", { class: "primary", onclick: () => byId("files").click() }, icon("open"), T.choose),
        h("button", { onclick: takePicture }, icon("camera"), T.takePicture),
        h("button", { class: "quiet", onclick: () => addSample() }, T.sample),
      ),
    ),
    h("section", { "aria-labelledby": "styles" }, h("h2", { id: "styles" }, T.styleCount(app.styles.length), h("span", {}, T.styleHint)), row),
  );
}

function lead() {
  const what = engine.can.videos ? T.photoOrVideo : T.aPhoto;
  return matchMedia("(hover: none)").matches ? T.leadTouch(what) : T.lead(what); // nothing is dropped by a finger
}

export function caption(style) {
  return h("figcaption", {}, h("strong", {}, style.title), h("span", {}, T.byline(style.artist, style.year)));
}
