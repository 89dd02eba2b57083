// One worker that runs the networks, one task at a time; what nobody waits for any more is never begun.

import { Fault } from "./faults.js";
import { T } from "./text.js";

const waiting = [];
let worker = null, running = null;

// Make a network ready, without waiting for it.
export function prepare(network) {
  thread().postMessage({ network });
}

// What `worker.js` answers to a task with `pixels`, a picture; an aborted `signal` gives it up.
export function run({ pixels, ...task }, signal) {
  return new Promise((resolve, reject) => {
    waiting.push({ pixels, task, signal, resolve, reject });
    next();
  });
}

function next() {
  if (running) return;
  running = waiting.shift() ?? null;
  if (!running) return;
  const { pixels, task, signal, reject } = running;
  if (signal?.aborted) {
    reject(new DOMException("given up", "AbortError"));
    running = null;
    next();
    return;
  }
  const rgba = pixels.data.slice();
  thread().postMessage({ ...task, rgba, width: pixels.width, height: pixels.height }, [rgba.buffer]);
}

function thread() {
  if (worker) return worker;
  worker = new Worker("worker.js", { type: "module" });
  worker.onmessage = ({ data }) => done(data);
  worker.onerror = (event) => {
    worker = null;
    if (running) done({ fault: event.message || T.failed });
  };
  return worker;
}

function done({ fault, painted, milliseconds, ...answer }) {
  const { task, resolve, reject } = running;
  running = null;
  if (fault) reject(new Fault(fault));
  else if (!painted) resolve(answer);
  else {
    const pixels = new ImageData(painted.levels, painted.width, painted.height);
    performance.measure(`${task.flow ? "drawn out" : "painted"} ${pixels.width} x ${pixels.height}`, { start: performance.now() - milliseconds, end: performance.now() });
    resolve({ ...answer, painted: pixels });
  }
  next();
}
