// The place of the large picture: two layers with a divider between them, zoom. The layers hold canvases, or videos.

import { Divider } from "./divider.js";
import { h } from "./dom.js";
import { Layer } from "./layer.js";
import { maskBrush } from "./mask-brush.js";
import { T } from "./text.js";

const REGION_PAUSE = 150; // milliseconds after the last scroll until full-size pixels are asked for
const ENLARGED_MAX = 4; // pixels of the screen for one of the picture
const SEEN_MIN = 240; // pixels: the shorter side of a picture that is smaller still
const SLIM = 160; // pixels: a picture that is narrower has no room for the names of its layers and the knob

export class Stage {
  #before = new Layer("before");
  #after = new Layer("after");
  #tags = { before: h("span", { class: "tag before" }), after: h("span", { class: "tag after" }) };
  #divider = new Divider(this.#before, this.#tags);
  #frame = h("div", { class: "frame" }, this.#after.element, this.#before.element, this.#divider.line, this.#divider.slider);
  #scroll = h("div", { class: "scroll", role: "group", "aria-label": T.picture }, this.#frame);
  #veil = h("div", { class: "veil", hidden: true }, T.painting);
  #size = { width: 3, height: 2 }; // of the full picture
  #isZoomed = false;
  #regionTimer = 0;
  #onregion;
  #brush;
  element = h("div", { class: "stage" }, this.#scroll, this.#tags.before, this.#tags.after, this.#veil);

  // `onregion([left, top, width, height])` is called for full-size pixels of what is seen, null where there are none;
  // `onmask(hasEnded)` while the brush paints on a mask.
  constructor({ onregion, onmask }) {
    this.#onregion = onregion;
    this.#brush = maskBrush(this.#frame, onmask);
    dragging(this.#frame, (event) => this.#taken(event));
    this.#scroll.addEventListener("scroll", () => this.refine());
    new ResizeObserver(() => this.#fit()).observe(this.#scroll);
  }

  setSize(width, height) {
    this.#size = { width, height };
    this.element.style.setProperty("--ratio", height / width);
    this.#fit();
  }

  setBefore(pixels) {
    this.#before.show(pixels);
  }

  setAfter(pixels) {
    this.#after.show(pixels);
  }

  // Full-size pixels of a region on top of the layers.
  setFine(region, before, after) {
    this.#before.showFine(region, this.#size, before);
    this.#after.showFine(region, this.#size, after);
  }

  // The names of the two layers.
  setTags(before, after) {
    this.#tags.before.textContent = before;
    this.#tags.after.textContent = after;
  }

  setBusy(is) {
    this.#veil.hidden = !is;
  }

  setSplit(percent) {
    this.#divider.move(percent);
  }

  focus() {
    this.#divider.slider.focus({ preventScroll: true });
  }

  isZoomed() {
    return this.#isZoomed;
  }

  // At 100 %, from the middle of the picture on; else the whole picture.
  setZoom(is) {
    const middle = is ? 0.5 : 0;
    this.#isZoomed = is;
    if (is) this.#scroll.tabIndex = 0; // arrow keys move the picture
    else this.#scroll.removeAttribute("tabindex");
    this.#fit();
    this.#scroll.scrollLeft = (this.#frame.offsetWidth - this.#scroll.clientWidth) * middle;
    this.#scroll.scrollTop = (this.#frame.offsetHeight - this.#scroll.clientHeight) * middle;
  }

  // The mask that the brush paints on, and how: {size, brings}; null ends it.
  setMasking(canvas, how) {
    this.#brush.take(canvas, how);
    this.element.classList.toggle("masking", Boolean(how));
    this.#divider.slider.setAttribute("aria-label", how ? T.maskStage : T.compare);
    if (how) this.setSplit(0);
  }

  // Videos in place of the canvases; `before` may be null.
  setVideos(before, after) {
    this.#before.play(before);
    this.#after.play(after);
    this.element.classList.add("playing");
    if (!before) this.setSplit(0);
  }

  // The canvases again.
  endVideos() {
    this.#before.pause();
    this.#after.pause();
    this.element.classList.remove("playing");
  }

  // Ask for the full-size pixels of what is seen, after a pause.
  refine() {
    clearTimeout(this.#regionTimer);
    this.#before.hideFine();
    this.#after.hideFine();
    if (this.#isZoomed && this.#onregion) this.#regionTimer = setTimeout(() => this.#onregion(this.#visible()), REGION_PAUSE);
  }

  // Give the picture the size that there is room for, or at 100 % its own.
  #fit() {
    const room = this.#scroll.getBoundingClientRect();
    if (!room.width) return;
    const { width, height } = this.#size, ratio = window.devicePixelRatio || 1;
    const scale = this.#isZoomed ? 1 / ratio : Math.min(room.width / width, room.height / height, Math.max(ENLARGED_MAX / ratio, SEEN_MIN / Math.min(width, height)));
    this.#frame.style.width = `${width * scale}px`;
    this.#frame.style.height = `${height * scale}px`;
    this.element.classList.toggle("zoomed", this.#isZoomed);
    this.element.classList.toggle("slim", Math.min(room.width, width * scale) < SLIM);
    this.element.style.setProperty("--aside", `${Math.max(0, (room.width - width * scale) / 2)}px`);
    this.element.style.setProperty("--below", `${Math.max(0, (room.height - height * scale) / 2)}px`);
    this.refine();
  }

  // The part of the full picture that is seen now: [left, top, width, height].
  #visible() {
    const room = this.#scroll.getBoundingClientRect(), place = this.#frame.getBoundingClientRect();
    const scale = this.#size.width / place.width;
    const left = Math.floor(Math.max(0, (room.left - place.left) * scale));
    const top = Math.floor(Math.max(0, (room.top - place.top) * scale));
    const right = Math.ceil(Math.min(this.#size.width, (room.right - place.left) * scale));
    const bottom = Math.ceil(Math.min(this.#size.height, (room.bottom - place.top) * scale));
    return [left, top, right - left, bottom - top];
  }

  // What a pressed pointer moves: the divider, or the zoomed picture, which fingers scroll by themselves; null: nothing.
  #taken(event) {
    if (this.#brush.isTaken()) return null;
    if (!this.#isZoomed || this.#divider.isNear(event, this.#frame.getBoundingClientRect())) {
      this.#divider.slider.focus({ focusVisible: false });
      return (moved) => this.#divider.follow(moved, this.#frame.getBoundingClientRect());
    }
    return event.pointerType === "mouse" ? this.#panning(event) : null;
  }

  #panning({ clientX, clientY }) {
    let x = clientX, y = clientY;
    return (moved) => {
      this.#scroll.scrollLeft += x - moved.clientX;
      this.#scroll.scrollTop += y - moved.clientY;
      [x, y] = [moved.clientX, moved.clientY];
    };
  }
}

// Follow pointers that are pressed on an element: `begin` takes the first event and returns what is called with this
// one and all later ones, or null.
function dragging(element, begin) {
  let move = null;
  element.addEventListener("pointerdown", (event) => {
    move = event.button === 0 ? begin(event) : null;
    if (!move) return;
    element.setPointerCapture(event.pointerId);
    move(event);
    event.preventDefault();
  });
  element.addEventListener("pointermove", (event) => move?.(event));
  for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (move = null));
}
