// The page: its bar, what is dropped or pasted, and which view is shown.

import { app, banner, fault, hush, receive, reopenFiles } from "./app.js";
import { takePicture } from "./camera.js";
import { config } from "./config.js";
import { byId, h } from "./dom.js";
import { engine } from "./engine.js";
import { Fault } from "./faults.js";
import { gridView } from "./grid.js";
import { icon } from "./icons.js";
import { learnView } from "./learn.js";
import { startView } from "./start.js";
import { choose, key, onState, readAddress, setKey, state } from "./state.js";
import { studioView } from "./studio.js";
import { T } from "./text.js";

const THEMES = ["auto", "light", "dark"];

function bar() {
  const files = h("input", { id: "files", type: "file", multiple: true, class: "unseen", tabindex: -1, "aria-label": T.choose, onchange: () => {
    receive([...files.files]);
    files.value = "";
  } });
  const theme = h("button", { class: "bare", onclick: () => setTheme(THEMES[(THEMES.indexOf(themeNow()) + 1) % THEMES.length]) });
  function setTheme(name) {
    try {
      localStorage.setItem("theme", name);
    } catch { /* storage may be forbidden; the choice then lasts until the page is left */ }
    document.documentElement.dataset.theme = name;
    theme.replaceChildren(icon(name));
    theme.setAttribute("aria-label", T.theme[name]);
    theme.title = T.theme[name];
  }
  const themeNow = () => document.documentElement.dataset.theme ?? "auto";
  let kept = "auto";
  try {
    kept = localStorage.getItem("theme") ?? kept;
  } catch { /* as above */ }
  setTheme(THEMES.includes(kept) ? kept : "auto");
  byId("bar").replaceChildren(
    h("a", { class: "mark", href: "#", onclick: (event) => {
      event.preventDefault();
      choose({ style: "", file: "", files: "", second: 0, learn: "" }, { step: true });
    } }, h("img", { src: "mark.svg", alt: "", width: 28, height: 28 }), T.name),
    h("nav", {},
      h("button", { class: "quiet", onclick: () => files.click() }, icon("open"), h("span", {}, T.open)),
      h("button", { class: "quiet", onclick: takePicture }, icon("camera"), h("span", {}, T.camera)),
      theme),
    files,
  );
  byId("foot").textContent = engine.privacy;
}

function render() {
  const view = byId("view");
  const upload = app.files.get(state.file);
  app.takes = null;
  app.view.abort();
  app.view = new AbortController();
  if (state.learn && app.learns) app.shown = "learn";
  else if (!upload) app.shown = "start";
  else app.shown = app.styles.some((style) => style.name === state.style) ? "studio" : "grid";
  document.body.dataset.view = app.shown;
  document.title = upload ? `${upload.name} – ${T.name}` : T.name;
  view.replaceChildren({ start: startView, grid: gridView, studio: studioView, learn: learnView }[app.shown]());
  window.scrollTo(0, 0);
}

// Only a change of file or view draws everything anew; sliders change in place.
let place = "";
function follow() {
  const next = JSON.stringify([state.file, state.files, Boolean(state.style), Boolean(state.learn)]);
  if (next === place) return;
  place = next;
  const keepsFocus = document.activeElement === document.body;
  render();
  if (!keepsFocus) byId("view").focus({ preventScroll: true });
}

function drops() {
  const veil = byId("drop");
  veil.textContent = T.dropHere;
  let depth = 0;
  addEventListener("dragenter", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    depth++;
    veil.hidden = false;
  });
  addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    if (!depth) veil.hidden = true;
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    veil.hidden = true;
    if (event.dataTransfer?.files.length) receive([...event.dataTransfer.files]);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) receive(files);
  });
}

// Visitors from other machines give a password for the key.
function askPassword() {
  return new Promise((resolve) => {
    const input = h("input", { type: "password", id: "password", autocomplete: "current-password", required: true });
    const form = h("form", { class: "password", onsubmit: async (event) => {
      event.preventDefault();
      try {
        setKey(await engine.enter(input.value));
        hush();
        resolve();
      } catch (error) {
        fault(error);
      }
    } }, h("label", { for: "password" }, T.password), input, h("button", { class: "primary" }, T.enter));
    byId("view").replaceChildren(form);
    input.focus();
  });
}

async function begin() {
  try {
    if (config.password && !key) await askPassword();
    Object.assign(app, await engine.start());
    hush();
    await reopenFiles();
    place = "";
    follow();
  } catch (error) {
    banner(error.message, h("button", { class: "small", onclick: begin }, T.retry));
    if (!(error instanceof Fault)) throw error;
  }
}

readAddress();
bar();
drops();
onState(follow);
addEventListener("popstate", async () => {
  const before = key;
  readAddress();
  if (key !== before) {
    location.reload(); // the server was started again: nothing that this page has is there any more
    return;
  }
  await reopenFiles().catch(fault);
  place = "";
  follow();
});
begin();
