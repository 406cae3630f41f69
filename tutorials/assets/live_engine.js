// The page's side of live_worker.js: calls its functions, and hears how much is loaded.

import { say } from "./words.js";

export class Engine {
  #worker = new Worker(new URL("live_worker.js", import.meta.url), { type: "module" });
  #waiting = new Map();
  #calls = 0;

  // `loaded(bytes, name)` is called for each part that has come of a model, or of the "runtime".
  constructor(loaded) {
    this.#worker.onmessage = ({ data }) => {
      if ("loaded" in data) return loaded(data.loaded, data.name);
      const { resolve, reject } = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("error" in data) reject(new Error(data.error));
      else resolve(data.result);
    };
    this.#worker.onerror = (event) => {
      const sentence =
        event instanceof ErrorEvent // else a script of the worker has not come
          ? say("The browser has stopped the models, perhaps for want of memory. Load the page again.")
          : say("There is no connection to load {what} from.", { what: say("the runtime") });
      for (const { reject } of this.#waiting.values()) reject(new Error(sentence));
      this.#waiting.clear();
    };
  }

  // What a function of the worker gives; an error is a sentence for the reader.
  call(method, values = [], transfer = []) {
    const id = this.#calls++;
    this.#worker.postMessage({ id, method, values }, transfer);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  stop() {
    this.#worker.terminate();
  }
}
