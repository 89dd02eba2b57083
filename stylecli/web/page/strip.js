// The strip of styles below the large picture.

import { app, fault } from "./app.js";
import { canvasOf, h, say } from "./dom.js";
import { painted, plainly } from "./pictures.js";
import { choose, state } from "./state.js";
import { T } from "./text.js";

export function styleStrip(upload, changed) {
  const element = h("div", { class: "strip", role: "group", "aria-label": T.styles });
  const thumbs = new Map();
  for (const style of app.styles) {
    const thumb = h("span", { class: "thumb waiting" });
    const button = h("button", { "data-style": style.name, title: style.title, onclick: () => {
      choose({ style: style.name, variant: "", ...(style.name === state.blend ? { blend: "" } : {}) });
      changed();
      say(style.title);
    } }, thumb, h("span", { class: "name" }, style.title));
    element.append(button);
    thumbs.set(style.name, thumb);
  }
  element.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...element.children];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
    event.preventDefault();
  });

  // The edges fade where there is more; a wheel, which turns up and down, moves the strip along.
  function fade() {
    element.classList.toggle("more-before", element.scrollLeft > 1);
    element.classList.toggle("more-after", element.scrollLeft + element.clientWidth < element.scrollWidth - 1);
  }
  element.addEventListener("scroll", fade, { passive: true });
  new ResizeObserver(fade).observe(element);
  element.addEventListener("wheel", (event) => {
    const before = element.scrollLeft;
    element.scrollLeft += event.deltaY;
    if (element.scrollLeft !== before) event.preventDefault(); // at its ends the page scrolls
  });

  function reveal(button) {
    const from = button.offsetLeft - element.offsetLeft, to = from + button.offsetWidth;
    if (from < element.scrollLeft || to > element.scrollLeft + element.clientWidth)
      element.scrollLeft = from - (element.clientWidth - button.offsetWidth) / 2;
  }

  return {
    element,
    // Show which style is chosen.
    mark() {
      for (const button of element.children) {
        const isChosen = button.dataset.style === state.style;
        button.setAttribute("aria-pressed", String(isChosen));
        button.tabIndex = isChosen ? 0 : -1; // arrow keys go from style to style, the tab key past them all
        if (isChosen) requestAnimationFrame(() => reveal(button));
      }
    },
    fill() {
      const { signal } = app.view;
      for (const [style, thumb] of thumbs)
        painted(upload, plainly(style), state.second, { tile: true, signal }).then(
          (pixels) => {
            thumb.classList.remove("waiting");
            thumb.replaceChildren(canvasOf(pixels));
          }, fault);
    },
  };
}
