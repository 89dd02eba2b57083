// Runs the networks beside the page, so that it stays responsive: bytes of R, G, B, A in and out.

import { addStrokes } from "./filling.js";
import * as ort from "./runtime/ort.wasm.min.mjs";

const THREADS_MAX = 4;

ort.env.wasm.wasmPaths = new URL("./runtime/", import.meta.url).href;
ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(THREADS_MAX, navigator.hardwareConcurrency || 1) : 1;

const BLENDS_KEPT = 2; // each move of the share makes a new one
const files = new Map(), sessions = new Map();

// Keep what a promise gives, unless it fails.
function kept(map, key, make) {
  if (!map.has(key)) {
    const promise = make();
    map.set(key, promise);
    promise.catch(() => map.delete(key));
  }
  return map.get(key);
}

async function load(address) {
  const answer = await fetch(new URL(address, import.meta.url));
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

const file = (address) => kept(files, address, () => load(address));

// The model file of a network, or of a blend: the first part's file with the mean weights of all.
async function modelOf({ parts, weights }) {
  const contents = await Promise.all(parts.map(([address]) => file(address)));
  if (parts.length === 1) return contents[0];
  const model = contents[0].slice();
  for (const [offset, count] of weights) {
    const mean = new Float64Array(count);
    contents.forEach((content, place) => {
      const values = new Float32Array(content.slice(offset, offset + 4 * count).buffer); // a copy lies at multiples of 4
      for (let i = 0; i < count; i++) mean[i] += parts[place][1] * values[i];
    });
    model.set(new Uint8Array(Float32Array.from(mean).buffer), offset);
  }
  return model;
}

function sessionOf(network) {
  const key = JSON.stringify(network.parts);
  const session = kept(sessions, key, async () => ort.InferenceSession.create(await modelOf(network), { executionProviders: ["wasm"] }));
  const blends = [...sessions.keys()].filter((one) => JSON.parse(one).length > 1 && one !== key);
  for (const old of blends.slice(0, Math.max(0, blends.length + 1 - BLENDS_KEPT))) {
    sessions.get(old).then((one) => one.release(), () => {});
    sessions.delete(old);
  }
  return session;
}

onmessage = async ({ data: { network, rgba, width, height, fill } }) => {
  if (!rgba) {
    sessionOf(network).catch(() => {}); // only made ready; who needs it hears of the fault
    return;
  }
  try {
    const session = await sessionOf(network);
    const rgb = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; from < rgba.length; from += 4) {
      rgb[to++] = rgba[from];
      rgb[to++] = rgba[from + 1];
      rgb[to++] = rgba[from + 2];
    }
    const began = performance.now();
    if (fill) addStrokes(rgb, width, height, fill);
    const { stylized } = await session.run({ image: new ort.Tensor("uint8", rgb, [1, height, width, 3]) });
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
    postMessage({ fault: String(error?.message ?? error) });
  }
};
