// Pictures on canvases that nobody sees, at another size by the browser's own filter.

export function canvasOf(pixels) {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

export function pixelsOf(source, width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

// A rectangle of a picture: [left, top, width, height].
export function cropped(pixels, [left, top, width, height]) {
  const part = new ImageData(width, height);
  for (let row = 0; row < height; row++) {
    const from = 4 * ((top + row) * pixels.width + left);
    part.data.set(pixels.data.subarray(from, from + 4 * width), 4 * row * width);
  }
  return part;
}
