// The second view: the picture in every style at once.

import { app, fault, file, isVideo } from "./app.js";
import { canvasOf, h } from "./dom.js";
import { engine } from "./engine.js";
import { fileStrip } from "./files.js";
import { learnTile } from "./learn.js";
import { painted, photo, plainly } from "./pictures.js";
import { scrubber } from "./scrubber.js";
import { caption } from "./start.js";
import { choose, state } from "./state.js";
import { T } from "./text.js";

const NARROWEST = 9 / 16, WIDEST = 2; // shapes of the small pictures: longer ones are cut, so that captions stay near

export function gridView() {
  const upload = file();
  const cards = h("ul", { class: upload.height > upload.width ? "grid tall" : "grid" });
  cards.style.setProperty("--ratio", Math.min(WIDEST, Math.max(NARROWEST, upload.width / upload.height)));
  const own = h("div", { class: "card own" }, h("figure", {}, place(), plainCaption()));
  cards.append(h("li", {}, own));
  const buttons = new Map();
  for (const style of app.styles) {
    const open = () => choose({ style: style.name, variant: "" }, { step: true });
    const figure = h("figure", {}, place(), caption(style));
    const button = h("button", { class: "card", onclick: open }, figure);
    buttons.set(style.name, button);
    cards.append(h("li", {}, button));
  }
  cards.append(...[learnTile()].filter(Boolean));
  cards.addEventListener("keydown", walk);

  let asked = null;
  async function fill() {
    asked?.abort();
    asked = new AbortController();
    const second = state.second, signal = AbortSignal.any([asked.signal, app.view.signal]);
    const paint = async (style, how) => {
      const pixels = await painted(upload, plainly(style.name), second, { ...how, signal });
      if (!signal.aborted) show(buttons.get(style.name), pixels);
    };
    try {
      show(own, await photo(upload, second, { tile: true }), T.yourPhoto);
      await Promise.all(app.styles.map((style) => paint(style, { tile: true })));
      // Small pictures had a smaller photo to work on; now each as it will look when it is large.
      if (engine.can.refine) for (const style of app.styles) await paint(style, {});
    } catch (error) {
      fault(error);
    }
  }
  fill();

  const title = h("div", { class: "title" }, h("h1", {}, T.chooseStyle), h("p", {}, facts(upload)));
  return h("div", { class: "choosing" }, fileStrip(), title, isVideo() ? scrubber(upload, fill) : null, cards);
}

export function facts(upload) {
  const length = upload.kind === "video" && upload.seconds ? ` · ${T.seconds(upload.seconds)}` : "";
  return `${upload.name} · ${T.size(upload.width, upload.height)}${length}`;
}

function plainCaption() {
  return h("figcaption", {}, h("strong", {}, isVideo() ? T.yourFrame : T.yourPhoto), h("span", {}, T.asItIs));
}

const place = () => h("div", { class: "picture waiting" });

// `label` is for the picture that stands alone; in a button the caption names it.
function show(card, pixels, label = "") {
  const picture = card.querySelector(".picture");
  picture.classList.remove("waiting");
  picture.replaceChildren(canvasOf(pixels, label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" }));
}

// Arrow keys go from card to card.
function walk(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 0, ArrowUp: 0 }[event.key];
  if (step === undefined) return;
  const all = [...event.currentTarget.querySelectorAll("button")];
  const at = all.indexOf(document.activeElement);
  if (at < 0) return;
  const columns = getComputedStyle(event.currentTarget).gridTemplateColumns.split(" ").length;
  const move = step || (event.key === "ArrowDown" ? columns : -columns);
  const next = all[Math.min(all.length - 1, Math.max(0, at + move))];
  next.focus();
  event.preventDefault();
}
