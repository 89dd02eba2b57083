// The large picture of one upload: what the engine paints, mixed with the photo as the look says.

import { amountOf, app, fault } from "./app.js";
import { compose, isPlain } from "./compose.js";
import { engine } from "./engine.js";
import { maskCanvas, maskPart, maskPixels } from "./mask-canvas.js";
import { isPainted, paintedAlready, paintedFinely, photo } from "./pictures.js";
import { fitted } from "./scaling.js";
import { Stage } from "./stage.js";
import { state } from "./state.js";
import { styleOf, wishOf } from "./wish.js";

// `onmask(hasEnded)` is called while the brush paints on the mask, and at the end of a stroke.
export function largePicture(upload, { onmask }) {
  const stage = new Stage({ onregion: engine.can.region ? fillRegion : null, onmask });
  stage.setSize(upload.width, upload.height);
  let shown = { photo: null, painted: null, other: null };
  let against = ""; // the style on the left; "" is the photo
  let asked = null, drawing = false;
  const mixed = { before: null, after: null }; // pictures that the next drawing may overwrite

  const wanted = () => ({ style: styleOf(state), variant: state.blend ? "" : state.variant, strokes: state.strokes, fill: state.fill, detail: detailOf(), flow: state.flow });
  const other = () => ({ ...wanted(), style: against, variant: "", detail: detailOf(styleAgainst(), null, "") });
  const styleAgainst = () => app.styles.find((one) => one.name === against) ?? null;
  const detailOf = (...styles) => (upload.kind === "video" ? 0 : amountOf("detail", ...styles)); // a number: 0 saves a painting
  const look = (mask) => ({ strength: state.strength, colors: state.colors, mask });

  // Get what the look needs, showing at once what is there already.
  async function load() {
    asked?.abort();
    const mine = (asked = new AbortController());
    const second = state.second;
    const begun = photo(upload, second);
    const first = async (plain) => {
      await begun;
      if (mine !== asked) return;
      shown.painted = plain;
      draw();
    };
    const painting = Promise.all([
      paintedFinely(upload, wanted(), second, { signal: mine.signal, first }),
      against ? paintedFinely(upload, other(), second, { signal: mine.signal }) : null,
    ]);
    painting.catch(() => {}); // heard below
    try {
      const already = paintedAlready(upload, wanted(), second);
      const own = await begun;
      if (mine !== asked) return;
      // Until the picture is painted, the last one of this photo stays: the bare photo would flash at each move of a slider.
      if (already) shown.painted = fitted(already, own);
      else if (own !== shown.photo) shown.painted = null;
      shown.photo = own;
      stage.setBusy(!already || (wanted().detail > 0 && !isPainted(upload, wanted(), second)));
      draw();
      const [full, left] = await painting;
      if (mine !== asked) return;
      Object.assign(shown, { painted: full, other: left });
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

  // With the next frame of the screen, once for all changes until then.
  function draw() {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      if (!shown.photo) return;
      const { photo: own, painted: full, other } = shown;
      const now = look(maskPixels(upload, own));
      stage.setAfter(mix("after", own, full ?? own, now));
      stage.setBefore(other && against ? mix("before", own, other, now) : own);
    });
  }

  function mix(side, own, picture, now) {
    if (isPlain(now)) return picture;
    const into = mixed[side]?.width === own.width && mixed[side].height === own.height ? mixed[side] : null;
    return (mixed[side] = compose(own, picture, now, into));
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
      const part = look(maskPart(upload, place, own));
      stage.setFine(place, other ? compose(own, other, part) : own, compose(own, full, part));
    } catch (error) {
      fault(error);
    }
  }

  return {
    stage,
    load,
    // The look has changed, but not what the engine paints.
    redraw() {
      draw();
      stage.refine();
    },
    draw,
    photo: () => shown.photo,
    mask: () => maskCanvas(upload),
    against: styleAgainst,
    setAgainst: (name) => (against = name),
  };
}
