// The third view: one style, large, with everything that can be adjusted.

import { app, fault, file, isVideo, style } from "./app.js";
import { compose } from "./compose.js";
import { choice, h, segments, slider, toggle } from "./dom.js";
import { engine } from "./engine.js";
import { fileStrip } from "./files.js";
import { facts, scrubber } from "./grid.js";
import { icon } from "./icons.js";
import { storeMask } from "./kept-masks.js";
import { maskPanel } from "./mask.js";
import { outputPanel } from "./output.js";
import { painted, paintedAlready, photo } from "./pictures.js";
import { fitted, scaled } from "./scaling.js";
import { makeStage } from "./stage.js";
import { choose, looks, state } from "./state.js";
import { styleStrip } from "./strip.js";
import { T } from "./text.js";
import { styleOf, wishOf } from "./wish.js";

const PAUSE = 120; // milliseconds after the last move of a slider until the engine is asked

export function studioView() {
  const upload = file();
  const stage = makeStage({ onregion: engine.can.region ? fillRegion : null, onmask: brushed });
  stage.setSize(upload.width, upload.height);
  let against = ""; // the style on the left; "" is the photo
  let shown = { photo: null, painted: null, other: null };
  let result = null, otherResult = null, asked = null, drawing = false, timer = 0;

  const wanted = () => ({ style: styleOf(state), variant: state.blend ? "" : state.variant, strokes: state.strokes });
  const look = () => ({ strength: state.strength, colors: state.colors, mask: maskPixels() });

  // Get what the look needs, showing at once what is there already.
  function load() {
    tell();
    return paintAgain();
  }

  async function paintAgain() {
    asked?.abort();
    const mine = (asked = new AbortController());
    const second = state.second;
    const begun = photo(upload, second);
    const painting = Promise.all([
      painted(upload, wanted(), second, { signal: mine.signal }),
      against ? painted(upload, { ...wanted(), style: against, variant: "" }, second, { signal: mine.signal }) : null,
    ]);
    painting.catch(() => {}); // heard below
    try {
      const already = paintedAlready(upload, wanted(), second);
      const own = await begun;
      if (mine !== asked) return;
      shown.photo = own;
      shown.painted = already && fitted(already, own);
      stage.setBusy(!already);
      draw();
      const [full, other] = await painting;
      if (mine !== asked) return;
      Object.assign(shown, { painted: full, other });
      stage.setBusy(false);
      draw();
      stage.refine();
    } catch (error) {
      if (mine === asked) {
        stage.setBusy(false);
        fault(error);
      }
    }
  }

  function draw() {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      if (!shown.photo) return;
      const { photo: own, painted: full, other } = shown;
      if (result?.width !== own.width || result?.height !== own.height) result = otherResult = null;
      result = compose(own, full ?? own, look(), result);
      stage.setAfter(result);
      stage.setBefore(other && against ? (otherResult = compose(own, other, look(), otherResult)) : own);
    });
  }

  // Real pixels of the part that is seen, at 100 %.
  async function fillRegion(place) {
    const mine = asked;
    try {
      const wish = wishOf(upload, state);
      const [own, full, other] = await Promise.all([
        engine.region(upload, null, state.second, place),
        engine.region(upload, wish, state.second, place),
        against ? engine.region(upload, { ...wish, style: against, variant: null }, state.second, place) : null,
      ]);
      if (mine !== asked || !stage.isZoomed()) return;
      const part = { ...look(), mask: maskPart(place, own) };
      stage.setFine(place, other ? compose(own, other, part) : own, compose(own, full, part));
    } catch (error) {
      fault(error);
    }
  }

  function brushed(hasEnded) {
    draw();
    if (!hasEnded) return;
    output.changed();
    storeMask(upload.id, maskCanvas());
  }

  // The mask is a canvas of the proxy's size whose alpha tells where the style is.
  const maskCanvas = () => app.masks.get(upload.id) ?? null;
  function maskPixels() {
    const canvas = maskCanvas();
    if (!canvas || !shown.photo) return null;
    if (canvas.width === shown.photo.width && canvas.height === shown.photo.height)
      return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return scaled(canvas, 0, 0, canvas.width, canvas.height, shown.photo);
  }
  function maskPart([left, top, width, height], like) {
    const canvas = maskCanvas();
    if (!canvas) return null;
    const across = canvas.width / upload.width, down = canvas.height / upload.height;
    return scaled(canvas, left * across, top * down, width * across, height * down, like);
  }

  function changed(changes) {
    choose(changes);
    draw();
    stage.refine();
    tellLook();
  }
  function changedNetwork(changes) {
    choose(changes);
    tellLook();
    clearTimeout(timer);
    timer = setTimeout(paintAgain, PAUSE);
  }
  function tellLook() {
    reset.hidden = Object.entries(looks()).every(([name, value]) => state[name] === value);
    output.changed();
  }

  // The panel
  const heading = h("div", { class: "heading" });
  const variants = h("div"), blending = h("div", { class: "fields" });
  const strength = slider(T.strength, { min: 0, max: 1, step: 0.01, value: state.strength, show: (v) => `${Math.round(v * 100)} %`, oninput: (v) => changed({ strength: v }) });
  const strokes = slider(T.strokes, {
    min: -1, max: 2, step: 0.1, value: Math.log2(state.strokes), show: (v) => T.strokesValue(natural(v)),
    oninput: (v) => changedNetwork({ strokes: natural(v) }),
  });
  const colors = toggle(T.colors, state.colors, (is) => changed({ colors: is }));
  const compareWith = choice(T.compareWith, [["", T.thePhoto], ...app.styles.map((one) => [one.name, one.title])], against, (name) => {
    against = name;
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
  const mask = maskPanel(upload, stage, () => shown.photo, () => (draw(), output.changed(), stage.refine()));
  const output = outputPanel(upload, stage, maskCanvas, leave);
  const strip = styleStrip(upload, load);

  function nameOf(chosen) {
    const second = app.styles.find((one) => one.name === state.blend);
    return second ? `${chosen.title} + ${second.title}` : chosen.title;
  }

  function leave() {
    stage.setVideos(null, null);
    load();
  }

  function tell() {
    const chosen = style();
    heading.replaceChildren(h("h1", {}, chosen.title), reset, h("p", {}, T.byline(chosen.artist, chosen.year)));
    const others = chosen.variants.filter((name) => T.variants[name]);
    blending.replaceChildren(...(app.styles.length > 1 ? blendFields() : []));
    variants.replaceChildren(
      ...(others.length > 1 && !state.blend
        ? [choice(T.variant, others.map((name) => [name, T.variants[name]]), state.variant || chosen.default, (name) => changedNetwork({ variant: name === style().default ? "" : name }))]
        : []),
    );
    stage.setTags(against ? app.styles.find((one) => one.name === against).title : isVideo() ? T.yourFrame : T.before, nameOf(chosen));
    strip.mark();
    document.title = `${chosen.title} – ${upload.name}`;
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
    const share = slider(T.shareOf(second.title), {
      min: 0.05, max: 0.95, step: 0.05, value: state.share, show: (v) => `${Math.round(v * 100)} %`,
      oninput: (v) => changedNetwork({ share: v }),
    });
    return [select, share];
  }

  const zoom = segments(T.zoom, [[false, T.fit], [true, T.full]], false, stage.setZoom);

  const view = h(
    "div",
    { class: "studio" },
    h("div", { class: "left" },
      fileStrip(),
      h("div", { class: "over" },
        h("button", { class: "quiet", onclick: () => choose({ style: "", ...looks() }, { step: true }) }, icon("back"), T.back),
        h("span", { class: "facts" }, facts(upload)),
        zoom),
      stage.element,
      isVideo() ? scrubber(upload, load) : null,
      strip.element),
    h("aside", { class: "panel", "aria-label": T.adjust },
      heading,
      h("section", { class: "fields settings" }, strength, strokes, colors, blending, variants, compareWith),
      mask,
      output.element),
  );
  load();
  strip.fill(); // after the large picture, which is what one waits for
  return view;
}

const natural = (exponent) => Math.round(2 ** exponent * 100) / 100;
