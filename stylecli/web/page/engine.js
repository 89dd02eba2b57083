// The engine that this page has: the program behind a local server, or the browser alone.

import { config } from "./config.js";

export const engine = await import(config.engine === "browser" ? "./engine-browser.js" : "./engine-server.js");
