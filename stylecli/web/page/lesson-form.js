// What is asked before a style is learned: its title, its painter, how long it may take.

import { app } from "./app.js";
import { choice, h, textField } from "./dom.js";
import { T } from "./text.js";

const MINUTES = [2, 5, 10, 20, 40];

export const noAnswers = () => ({ title: "", artist: "", year: "", minutes: 5, base: "" });

// `answers` stand in the fields, and are kept up to date. `begin` is called with the lesson that the engine takes; the
// form can be sent again where that fails.
export function lessonForm(answers, { isReady, begin }) {
  const field = (name, label, properties) => textField(label, { value: answers[name], oninput: (event) => (answers[name] = event.target.value), ...properties });
  const pick = (name, label, options) => choice(label, options, answers[name], (value) => (answers[name] = value));
  const start = h("button", { class: "primary wide", disabled: !isReady }, T.learnStart);
  return h("form", { class: "fields", onsubmit: async (event) => {
    event.preventDefault();
    start.disabled = true;
    if (!(await begin(lessonOf(answers)))) start.disabled = false;
  } },
    field("title", T.title, { maxlength: 100, required: true }),
    field("artist", T.artist, { maxlength: 100 }),
    field("year", T.year, { inputmode: "numeric", pattern: "[0-9]{0,4}", maxlength: 4 }),
    pick("minutes", T.trainFor, MINUTES.map((n) => [n, T.minutes(n)])),
    pick("base", T.startFrom, [["", T.usualBase], ...app.styles.map((one) => [one.name, one.title])]),
    start);
}

function lessonOf({ title, artist, year, minutes, base }) {
  return { title, artist, year: Number(year), seconds: 60 * Number(minutes), base };
}
