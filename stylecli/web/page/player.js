// Source and result of a video side by side under the divider, played together.

import { h, slider } from "./dom.js";
import { icon } from "./icons.js";
import { T } from "./text.js";

const DRIFT = 0.06; // seconds by which the two may differ before the source is set right

export function playerOf(stage, source, result, start, title) {
  const addresses = [URL.createObjectURL(source), URL.createObjectURL(result)];
  const before = h("video", { src: addresses[0], muted: true, playsinline: true, preload: "auto", tabindex: -1 });
  const after = h("video", { src: addresses[1], playsinline: true, loop: true, preload: "auto", tabindex: -1 });
  before.muted = true;
  stage.setVideos(before, after);
  stage.setTags(T.source, title);

  const position = slider(T.playPosition, { min: 0, max: 1, step: 0.01, value: 0, show: T.seconds, oninput: (at) => {
    after.currentTime = at;
    before.currentTime = start + at;
  } });
  const button = h("button", { class: "wide", onclick: () => (after.paused ? play() : pause()) }, icon("play"), T.play);
  const element = h("div", { class: "fields" }, button, position);

  before.addEventListener("error", () => {
    stage.setVideos(null, after);
    element.append(h("p", { class: "hint" }, T.sourceNotPlayed));
  });
  before.addEventListener("loadedmetadata", () => (before.currentTime = start));
  after.addEventListener("loadedmetadata", () => (position.input.max = after.duration.toFixed(2)));
  after.addEventListener("timeupdate", () => {
    position.set(after.currentTime);
    if (Math.abs(before.currentTime - start - after.currentTime) > DRIFT && !before.seeking) before.currentTime = start + after.currentTime;
  });

  function play() {
    after.play().catch(() => {});
    before.play().catch(() => {});
    button.replaceChildren(icon("pause"), T.pause);
  }
  function pause() {
    after.pause();
    before.pause();
    button.replaceChildren(icon("play"), T.play);
  }
  play();

  return Object.assign(element, {
    stop() {
      pause();
      for (const address of addresses) URL.revokeObjectURL(address);
    },
  });
}
