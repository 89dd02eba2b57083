// Runs the networks beside the page, so that it stays responsive: bytes of R, G, B, A in and out.

import * as ort from "./runtime/ort.wasm.min.mjs";

const THREADS_MAX = 4;

ort.env.wasm.wasmPaths = new URL("./runtime/", import.meta.url).href;
ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(THREADS_MAX, navigator.hardwareConcurrency || 1) : 1;

const sessions = new Map();

function session(address) {
  if (!sessions.has(address)) sessions.set(address, ort.InferenceSession.create(address, { executionProviders: ["wasm"] }));
  return sessions.get(address);
}

onmessage = async ({ data: { warm, model, rgba, width, height } }) => {
  if (warm) {
    session(new URL(warm, import.meta.url).href).catch(() => {}); // who needs it hears of the fault
    return;
  }
  try {
    const network = await session(new URL(model, import.meta.url).href);
    const rgb = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; from < rgba.length; from += 4) {
      rgb[to++] = rgba[from];
      rgb[to++] = rgba[from + 1];
      rgb[to++] = rgba[from + 2];
    }
    const began = performance.now();
    const { stylized } = await network.run({ image: new ort.Tensor("uint8", rgb, [1, height, width, 3]) });
    const levels = stylized.data;
    const painted = new Uint8ClampedArray(width * height * 4);
    for (let from = 0, to = 0; to < painted.length; to += 4) {
      painted[to] = levels[from++];
      painted[to + 1] = levels[from++];
      painted[to + 2] = levels[from++];
      painted[to + 3] = rgba[to + 3];
    }
    stylized.dispose();
    postMessage({ painted, milliseconds: performance.now() - began }, [painted.buffer]);
  } catch (error) {
    sessions.delete(new URL(model, import.meta.url).href);
    postMessage({ fault: String(error?.message ?? error) });
  }
};
