// The place of the large picture: two layers with a divider between them, zoom. The layers hold canvases, or videos.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { maskBrush } from "./mask-brush.js";
import { T } from "./text.js";

const NEAR_DIVIDER = 28; // pixels: what is pressed so near moves the divider even when the picture is zoomed
const REGION_PAUSE = 150; // milliseconds after the last scroll until full-size pixels are asked for

export function makeStage({ onregion, onmask }) {
  const layers = { before: layer("before"), after: layer("after") };
  const knob = h("span", { class: "knob" }, icon("handle"));
  const divider = h("div", { class: "divider", "aria-hidden": "true" }, knob);
  const split = h("input", { class: "split", type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": T.compare });
  const frame = h("div", { class: "frame" }, layers.after.element, layers.before.element, divider, split);
  const brush = maskBrush(frame, onmask);
  const scroll = h("div", { class: "scroll", role: "group", "aria-label": T.picture }, frame);
  const tags = { before: h("span", { class: "tag before" }), after: h("span", { class: "tag after" }) };
  const veil = h("div", { class: "veil", hidden: true }, T.painting);
  const element = h("div", { class: "stage" }, scroll, tags.before, tags.after, veil);

  const size = { width: 3, height: 2 }; // of the full picture
  let zoomed = false, regionTimer = 0;

  function layer(name) {
    const main = h("canvas"), fine = h("canvas", { class: "fine", hidden: true });
    return { element: h("div", { class: `layer ${name}` }, main, fine), main, fine };
  }

  function setSplit(percent) {
    const value = Math.min(100, Math.max(0, percent));
    split.value = value;
    layers.before.element.style.clipPath = `inset(0 ${100 - value}% 0 0)`;
    divider.style.left = `${value}%`;
    tags.before.classList.toggle("faint", value < 12);
    tags.after.classList.toggle("faint", value > 88);
  }

  function fit() {
    const room = scroll.getBoundingClientRect();
    if (!room.width) return;
    const ratio = window.devicePixelRatio || 1;
    const scale = zoomed ? 1 / ratio : Math.min(room.width / size.width, room.height / size.height, 4 / ratio);
    frame.style.width = `${size.width * scale}px`;
    frame.style.height = `${size.height * scale}px`;
    element.classList.toggle("zoomed", zoomed);
    element.style.setProperty("--aside", `${Math.max(0, (room.width - size.width * scale) / 2)}px`);
    element.style.setProperty("--below", `${Math.max(0, (room.height - size.height * scale) / 2)}px`);
    wantRegion();
  }

  function wantRegion() {
    clearTimeout(regionTimer);
    for (const { fine } of Object.values(layers)) fine.hidden = true;
    if (zoomed && onregion) regionTimer = setTimeout(() => onregion(visible()), REGION_PAUSE);
  }

  // The part of the full picture that is seen now: [left, top, width, height].
  function visible() {
    const room = scroll.getBoundingClientRect(), place = frame.getBoundingClientRect();
    const scale = size.width / place.width;
    const left = Math.max(0, (room.left - place.left) * scale), top = Math.max(0, (room.top - place.top) * scale);
    const right = Math.min(size.width, (room.right - place.left) * scale);
    const bottom = Math.min(size.height, (room.bottom - place.top) * scale);
    return [Math.floor(left), Math.floor(top), Math.ceil(right) - Math.floor(left), Math.ceil(bottom) - Math.floor(top)];
  }

  function put(canvas, pixels) {
    if (canvas.width !== pixels.width) canvas.width = pixels.width;
    if (canvas.height !== pixels.height) canvas.height = pixels.height;
    canvas.getContext("2d").putImageData(pixels, 0, 0);
  }

  // Pointers move the divider, or the zoomed picture; touch scrolls that by itself.
  let drag = null;
  frame.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || brush.isTaken()) return;
    const place = frame.getBoundingClientRect();
    const near = Math.abs(event.clientX - place.left - (split.value / 100) * place.width) < NEAR_DIVIDER;
    if (!zoomed || near) drag = { kind: "split" };
    else if (event.pointerType === "mouse") drag = { kind: "pan", x: event.clientX, y: event.clientY };
    else return;
    frame.setPointerCapture(event.pointerId);
    if (drag.kind === "split") split.focus({ focusVisible: false });
    move(event);
    event.preventDefault();
  });
  frame.addEventListener("pointermove", (event) => drag && move(event));
  for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => (drag = null));

  function move(event) {
    if (drag.kind === "split") {
      const place = frame.getBoundingClientRect();
      setSplit(((event.clientX - place.left) / place.width) * 100);
    } else {
      scroll.scrollLeft += drag.x - event.clientX;
      scroll.scrollTop += drag.y - event.clientY;
      Object.assign(drag, { x: event.clientX, y: event.clientY });
    }
  }

  split.addEventListener("input", () => setSplit(Number(split.value)));
  scroll.addEventListener("scroll", wantRegion);
  new ResizeObserver(fit).observe(scroll);
  setSplit(50);

  return {
    element,
    setSize(width, height) {
      Object.assign(size, { width, height });
      element.style.setProperty("--ratio", height / width);
      fit();
    },
    setBefore: (pixels) => put(layers.before.main, pixels),
    setAfter: (pixels) => put(layers.after.main, pixels),
    // Full-size pixels of a region on top of the layers.
    setFine([left, top, width, height], before, after) {
      for (const [{ fine }, pixels] of [[layers.before, before], [layers.after, after]]) {
        put(fine, pixels);
        fine.style.left = `${(left / size.width) * 100}%`;
        fine.style.top = `${(top / size.height) * 100}%`;
        fine.style.width = `${(width / size.width) * 100}%`;
        fine.style.height = `${(height / size.height) * 100}%`;
        fine.hidden = false;
      }
    },
    setTags(before, after) {
      tags.before.textContent = before;
      tags.after.textContent = after;
    },
    setBusy(is) {
      veil.hidden = !is;
    },
    setSplit,
    focus: () => split.focus({ preventScroll: true }),
    setZoom(is) {
      const middle = is ? 0.5 : 0;
      zoomed = is;
      if (is) scroll.tabIndex = 0; // arrow keys move the picture
      else scroll.removeAttribute("tabindex");
      fit();
      scroll.scrollLeft = (frame.offsetWidth - scroll.clientWidth) * middle;
      scroll.scrollTop = (frame.offsetHeight - scroll.clientHeight) * middle;
    },
    isZoomed: () => zoomed,
    // The mask that the brush paints on, and how: {size, brings}; null ends it.
    setMasking(canvas, how) {
      brush.take(canvas, how);
      element.classList.toggle("masking", Boolean(how));
      split.setAttribute("aria-label", how ? T.maskStage : T.compare);
      if (how) setSplit(0);
    },
    refine: wantRegion,
    // Videos in place of the canvases; `before` may be null.
    setVideos(before, after) {
      for (const [part, video] of [[layers.before, before], [layers.after, after]]) {
        part.element.querySelector("video")?.remove();
        part.main.hidden = Boolean(before || after);
        if (video) part.element.append(video);
      }
      element.classList.toggle("playing", Boolean(after));
      if (after && !before) setSplit(0);
    },
  };
}
