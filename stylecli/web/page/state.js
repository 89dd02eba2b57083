// What the visitor has chosen. It lives in the fragment of the address: a reload and the back button keep it, and the
// fragment is never sent to any server.

// `fill`, `detail` and `flow` -1: as the style says.
const DEFAULTS = { style: "", variant: "", blend: "", share: 0.5, strength: 1, strokes: 1, fill: -1, detail: -1, flow: -1, colors: false, second: 0, file: "", files: "", learn: "", job: "" };
const LOOK = ["variant", "blend", "share", "strength", "strokes", "fill", "detail", "flow", "colors"];

export const state = { ...DEFAULTS };
export let key = "";

const listeners = new Set();

export function onState(listener) {
  listeners.add(listener);
}

export function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  key = given.get("key") ?? key;
  for (const [name, value] of Object.entries(DEFAULTS)) {
    const text = given.get(name);
    if (text === null) state[name] = value;
    else if (typeof value === "number") state[name] = Number.isFinite(Number(text)) ? Number(text) : value;
    else if (typeof value === "boolean") state[name] = text === "1";
    else state[name] = text;
  }
  state.strength = Math.min(1, Math.max(0, state.strength));
  state.strokes = Math.min(4, Math.max(0.5, state.strokes));
  state.fill = state.fill < 0 ? DEFAULTS.fill : Math.min(2, state.fill);
  state.detail = state.detail < 0 ? DEFAULTS.detail : Math.min(1, state.detail);
  state.flow = state.flow < 0 ? DEFAULTS.flow : Math.min(1, state.flow);
  state.share = Math.min(0.95, Math.max(0.05, state.share));
  state.second = Math.max(0, state.second);
}

export function setKey(value) {
  key = value;
  write(true);
}

// Change the choice. A `step` is a place of its own for the back button.
export function choose(changes, { step = false } = {}) {
  Object.assign(state, changes);
  write(!step);
  for (const listener of listeners) listener(changes);
}

// Everything that makes a look, as it was at first.
export const looks = () => Object.fromEntries(LOOK.map((name) => [name, DEFAULTS[name]]));

export function sharedAddress() {
  return `${location.origin}${location.pathname}#${fragment(["style", ...LOOK])}`;
}

function write(replaces) {
  const address = `#${fragment(Object.keys(DEFAULTS), key)}`;
  if (address === location.hash) return;
  if (replaces) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
}

function fragment(names, secret = "") {
  const given = new URLSearchParams();
  if (secret) given.set("key", secret);
  for (const name of names) {
    const value = state[name];
    if (value !== DEFAULTS[name]) given.set(name, value === true ? "1" : value);
  }
  return given.toString();
}
