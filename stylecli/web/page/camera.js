// A picture from the camera, which becomes a file like any other.

import { banner, receive } from "./app.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { T } from "./text.js";

export async function takePicture() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, facingMode: "user" } });
  } catch {
    banner(T.cameraRefused);
    return;
  }
  const video = h("video", { playsinline: true, muted: true, "aria-label": T.cameraTitle });
  video.srcObject = stream;
  const take = h("button", { class: "primary" }, icon("camera"), T.shutter);
  const cancel = h("button", {}, T.close);
  const dialog = h("dialog", { class: "camera", "aria-label": T.cameraTitle }, video, h("div", { class: "actions" }, take, cancel));
  dialog.addEventListener("close", () => {
    for (const track of stream.getTracks()) track.stop();
    dialog.remove();
  });
  cancel.addEventListener("click", () => dialog.close());
  take.addEventListener("click", async () => {
    const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    dialog.close();
    receive([new File([blob], "camera.png", { type: "image/png" })]);
  });
  document.body.append(dialog);
  dialog.showModal();
  await video.play();
}
