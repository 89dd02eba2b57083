// What is copied to use a look elsewhere: the command line that makes the same, or a link to the settings.

import { h } from "./dom.js";
import { engine } from "./engine.js";
import { icon } from "./icons.js";
import { sharedAddress } from "./state.js";
import { T } from "./text.js";

// `told` is called with what came of copying.
export function sharing(told) {
  async function copy(text, done) {
    try {
      if (!navigator.clipboard) throw new Error(T.noClipboard); // from other machines: browsers want https for it
      await navigator.clipboard.writeText(text);
      told(done);
    } catch (error) {
      told(error.message);
    }
  }

  const line = h("code", { tabindex: 0, "aria-label": T.command });
  const copyLine = h("button", { class: "bare", "aria-label": T.copy, title: T.copy, onclick: () => copy(line.textContent, T.copied) }, icon("copy"));
  const link = engine.can.share ? h("button", { class: "small", onclick: () => copy(sharedAddress(), T.shared) }, icon("link"), T.share) : null;
  const command = h("details", { open: !link }, h("summary", {}, T.command), h("div", { class: "line" }, line, copyLine));
  const element = h("div", { class: "sharing" }, link, command);
  return {
    element,
    // Lines break between words.
    show: (words) => line.replaceChildren(...words.flatMap((word) => [h("span", {}, word), " "]).slice(0, -1)),
  };
}
