// How far long work is, and the button that ends it.

import { fault } from "./app.js";
import { h } from "./dom.js";
import { engine } from "./engine.js";
import { Fault } from "./faults.js";
import { T } from "./text.js";

export function progressOf(job) {
  const bar = h("progress", { max: 1, "aria-label": T.progressBar }) // without a value, it is not known how far;
  const words = h("p", { class: "hint" }, T.waiting);
  const cancel = h("button", { class: "wide", onclick: () => engine.cancel(job).catch(fault) }, T.cancel);
  return Object.assign(h("div", { class: "progress" }, bar, words, cancel), {
    heard(now) {
      if (now.state === "waiting") return;
      if (!now.unit) words.textContent = T.preparing;
      if (!now.unit || !now.total) return;
      bar.value = now.done / now.total;
      const rate = now.seconds ? now.done / now.seconds : 0;
      const left = rate && now.done > 1 ? ` · ${T.left((now.total - now.done) / rate)}` : "";
      words.textContent = now.done < now.total ? `${T.progress(now.done, now.total, now.unit)}${left}` : T.finishing;
    },
  });
}

// What the last word on a job means: "" where it is done, the message where it was cancelled; else it throws.
export function outcomeOf(job) {
  if (job.state === "cancelled") return `${T.cancelled}. ${job.message}`.trim();
  if (job.state === "failed") throw new Fault(job.message || T.failed);
  return "";
}
