// The panel of results: download, long work with progress, what is shared.

import { app, fault, isVideo, style } from "./app.js";
import { h, saveBlob, say } from "./dom.js";
import { engine } from "./engine.js";
import { markFiles } from "./files.js";
import { icon } from "./icons.js";
import { greyMask } from "./mask.js";
import { playerOf } from "./player.js";
import { outcomeOf, progressOf } from "./progress.js";
import { rangeFields } from "./range.js";
import { sharing } from "./sharing.js";
import { choose, state } from "./state.js";
import { T } from "./text.js";
import { commandOf, wishOf } from "./wish.js";

export function outputPanel(upload, stage, maskCanvas, leaveResult) {
  const actions = h("div", { class: "fields" });
  const progress = h("div");
  const note = h("p", { class: "hint", hidden: true });
  const shared = sharing(told);
  const element = h("section", { class: "output" }, actions, progress, note, shared.element);
  let span = null;

  const mask = () => (maskCanvas() ? greyMask(maskCanvas()) : null);

  function told(text) {
    note.textContent = text;
    note.hidden = !text;
    say(text);
  }

  // One picture, at full size.
  const download = h("button", { class: "primary wide", onclick: downloadOne }, icon("download"), T.download);
  async function downloadOne() {
    download.disabled = true;
    told(T.working);
    try {
      const { blob, name, lost } = await engine.picture(upload, wishOf(upload, state), mask(), maskCanvas());
      saveBlob(blob, name);
      told([T.downloaded(name), lost && T.notKept(lost)].filter(Boolean).join(". "));
    } catch (error) {
      told("");
      fault(error);
    } finally {
      download.disabled = false;
    }
  }

  // Long work: the video, or all files.
  async function run(uploads, ended, itsMask = null) {
    told("");
    try {
      await follow(await engine.startJob(uploads, wishOf(upload, state), span, itsMask), ended);
    } catch (error) {
      fault(error);
    }
  }

  // The address names the job: a page that is loaded again goes on with it.
  async function follow(job, ended) {
    choose({ job: job.id });
    actions.hidden = true;
    try {
      const shown = progressOf(job);
      progress.replaceChildren(shown);
      const last = await engine.watch(job, (now) => {
        markFiles(now);
        shown.heard(now);
      });
      progress.replaceChildren();
      const cancelled = outcomeOf(last);
      if (cancelled) told(cancelled);
      else await ended(last);
    } catch (error) {
      fault(error);
    } finally {
      progress.replaceChildren();
      actions.hidden = false;
      if (state.job === job.id) choose({ job: "" });
    }
  }

  async function resume() {
    const job = await engine.job(state.job).catch(() => null);
    if (!job) choose({ job: "" });
    else if (job.items.some((item) => item.upload === upload.id)) await follow(job, job.items.length > 1 ? saveZip : showVideo);
  }

  async function showVideo(job) {
    const { blob, name } = await engine.result(job);
    const source = app.sources.get(upload.id) ?? (await engine.source(upload));
    app.sources.set(upload.id, source);
    const player = playerOf(stage, source, blob, span?.start ?? 0, style().title);
    told(job.items[0].note);
    actions.replaceChildren(
      player,
      h("button", { class: "primary wide", onclick: () => saveBlob(blob, name) }, icon("download"), T.download),
      h("button", { class: "wide", onclick: () => {
        player.stop();
        leaveResult();
        offer();
      } }, T.again),
    );
    say(T.done);
  }

  async function saveZip(job) {
    const { blob, name } = await engine.result(job);
    saveBlob(blob, name);
    const notes = job.items.filter((item) => item.state === "failed").map((item) => item.note);
    told([T.downloaded(name), ...notes].join(". "));
  }

  function offer() {
    const others = [...app.files.values()];
    const all = engine.can.batches && others.length > 1
      ? h("button", { class: "wide", onclick: () => run(others, saveZip) }, icon("download"), T.downloadAll(others.length))
      : null;
    if (isVideo()) {
      const range = rangeFields(upload, span, (next) => {
        span = next;
        changed();
      });
      const go = h("button", { class: "primary wide", onclick: () => run([upload], showVideo, mask()) }, icon("play"), T.stylizeVideo);
      actions.replaceChildren(...[range, go, all].filter(Boolean));
    } else {
      actions.replaceChildren(...[download, h("p", { class: "hint" }, T.downloadFull(upload.width, upload.height)), all].filter(Boolean));
    }
  }

  function changed() {
    if (!state.style) return;
    shared.show(commandOf(upload, state, { mask: Boolean(maskCanvas()), span }));
  }

  offer();
  if (state.job && engine.can.videos) resume();
  return { element, changed };
}
