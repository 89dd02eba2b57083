// Which frame of a video is looked at.

import { slider } from "./dom.js";
import { choose, state } from "./state.js";
import { T } from "./text.js";

const PAUSE = 150; // milliseconds after the last move until another frame is asked for

// `changed` is called when it is another one; `go(second)` moves there.
export function scrubber(upload, changed) {
  let waiting = 0;
  const last = Math.max(0, upload.seconds - 1 / Math.max(1, upload.rate));
  const look = (second) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      choose({ second });
      changed();
    }, PAUSE);
  };
  const field = slider(T.frameAt, { min: 0, max: last.toFixed(2), step: 0.01, value: Math.min(state.second, last), show: T.seconds, oninput: look });
  return Object.assign(field, {
    go(second) {
      field.set(second);
      look(Number(field.input.value));
    },
  });
}
