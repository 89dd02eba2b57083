// The divider between the two layers of the large picture: a line to see, and a slider for keys and screen readers.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { T } from "./text.js";

const NEAR = 28; // pixels on either side in which a pointer takes the line
const FAINT = 12; // per cent that a layer shows, below which its name is faint

export class Divider {
  #before;
  #tags;
  line = h("div", { class: "divider", "aria-hidden": "true" }, h("span", { class: "knob" }, icon("handle")));
  slider = h("input", { class: "split", type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": T.compare });

  // It cuts the layer `before`, which lies over the other; `tags` {before, after} name the two.
  constructor(before, tags) {
    this.#before = before;
    this.#tags = tags;
    this.slider.addEventListener("input", () => this.move(Number(this.slider.value)));
    this.move(50);
  }

  // Show so many per cent of the layer `before`.
  move(percent) {
    const value = Math.min(100, Math.max(0, percent));
    this.slider.value = value;
    this.#before.element.style.clipPath = `inset(0 ${100 - value}% 0 0)`;
    this.line.style.left = `${value}%`;
    this.#tags.before.classList.toggle("faint", value < FAINT);
    this.#tags.after.classList.toggle("faint", value > 100 - FAINT);
  }

  // Whether a pointer is so near that it moves the line; `place` is the rectangle of the picture.
  isNear(event, place) {
    return Math.abs(event.clientX - place.left - (this.slider.value / 100) * place.width) < NEAR;
  }

  // Move to a pointer.
  follow(event, place) {
    this.move(((event.clientX - place.left) / place.width) * 100);
  }
}
