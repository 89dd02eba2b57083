// Which part of a video is stylized: two sliders, of which neither passes the other.

import { h, slider } from "./dom.js";
import { T } from "./text.js";

const SHORTEST = 0.1; // seconds

// `span` is {start, end}, or null for the whole; `heard` is called with the new one and the end of it that
// was moved. Null where the length is unknown.
export function rangeFields(upload, span, heard) {
  const end = upload.seconds;
  if (!end) return null;
  const ceiling = Number(end.toFixed(2));
  const range = { start: span?.start ?? 0, end: span?.end ?? end };
  const tell = (moved) => {
    const isWhole = range.start <= 0 && range.end >= end;
    heard(isWhole ? null : { start: range.start, end: range.end >= end ? null : range.end }, moved);
  };
  const field = (label, value, oninput) => slider(label, { min: 0, max: ceiling, step: 0.01, value, show: T.seconds, oninput });
  const from = field(T.from, range.start, (v) => {
    range.start = Math.min(v, range.end - SHORTEST);
    from.set(range.start);
    tell(range.start);
  });
  const to = field(T.to, Math.min(range.end, ceiling), (v) => {
    range.end = v >= ceiling ? end : Math.max(v, range.start + SHORTEST);
    to.set(Math.min(range.end, ceiling));
    tell(range.end);
  });
  return h("div", { class: "pair" }, from, to);
}
