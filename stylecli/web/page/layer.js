// One of the two layers of the large picture: a canvas with a second one for a part at full size, or a video.

import { h } from "./dom.js";

export class Layer {
  #main = h("canvas");
  #fine = h("canvas", { class: "fine", hidden: true });

  constructor(name) {
    this.element = h("div", { class: `layer ${name}` }, this.#main, this.#fine);
  }

  show(pixels) {
    put(this.#main, pixels);
  }

  // Full-size pixels of a part, [left, top, width, height] in a picture of some `size`.
  showFine([left, top, width, height], size, pixels) {
    put(this.#fine, pixels);
    this.#fine.style.left = `${(left / size.width) * 100}%`;
    this.#fine.style.top = `${(top / size.height) * 100}%`;
    this.#fine.style.width = `${(width / size.width) * 100}%`;
    this.#fine.style.height = `${(height / size.height) * 100}%`;
    this.#fine.hidden = false;
  }

  hideFine() {
    this.#fine.hidden = true;
  }

  // A video, or none, in place of the canvas.
  play(video) {
    this.pause();
    this.#main.hidden = true;
    if (video) this.element.append(video);
  }

  // The canvas again.
  pause() {
    this.element.querySelector("video")?.remove();
    this.#main.hidden = false;
  }
}

function put(canvas, pixels) {
  if (canvas.width !== pixels.width) canvas.width = pixels.width;
  if (canvas.height !== pixels.height) canvas.height = pixels.height;
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}
