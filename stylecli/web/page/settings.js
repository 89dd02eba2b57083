// The settings of a look: strength, strokes, colours, a second style, what the picture is compared with.

import { amountOf, app, isVideo, style } from "./app.js";
import { choice, h, slider, toggle } from "./dom.js";
import { choose, looks, state } from "./state.js";
import { T } from "./text.js";

const PAUSE = 120; // milliseconds after the last move of a slider until the engine is asked

// `load` shows another style or picture; `heard` is called after each change.
export function settingsOf(picture, { load, heard }) {
  let timer = 0;

  // What the page mixes itself.
  function changed(changes) {
    choose(changes);
    picture.redraw();
    tellLook();
  }

  // What the engine must paint anew.
  function repainted(changes) {
    choose(changes);
    tellLook();
    clearTimeout(timer);
    timer = setTimeout(picture.load, PAUSE);
  }

  const strength = slider(T.strength, { min: 0, max: 1, step: 0.01, value: state.strength, show: percent, oninput: (v) => changed({ strength: v }) });
  const strokes = slider(T.strokes, {
    min: -1, max: 2, step: 0.1, value: Math.log2(state.strokes), show: (v) => T.strokesValue(natural(v)),
    oninput: (v) => repainted({ strokes: natural(v) }),
  });
  const amount = (name, label, max) =>
    slider(label, { min: 0, max, step: 0.05, value: amountOf(name), show: (v) => (v ? percent(v) : T.none), oninput: (v) => repainted({ [name]: v }) });
  const ofPictures = isVideo() ? {} : { fill: amount("fill", T.fill, 2), detail: amount("detail", T.detail, 1) };
  const amounts = { ...ofPictures, flow: amount("flow", T.flow, 1) };
  const colors = toggle(T.colors, state.colors, (is) => changed({ colors: is }));
  const blending = h("div", { class: "fields" }), variants = h("div");
  const compareWith = choice(T.compareWith, [["", T.thePhoto], ...app.styles.map((one) => [one.name, one.title])], "", (name) => {
    picture.setAgainst(name);
    load();
  });

  const reset = h("button", { class: "quiet small reset", onclick: () => {
    strength.set(1);
    strokes.set(0);
    colors.set(false);
    choose(looks());
    load();
    strength.input.focus(); // this button is hidden now
  } }, T.reset);
  const heading = h("div", { class: "heading" });

  function tellLook() {
    for (const [name, one] of Object.entries(amounts)) if (state[name] < 0) one.set(amountOf(name));
    reset.hidden = Object.entries(looks()).every(([name, value]) => state[name] === value);
    heard();
  }

  // Show which style is chosen, and what it offers.
  function tell() {
    const chosen = style();
    heading.replaceChildren(h("h1", {}, chosen.title), reset, h("p", {}, T.byline(chosen.artist, chosen.year)));
    blending.replaceChildren(...(app.styles.length > 1 ? blendFields() : []));
    const others = chosen.variants.filter((name) => T.variants[name]);
    variants.replaceChildren(
      ...(others.length > 1 && !state.blend
        ? [choice(T.variant, others.map((name) => [name, T.variants[name]]), state.variant || chosen.default, (name) => repainted({ variant: name === style().default ? "" : name }))]
        : []),
    );
    tellLook();
  }

  // A second style, and how much of it
  function blendFields() {
    const others = app.styles.filter((one) => one.name !== state.style);
    const second = others.find((one) => one.name === state.blend);
    const select = choice(T.blendWith, [["", T.noBlend], ...others.map((one) => [one.name, one.title])], second?.name ?? "", (name) => {
      choose({ blend: name, variant: "" });
      load();
      blending.querySelector("select").focus();
    });
    if (!second) return [select];
    const share = slider(T.shareOf(second.title), { min: 0.05, max: 0.95, step: 0.05, value: state.share, show: percent, oninput: (v) => repainted({ share: v }) });
    return [select, share];
  }

  return { heading, tell, element: h("section", { class: "fields settings" }, strength, strokes, ...Object.values(amounts), colors, blending, variants, compareWith) };
}

const percent = (value) => `${Math.round(value * 100)} %`;
const natural = (exponent) => Math.round(2 ** exponent * 100) / 100;
