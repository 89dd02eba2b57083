// Runs the networks beside the page, so that it stays responsive: bytes of R, G, B, A in and out. A task without a network
// asks for the weights of fine strokes.

import { detailWeights, FINER, finer } from "./detailing.js";
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

onmessage = async ({ data: { network, rgba, width, height, ...task } }) => {
  if (!rgba) {
    sessionOf(network).catch(() => {}); // only made ready; who needs it hears of the fault
    return;
  }
  try {
    const rgb = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; from < rgba.length; from += 4) {
      rgb[to++] = rgba[from];
      rgb[to++] = rgba[from + 1];
      rgb[to++] = rgba[from + 2];
    }
    if (!network) postMessage({ weights: detailWeights(rgb, width, height) });
    else if (task.isSmall) await paint(await sessionOf(network), finer(rgb, width, height), FINER * width, FINER * height, task);
    else await paint(await sessionOf(network), rgb, width, height, { ...task, rgba });
  } catch (error) {
    postMessage({ fault: String(error?.message ?? error) });
  }
};

// Answers with the painted picture, opaque unless `rgba` says otherwise, and the statistics that were measured, or `given`.
// `flow` is an input of the network that draws strokes out alone.
async function paint(session, rgb, width, height, { rgba, fill, given, flow }) {
  const began = performance.now();
  if (fill) addStrokes(rgb, width, height, fill);
  const takesStatistics = session.inputNames.includes("statistics");
  const { stylized, measured } = await session.run({
    image: new ort.Tensor("uint8", rgb, [1, height, width, 3]),
    ...(takesStatistics ? statisticsOf(given) : {}),
    ...(flow ? { flow: new ort.Tensor("float32", [flow], []) } : {}),
  });
  const from = stylized.data, levels = new Uint8ClampedArray(width * height * 4);
  for (let at = 0, to = 0; to < levels.length; to += 4) {
    levels[to] = from[at++];
    levels[to + 1] = from[at++];
    levels[to + 2] = from[at++];
    levels[to + 3] = rgba ? rgba[to + 3] : 255;
  }
  const statistics = measured?.data.slice() ?? null;
  stylized.dispose();
  measured?.dispose();
  postMessage({ painted: { levels, width, height }, statistics, milliseconds: performance.now() - began }, [levels.buffer]);
}

// The inputs of `stylecli.web.gallery.statistics`.
function statisticsOf(given) {
  const statistics = given ?? new Float32Array(1);
  return { statistics: new ort.Tensor("float32", statistics, [1, statistics.length]), is_given: new ort.Tensor("bool", [Boolean(given)], []) };
}
