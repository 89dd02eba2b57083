// Pictures at another size, by the browser's own filter.

import { canvasOf, h } from "./dom.js";

// A smaller picture stretched to the size of another, to look at until the real one is there.
export function fitted(pixels, like) {
  if (pixels.width === like.width && pixels.height === like.height) return pixels;
  return scaled(canvasOf(pixels), 0, 0, pixels.width, pixels.height, like);
}

// A rectangle of a canvas, at the size of another picture.
export function scaled(canvas, left, top, width, height, like) {
  const target = h("canvas", { width: like.width, height: like.height });
  const context = target.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, left, top, width, height, 0, 0, like.width, like.height);
  return context.getImageData(0, 0, like.width, like.height);
}
