// The fourth view: a style learned from a painting, with a picture of how it grows.

import { app, banner, busy, fault, hush } from "./app.js";
import { canvasOf, h, say } from "./dom.js";
import { engine } from "./engine.js";
import { icon } from "./icons.js";
import { lessonForm, noAnswers } from "./lesson-form.js";
import { outcomeOf, progressOf } from "./progress.js";
import { choose, looks, state } from "./state.js";
import { T } from "./text.js";

// The tile that leads here.
export function learnTile() {
  if (!app.learns) return null;
  const [text, more] = app.lesson ? [T.learnNow, T.learnSee] : [T.learn, T.learnFrom];
  return h("li", {}, h("button", { class: "card", onclick: () => choose({ learn: app.lesson || "new" }, { step: true }) },
    h("figure", {}, h("div", { class: "picture plus" }, icon("plus")),
      h("figcaption", {}, h("strong", {}, text), h("span", {}, more)))));
}

export function learnView() {
  return new LearnView().element;
}

// First it asks for a painting and the terms of a lesson; then it shows the lesson that `state.learn` names.
class LearnView {
  #upload = null; // the painting: a file of its own, not one of those that are stylized
  #answers = noAnswers();
  #painting = h("div", { class: "painting" });
  #growth = growth();
  #panel = h("section", { class: "panel", "aria-label": T.learn });
  #files = h("input", { type: "file", accept: "image/*", class: "unseen", tabindex: -1, "aria-label": T.choosePainting,
    onchange: () => this.#take([...this.#files.files]) });
  element = h("div", { class: "studio learn" },
    h("div", { class: "left" },
      h("div", { class: "over" }, h("button", { class: "quiet", onclick: () => choose({ learn: "" }, { step: true }) }, icon("back"), T.back)),
      this.#painting, this.#growth.picture, this.#growth.caption),
    this.#panel, this.#files);

  constructor() {
    if (state.learn === "new") {
      this.#takeDrops();
      this.#invite();
      this.#ask();
    } else this.#resume();
  }

  // A file that is dropped now is the painting.
  #takeDrops() {
    app.takes = (blobs) => this.#take(blobs);
  }

  // No painting is there yet.
  #invite() {
    this.#painting.hidden = false;
    this.#painting.classList.add("empty");
    this.#painting.replaceChildren(
      h("p", { class: "lead" }, T.learnDrop),
      h("button", { class: "primary", onclick: () => this.#files.click() }, icon("open"), T.choosePainting),
    );
  }

  async #take([blob]) {
    if (!blob) return;
    hush();
    busy(T.reading(blob.name));
    try {
      const opened = await engine.open(blob, blob.name);
      if (this.#upload) engine.close(this.#upload).catch(() => {});
      this.#upload = opened;
      this.#answers.title = titleOf(opened.name);
      await this.#show();
      this.#ask();
    } catch (error) {
      fault(error);
    } finally {
      busy("");
    }
  }

  async #show() {
    const pixels = await engine.photo(this.#upload, 0, {});
    this.#painting.replaceChildren(canvasOf(pixels, { role: "img", "aria-label": T.thePainting }));
    this.#painting.classList.remove("empty");
  }

  // What the style is called, and how long it may take.
  #ask() {
    const another = h("button", { class: "quiet small reset", onclick: () => this.#files.click() }, T.otherPainting);
    this.#panel.replaceChildren(
      heading(T.learnLead),
      lessonForm(this.#answers, { isReady: Boolean(this.#upload), begin: (lesson) => this.#begin(lesson) }),
      ...(this.#upload ? [another] : []),
    );
  }

  // Whether the lesson was taken; then this returns at its end.
  async #begin(lesson) {
    hush();
    try {
      const job = await engine.learn(this.#upload, lesson);
      choose({ learn: job.id }); // a reload comes back to it
      await this.#follow(job);
      return true;
    } catch (error) {
      fault(error);
      return false;
    }
  }

  async #follow(job) {
    app.lesson = job.id;
    app.takes = null; // a file that is dropped now is to be stylized
    const isSeen = () => state.learn === job.id;
    try {
      const last = await this.#watched(job);
      const cancelled = outcomeOf(last);
      if (!cancelled) return await this.#finish(last, isSeen());
      say(cancelled);
    } catch (error) {
      fault(error);
    } finally {
      app.lesson = "";
    }
    if (isSeen()) this.#again();
  }

  async #watched(job) {
    const progress = progressOf(job);
    this.#panel.replaceChildren(heading(T.learning), progress, h("p", { class: "hint" }, T.learnMeanwhile));
    let drawn = 0;
    return engine.watch(job, (now) => {
      progress.heard(now);
      if (now.drawn !== drawn) this.#growth.show(now);
      drawn = now.drawn;
    });
  }

  async #finish(job, isSeen) {
    Object.assign(app, await engine.start());
    const text = T.learned(app.styles.find((style) => style.name === job.style).title);
    say(text);
    if (isSeen) this.#panel.replaceChildren(heading(text), useButton(job, "primary wide"));
    else banner(text, useButton(job, "small"), { isGood: true });
  }

  // Back to the questions, with the painting that is still there.
  #again() {
    this.#growth.hide();
    choose({ learn: "new" });
    this.#takeDrops();
    this.#ask();
  }

  // The page was loaded again, or the visitor comes back to the lesson.
  async #resume() {
    try {
      const job = await engine.job(state.learn);
      this.#upload = await engine.reopen(job.items[0].upload).catch(() => null);
      if (this.#upload) await this.#show();
      else this.#painting.hidden = true;
      await this.#follow(job);
    } catch (error) {
      fault(error);
      this.#upload = null;
      this.#invite();
      this.#again();
    }
  }
}

// The picture of how the style grows, and its caption; hidden until the first one is there.
function growth() {
  const picture = h("img", { alt: T.growing, hidden: true });
  const caption = h("p", { class: "hint", hidden: true }, T.growing);
  const setHidden = (is) => (picture.hidden = caption.hidden = is);
  return {
    picture,
    caption,
    hide: () => setHidden(true),
    async show(job) {
      try {
        const before = picture.src;
        picture.src = await engine.jobPreview(job);
        URL.revokeObjectURL(before);
        setHidden(false);
      } catch { /* the next one comes soon */ }
    },
  };
}

function heading(text) {
  return h("div", { class: "heading" }, h("h1", {}, T.learn), h("p", {}, text));
}

// Leaves for the style that was learned.
function useButton(job, kind) {
  return h("button", { class: kind, onclick: () => {
    hush();
    choose({ learn: "", ...looks(), style: job.style }, { step: true });
  } }, T.useStyle);
}

// A title from a file's name: "starry_night.jpg" is "Starry night".
function titleOf(name) {
  const words = name.replace(/\.[^.]*$/, "").replace(/[-_\s]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
