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

export class OutputPanel {
  #upload;
  #picture;
  #leaveResult;
  #lookAt;
  #span = null; // of a video: {start, end}, null for the whole
  #actions = h("div", { class: "fields" });
  #progress = h("div");
  #note = h("p", { class: "hint", hidden: true });
  #sharing = sharing((text) => this.#tell(text));
  element = h("section", { class: "output" }, h("div", { class: "results" }, this.#actions, this.#progress, this.#note), this.#sharing.element);

  // `picture` is the large picture. Of a video, `lookAt(second)` shows a frame, and `leaveResult` is called when the result
  // is looked at no more.
  constructor(upload, picture, { leaveResult, lookAt }) {
    this.#upload = upload;
    this.#picture = picture;
    this.#leaveResult = leaveResult;
    this.#lookAt = lookAt;
    this.#offer();
    if (state.job && engine.can.videos) this.#resume();
  }

  // The look, the mask or the range is another one now.
  changed() {
    if (!state.style) return;
    this.#sharing.show(commandOf(this.#upload, state, { mask: Boolean(this.#picture.mask()), span: this.#span }));
  }

  #tell(text) {
    this.#note.textContent = text;
    this.#note.hidden = !text;
    say(text);
  }

  #offer() {
    const offered = isVideo() ? this.#videoActions() : this.#pictureActions();
    const others = [...app.files.values()];
    if (engine.can.batches && others.length > 1) {
      const all = () => this.#run(others, (job) => this.#saveZip(job));
      offered.push(h("button", { class: "wide", onclick: all }, icon("download"), T.downloadAll(others.length)));
    }
    this.#actions.replaceChildren(...offered);
  }

  #pictureActions() {
    const download = h("button", { class: "primary wide", onclick: () => this.#download(download) }, icon("download"), T.download);
    return [download, h("p", { class: "hint" }, T.downloadFull(this.#upload.width, this.#upload.height))];
  }

  #videoActions() {
    const range = rangeFields(this.#upload, this.#span, (next, moved) => {
      this.#span = next;
      this.#lookAt(moved);
      this.changed();
    });
    const stylize = () => this.#run([this.#upload], (job) => this.#showVideo(job), this.#mask());
    const go = h("button", { class: "primary wide", onclick: stylize }, icon("play"), T.stylizeVideo);
    return range ? [range, go] : [go];
  }

  // The mask as the program reads it.
  #mask() {
    const canvas = this.#picture.mask();
    return canvas ? greyMask(canvas) : null;
  }

  // One picture, at full size.
  async #download(button) {
    button.disabled = true;
    this.#tell(T.working);
    try {
      const { blob, name, lost } = await engine.picture(this.#upload, wishOf(this.#upload, state), this.#mask(), this.#picture.mask());
      saveBlob(blob, name);
      this.#tell([T.downloaded(name), lost && T.notKept(lost)].filter(Boolean).join(". "));
    } catch (error) {
      this.#tell("");
      fault(error);
    } finally {
      button.disabled = false;
      if (document.activeElement === document.body) button.focus({ preventScroll: true }); // what is disabled loses the focus
    }
  }

  // Long work: the video, or all files. `ended` is called with the job that is done.
  async #run(uploads, ended, mask = null) {
    this.#tell("");
    try {
      await this.#follow(await engine.startJob(uploads, wishOf(this.#upload, state), this.#span, mask), ended);
    } catch (error) {
      fault(error);
    }
  }

  // The address names the job: a page that is loaded again goes on with it.
  async #follow(job, ended) {
    choose({ job: job.id });
    this.#actions.hidden = true;
    try {
      const last = await this.#watched(job);
      const cancelled = outcomeOf(last);
      if (cancelled) this.#tell(cancelled);
      else await ended(last);
    } catch (error) {
      fault(error);
    } finally {
      this.#progress.replaceChildren();
      this.#actions.hidden = false;
      if (state.job === job.id) choose({ job: "" });
    }
  }

  async #watched(job) {
    const shown = progressOf(job);
    this.#progress.replaceChildren(shown);
    const last = await engine.watch(job, (now) => {
      markFiles(now);
      shown.heard(now);
    });
    this.#progress.replaceChildren();
    return last;
  }

  async #resume() {
    const job = await engine.job(state.job).catch(() => null);
    if (!job) choose({ job: "" });
    else if (job.items.some((item) => item.upload === this.#upload.id)) {
      await this.#follow(job, (last) => (job.items.length > 1 ? this.#saveZip(last) : this.#showVideo(last)));
    }
  }

  async #showVideo(job) {
    const { blob, name } = await engine.result(job);
    const source = app.sources.get(this.#upload.id) ?? (await engine.source(this.#upload));
    app.sources.set(this.#upload.id, source);
    const player = playerOf(this.#picture.stage, source, blob, this.#span?.start ?? 0, style().title);
    this.#tell(job.items[0].note);
    this.#actions.replaceChildren(
      player,
      h("button", { class: "primary wide", onclick: () => saveBlob(blob, name) }, icon("download"), T.download),
      h("button", { class: "wide", onclick: () => this.#leave(player) }, T.again),
    );
    say(T.done);
  }

  #leave(player) {
    player.stop();
    this.#leaveResult();
    this.#offer();
  }

  async #saveZip(job) {
    const { blob, name } = await engine.result(job);
    saveBlob(blob, name);
    const notes = job.items.filter((item) => item.state === "failed").map((item) => item.note);
    this.#tell([T.downloaded(name), ...notes].join(". "));
  }
}
