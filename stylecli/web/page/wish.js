// From what the visitor chose to what the engine and the command line are asked for.

import { config } from "./config.js";

export const AUTO_SHORT_SIDE = config.short_side; // pixels, at which "auto" works
const BRUSH_RANGE = config.brush_range;

// The stroke size of the command line: the page counts from what "auto" takes for this picture.
export function brushOf(upload, strokes) {
  if (strokes === 1) return "auto";
  const auto = Math.max(1, Math.min(upload.width, upload.height) / AUTO_SHORT_SIDE);
  return Math.min(BRUSH_RANGE[1], Math.max(BRUSH_RANGE[0], Math.round(auto * strokes * 100) / 100));
}

// Amounts that a style has a mind of; null: as the style says. Videos have no strokes in empty areas and no fine ones.
const chosen = (amount) => (amount < 0 ? null : amount);
const chosenFor = (upload, amount) => (upload.kind === "video" ? null : chosen(amount));
export const amountsOf = (upload, { fill, detail, flow }) => ({ fill: chosenFor(upload, fill), detail: chosenFor(upload, detail), flow: chosen(flow) });

// The style as the program names it: one, or two with their weights.
export function styleOf({ style, blend, share }) {
  return blend ? `${style}:${round(1 - share)}+${blend}:${round(share)}` : style;
}

const round = (number) => Math.round(number * 100) / 100;

export function wishOf(upload, state) {
  return {
    style: styleOf(state),
    variant: state.blend ? null : state.variant || null,
    strength: state.strength,
    preserve_color: state.colors,
    brush: brushOf(upload, state.strokes),
    ...amountsOf(upload, state),
  };
}

// The words of the command that makes the same.
export function commandOf(upload, state, { mask = false, span = null } = {}) {
  const wish = wishOf(upload, state);
  const words = ["stylecli", upload.kind === "video" ? "video" : "image", quoted(upload.name), "-s", wish.style];
  if (wish.variant) words.push("--variant", wish.variant);
  if (wish.strength < 1) words.push("--strength", String(wish.strength));
  if (wish.preserve_color) words.push("--preserve-color");
  if (wish.brush !== "auto") words.push("--brush", String(wish.brush));
  if (wish.fill !== null) words.push("--fill", String(wish.fill));
  if (wish.detail !== null) words.push("--detail", String(wish.detail));
  if (wish.flow !== null) words.push("--flow", String(wish.flow));
  if (mask) words.push("--mask", "mask.png");
  if (span) words.push("--range", `${span.start || ""}:${span.end ?? ""}`);
  return words;
}

function quoted(name) {
  if (name.startsWith("-")) name = `./${name}`;
  return /^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
}
