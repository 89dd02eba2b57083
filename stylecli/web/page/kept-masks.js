// Masks that outlast a reload: the browser keeps them for its tab.

import { h } from "./dom.js";

const nameOf = (id) => `mask of ${id}`;

// Keep the mask of an upload; null forgets it.
export function storeMask(id, canvas) {
  try {
    if (canvas) sessionStorage.setItem(nameOf(id), canvas.toDataURL());
    else sessionStorage.removeItem(nameOf(id));
  } catch { /* storage may be forbidden, or full: the mask then lasts until the page is left */ }
}

// The mask of an upload as a canvas; null where none is kept.
export async function storedMask(id) {
  try {
    const address = sessionStorage.getItem(nameOf(id));
    if (!address) return null;
    const picture = h("img", { src: address });
    await picture.decode();
    const canvas = h("canvas", { width: picture.naturalWidth, height: picture.naturalHeight });
    canvas.getContext("2d", { willReadFrequently: true }).drawImage(picture, 0, 0);
    return canvas;
  } catch {
    return null;
  }
}
