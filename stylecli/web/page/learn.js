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
  const painting = h("div", { class: "painting" });
  const growing = h("img", { alt: T.growing, hidden: true });
  const caption = h("p", { class: "hint", hidden: true }, T.growing);
  const panel = h("section", { class: "panel", "aria-label": T.learn });
  const answers = noAnswers();
  let upload = null;

  const files = h("input", { type: "file", accept: "image/*", class: "unseen", tabindex: -1, "aria-label": T.choosePainting, onchange: () => take([...files.files]) });
  const pick = () => files.click();

  // The painting is a file of its own, not one of those that are stylized.
  async function take([blob]) {
    if (!blob) return;
    hush();
    busy(T.reading(blob.name));
    try {
      const opened = await engine.open(blob, blob.name);
      if (upload) engine.close(upload).catch(() => {});
      upload = opened;
      answers.title = titleOf(upload.name);
      await show();
      ask();
    } catch (error) {
      fault(error);
    } finally {
      busy("");
    }
  }

  async function show() {
    const pixels = await engine.photo(upload, 0, {});
    painting.replaceChildren(canvasOf(pixels, { role: "img", "aria-label": T.thePainting }));
    painting.classList.remove("empty");
  }

  function invite() {
    painting.classList.add("empty");
    painting.replaceChildren(
      h("p", { class: "lead" }, T.learnDrop),
      h("button", { class: "primary", onclick: pick }, icon("open"), T.choosePainting),
    );
  }

  function heading(text) {
    return h("div", { class: "heading" }, h("h1", {}, T.learn), h("p", {}, text));
  }

  // What the style is called, and how long it may take.
  function ask() {
    panel.replaceChildren(
      heading(T.learnLead),
      lessonForm(answers, { isReady: Boolean(upload), begin }),
      ...(upload ? [h("button", { class: "quiet small reset", onclick: pick }, T.otherPainting)] : []),
    );
  }

  // Whether the lesson was taken; then this returns at its end.
  async function begin(lesson) {
    hush();
    try {
      const job = await engine.learn(upload, lesson);
      choose({ learn: job.id }); // a reload comes back to it
      await follow(job);
      return true;
    } catch (error) {
      fault(error);
      return false;
    }
  }

  async function follow(job) {
    const progress = progressOf(job);
    const isSeen = () => state.learn === job.id;
    let drawn = 0;
    app.lesson = job.id;
    panel.replaceChildren(heading(T.learning), progress, h("p", { class: "hint" }, T.learnMeanwhile));
    app.takes = null; // a file that is dropped now is to be stylized
    try {
      const last = await engine.watch(job, (now) => {
        progress.heard(now);
        if (now.drawn !== drawn) showGrowth(now);
        drawn = now.drawn;
      });
      const cancelled = outcomeOf(last);
      if (!cancelled) return await finish(last, isSeen());
      say(cancelled);
    } catch (error) {
      fault(error);
    } finally {
      app.lesson = "";
    }
    if (isSeen()) again();
  }

  async function showGrowth(job) {
    try {
      const before = growing.src;
      growing.src = await engine.jobPreview(job);
      URL.revokeObjectURL(before);
      growing.hidden = caption.hidden = false;
    } catch { /* the next one comes soon */ }
  }

  // Back to the questions, with the painting that is still there.
  function again() {
    growing.hidden = caption.hidden = true;
    choose({ learn: "new" });
    app.takes = take;
    ask();
  }

  async function finish(job, isSeen) {
    Object.assign(app, await engine.start());
    const text = T.learned(app.styles.find((style) => style.name === job.style).title);
    say(text);
    const use = (kind) => h("button", { class: kind, onclick: () => {
      hush();
      choose({ learn: "", ...looks(), style: job.style }, { step: true });
    } }, T.useStyle);
    if (isSeen) panel.replaceChildren(heading(text), use("primary wide"));
    else banner(text, use("small"), { isGood: true });
  }

  async function resume() {
    try {
      const job = await engine.job(state.learn);
      upload = await engine.reopen(job.items[0].upload).catch(() => null);
      if (upload) await show();
      else painting.hidden = true;
      await follow(job);
    } catch (error) {
      fault(error);
      upload = null;
      painting.hidden = false;
      invite();
      again();
    }
  }

  if (state.learn === "new") {
    app.takes = take;
    invite();
    ask();
  } else resume();
  return h("div", { class: "studio learn" },
    h("div", { class: "left" },
      h("div", { class: "over" }, h("button", { class: "quiet", onclick: () => choose({ learn: "" }, { step: true }) }, icon("back"), T.back)),
      painting, growing, caption),
    panel, files);
}

// A title from a file's name: "starry_night.jpg" is "Starry night".
function titleOf(name) {
  const words = name.replace(/\.[^.]*$/, "").replace(/[-_\s]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
