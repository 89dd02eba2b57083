// The large picture: two layers with a divider between them, a mask brush, zoom. The layers hold canvases, or videos.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { T } from "./text.js";

const NEAR_DIVIDER = 28; // pixels: what is pressed so near moves the divider even when the picture is zoomed
const REGION_PAUSE = 150; // milliseconds after the last scroll until full-size pixels are asked for

export function makeStage({ onregion, onmask }) {
  const layers = { before: layer("before"), after: layer("after") };
  const knob = h("span", { class: "knob" }, icon("handle"));
  const divider = h("div", { class: "divider", "aria-hidden": "true" }, knob);
  const split = h("input", { class: "split", type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": T.compare });
  const brush = h("div", { class: "brush", hidden: true });
  const frame = h("div", { class: "frame" }, layers.after.element, layers.before.element, divider, split, brush);
  const scroll = h("div", { class: "scroll", role: "group", "aria-label": T.picture }, frame);
  const tags = { before: h("span", { class: "tag before" }), after: h("span", { class: "tag after" }) };
  const veil = h("div", { class: "veil", hidden: true }, T.painting);
  const element = h("div", { class: "stage" }, scroll, tags.before, tags.after, veil);

  const size = { width: 3, height: 2 }; // of the full picture
  let zoomed = false, masking = null, mask = null, regionTimer = 0;

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

  // Pointers: the divider, panning, or the mask brush.
  let drag = null;
  frame.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const place = frame.getBoundingClientRect();
    const near = Math.abs(event.clientX - place.left - (split.value / 100) * place.width) < NEAR_DIVIDER;
    if (masking) drag = { kind: "mask" };
    else if (zoomed && !near) drag = event.pointerType === "mouse" ? { kind: "pan", x: event.clientX, y: event.clientY } : null;
    else drag = { kind: "split" };
    if (!drag) return;
    frame.setPointerCapture(event.pointerId);
    if (drag.kind === "split") split.focus({ focusVisible: false });
    move(event);
    event.preventDefault();
  });
  frame.addEventListener("pointermove", (event) => {
    if (masking) showBrush(event.clientX, event.clientY);
    if (drag) move(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    frame.addEventListener(end, () => {
      if (drag?.kind === "mask") onmask(true);
      drag = null;
    });
  }
  frame.addEventListener("pointerleave", () => (brush.hidden = true));

  function move(event) {
    const place = frame.getBoundingClientRect();
    if (drag.kind === "split") setSplit(((event.clientX - place.left) / place.width) * 100);
    else if (drag.kind === "pan") {
      scroll.scrollLeft += drag.x - event.clientX;
      scroll.scrollTop += drag.y - event.clientY;
      drag.x = event.clientX;
      drag.y = event.clientY;
    } else {
      const x = (event.clientX - place.left) / place.width, y = (event.clientY - place.top) / place.height;
      stroke(drag.at ?? [x, y], [x, y]);
      drag.at = [x, y];
    }
  }

  // Keys: the divider is an input of its own; in the mask, arrows move the brush and the space bar paints.
  let point = [0.5, 0.5];
  frame.addEventListener("keydown", (event) => {
    if (!masking) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = event.shiftKey ? 0.005 : 0.02;
    if (event.key in steps) {
      point = point.map((at, axis) => Math.min(1, Math.max(0, at + step * steps[event.key][axis])));
    } else if (event.key === " ") {
      stroke(point, point);
      onmask(true);
    } else return;
    event.preventDefault();
    const place = frame.getBoundingClientRect();
    showBrush(place.left + point[0] * place.width, place.top + point[1] * place.height);
  });

  function showBrush(x, y) {
    const place = frame.getBoundingClientRect();
    const side = masking.size * Math.min(place.width, place.height);
    brush.hidden = false;
    brush.style.width = brush.style.height = `${side}px`;
    brush.style.left = `${x - place.left - side / 2}px`;
    brush.style.top = `${y - place.top - side / 2}px`;
  }

  function stroke(from, to) {
    const context = mask.getContext("2d");
    const radius = (masking.size * Math.min(mask.width, mask.height)) / 2;
    const length = Math.hypot((to[0] - from[0]) * mask.width, (to[1] - from[1]) * mask.height);
    const dabs = Math.max(1, Math.ceil(length / (radius / 4)));
    context.globalCompositeOperation = masking.brings ? "source-over" : "destination-out";
    for (let dab = 0; dab <= dabs; dab++) {
      const x = (from[0] + ((to[0] - from[0]) * dab) / dabs) * mask.width;
      const y = (from[1] + ((to[1] - from[1]) * dab) / dabs) * mask.height;
      const soft = context.createRadialGradient(x, y, radius * 0.6, x, y, radius);
      soft.addColorStop(0, "rgb(255 255 255 / 1)");
      soft.addColorStop(1, "rgb(255 255 255 / 0)");
      context.fillStyle = soft;
      context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
    }
    onmask(false);
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
      mask = canvas;
      masking = how;
      element.classList.toggle("masking", Boolean(how));
      brush.hidden = true;
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
