// Small helpers for elements. The content security policy forbids inline styles and handlers, so there are none.

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

// Tell screen readers.
export function say(text) {
  byId("said").textContent = text;
}

// A canvas with the pixels of an ImageData.
export function canvasOf(pixels, properties = {}) {
  const canvas = h("canvas", { width: pixels.width, height: pixels.height, ...properties });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

export function saveBlob(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = h("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

let fields = 0;

// A labelled slider: `show` makes the text of its value.
export function slider(label, { min, max, step, value, show, oninput }) {
  const id = `field${++fields}`;
  const output = h("output", { for: id, class: "value" }, show(value));
  const input = h("input", { id, type: "range", min, max, step, value, "aria-valuetext": show(value) });
  const tell = () => {
    output.textContent = show(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
    input.style.setProperty("--filled", `${((input.value - input.min) / (input.max - input.min)) * 100}%`);
  };
  input.addEventListener("input", () => {
    tell();
    oninput?.(Number(input.value));
  });
  tell();
  const set = (next) => {
    input.value = next;
    tell();
  };
  return Object.assign(h("div", { class: "field" }, h("label", { for: id }, label), output, input), { set, input });
}

export function textField(label, properties) {
  const id = `field${++fields}`;
  const input = h("input", { id, type: "text", autocomplete: "off", ...properties });
  return Object.assign(h("div", { class: "field" }, h("label", { for: id }, label), input), { input });
}

export function toggle(label, value, onchange) {
  const id = `field${++fields}`;
  const input = h("input", { id, type: "checkbox", role: "switch", checked: value, onchange: () => onchange(input.checked) });
  const set = (next) => (input.checked = next);
  return Object.assign(h("div", { class: "field switch" }, h("label", { for: id }, label), input), { set });
}

// A few buttons in one piece, of which one is pressed.
export function segments(label, options, value, onchange) {
  const element = h("div", { class: "segments", role: "group", "aria-label": label });
  for (const [key, text] of options) {
    const button = h("button", { "aria-pressed": String(key === value), onclick: () => {
      for (const one of element.children) one.setAttribute("aria-pressed", String(one === button));
      onchange(key);
    } }, text);
    element.append(button);
  }
  return element;
}

export function choice(label, options, value, onchange) {
  const id = `field${++fields}`;
  const select = h("select", { id, onchange: () => onchange(select.value) });
  for (const [key, text] of options) select.append(h("option", { value: key }, text));
  select.value = value;
  return Object.assign(h("div", { class: "field inline" }, h("label", { for: id }, label), select), { select });
}
