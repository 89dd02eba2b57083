// The brush that paints a mask over the large picture: by pointer, or by the arrow keys and the space bar.

import { h } from "./dom.js";

const STEP = 0.02, FINE_STEP = 0.005; // of the picture, that an arrow key moves the brush; with the shift key
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// `onmask(hasEnded)` is called while it paints, and at the end of a stroke.
export function maskBrush(frame, onmask) {
  const circle = h("div", { class: "brush", hidden: true });
  frame.append(circle);
  let mask = null, how = null; // the canvas, and {size, brings}; null while the brush is put away
  let last = null; // where the stroke of a pointer is now: places are [across, down] in 0..1
  let point = [0.5, 0.5]; // where the keys have moved the brush

  frame.addEventListener("pointerdown", (event) => {
    if (!how || event.button !== 0) return;
    frame.setPointerCapture(event.pointerId);
    last = placeOf(event);
    stroke(last, last);
    event.preventDefault();
  });
  frame.addEventListener("pointermove", (event) => {
    if (!how) return;
    const here = placeOf(event);
    show(here);
    if (!last) return;
    stroke(last, here);
    last = here;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    frame.addEventListener(end, () => {
      if (last) onmask(true);
      last = null;
    });
  }
  frame.addEventListener("pointerleave", () => (circle.hidden = true));

  frame.addEventListener("keydown", (event) => {
    if (!how) return;
    if (event.key in WAYS) {
      const step = event.shiftKey ? FINE_STEP : STEP;
      point = point.map((at, axis) => Math.min(1, Math.max(0, at + step * WAYS[event.key][axis])));
    } else if (event.key === " ") {
      stroke(point, point);
      onmask(true);
    } else return;
    event.preventDefault();
    show(point);
  });

  function placeOf(event) {
    const frameNow = frame.getBoundingClientRect();
    return [(event.clientX - frameNow.left) / frameNow.width, (event.clientY - frameNow.top) / frameNow.height];
  }

  function show([across, down]) {
    const { width, height } = frame.getBoundingClientRect();
    const side = how.size * Math.min(width, height);
    circle.hidden = false;
    circle.style.width = circle.style.height = `${side}px`;
    circle.style.left = `${across * width - side / 2}px`;
    circle.style.top = `${down * height - side / 2}px`;
  }

  function stroke(from, to) {
    const context = mask.getContext("2d");
    const radius = (how.size * Math.min(mask.width, mask.height)) / 2;
    const length = Math.hypot((to[0] - from[0]) * mask.width, (to[1] - from[1]) * mask.height);
    const dabs = Math.max(1, Math.ceil(length / (radius / 4)));
    context.globalCompositeOperation = how.brings ? "source-over" : "destination-out";
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

  return {
    // Take the brush for a mask, or put it away: null.
    take(canvas, itsHow) {
      mask = canvas;
      how = itsHow;
      if (how) show(point); // keys may paint at once
      else circle.hidden = true;
    },
    isTaken: () => Boolean(how),
  };
}
