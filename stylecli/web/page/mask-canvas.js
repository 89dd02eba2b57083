// The mask of an upload: a canvas of the proxy's size, whose alpha tells where the style is.

import { app } from "./app.js";
import { scaled } from "./scaling.js";

export const maskCanvas = (upload) => app.masks.get(upload.id) ?? null;

// The whole mask at the size of a picture; null where there is none.
export function maskPixels(upload, like) {
  const canvas = maskCanvas(upload);
  if (!canvas) return null;
  if (canvas.width === like.width && canvas.height === like.height)
    return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return scaled(canvas, 0, 0, canvas.width, canvas.height, like);
}

// The mask of a rectangle of the full picture, at the size of another picture.
export function maskPart(upload, [left, top, width, height], like) {
  const canvas = maskCanvas(upload);
  if (!canvas) return null;
  const across = canvas.width / upload.width, down = canvas.height / upload.height;
  return scaled(canvas, left * across, top * down, width * across, height * down, like);
}
