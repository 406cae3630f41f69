// The step inside a stage: what goes down on a level, what is remembered, and what comes up.

import { chip } from "./live_answers.js";
import { element } from "./widgets.js";
import { join, phrase, say } from "./words.js";

const TINTS = [[86, 180, 233], [230, 159, 0], [0, 158, 115], [204, 121, 167]]; // of the places in a window
const HEAT = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // viridis, from 0 to the most
const SIGNED = [[33, 102, 172], [247, 247, 247], [178, 24, 43]]; // negative, 0, positive
const MARKS = [[0, 0, 0], [255, 255, 255]];

const CLOSE = 1 / 8; // of a side

const TITLES = {
  features: say("features, before they go down"),
  offsets: say("offsets: where in its window each maximum stood"),
  rising: say("what comes up from below"),
  grown: say("after the way up"),
  marks: say("marks: 1 where a maximum stood"),
};

export class Inside {
  node = element("details", { class: "live-inside" }, element("summary", {}, say("Look inside")));
  #call;
  #fail;
  #pointed; // gives where the mark is, as shares of the photo's height and width
  #name = null;
  #maps = {};
  #level = element("select");
  #channel = element("input", { type: "range", min: 0, value: 0 });
  #number = element("output");
  #close = element("input", { type: "checkbox" });
  #panels = element("div", { class: "live-panels" });
  #note = element("p");
  #controls = element(
    "div",
    { class: "live-controls" },
    element("label", {}, say("Level"), " ", this.#level),
    element("label", {}, say("Channel"), " ", this.#channel, " ", this.#number),
    element("label", {}, this.#close, " ", say("Close up, around the mark in the photo")),
  );

  constructor(call, fail, pointed) {
    this.#call = call;
    this.#fail = fail;
    this.#pointed = pointed;
    this.node.append(this.#note, this.#controls, this.#panels);
    this.node.addEventListener("toggle", () => this.show());
    this.#level.addEventListener("change", () => this.show());
    for (const input of [this.#channel, this.#close]) input.addEventListener("input", () => this.#draw());
  }

  // Takes a stage with these levels, and what it does in half a sentence; `null` where several are shown.
  prepare(name, levels, does) {
    if (name === this.#name) return;
    this.#name = name;
    this.#maps = {};
    this.#controls.hidden = !name || !levels.length;
    const known = does ? say("This stage {does}.", { does: phrase(does) }) : "";
    const none = levels.length ? "" : say("It has no maps of the whole photo that could be shown.");
    this.#note.textContent = name ? join(known, none) : say("Choose one stage to look inside.");
    const options = levels.map((level) => element("option", { value: level }, `${level}`));
    this.#level.replaceChildren(...options);
    this.#panels.replaceChildren();
  }

  // Computes the maps of the level anew and draws them, if they are to be seen.
  async show() {
    const name = this.#name;
    if (!this.node.open || !name || this.#controls.hidden) return;
    try {
      const { maps } = await this.#call("lookInside", [name, Number(this.#level.value)]);
      if (name !== this.#name) return; // another has been chosen
      const first = maps.features.dims[2] !== this.#maps.features?.dims[2];
      this.#maps = maps;
      this.#channel.max = maps.features.dims[2] - 1;
      if (first) this.#channel.value = liveliest(maps.features);
      this.#draw();
    } catch (error) {
      this.#fail(error);
    }
  }

  // Draws a close-up at another place.
  follow() {
    if (this.node.open && this.#close.checked && this.#maps.features) this.#draw();
  }

  #draw() {
    const channel = Number(this.#channel.value);
    this.#number.textContent = channel;
    const { grown } = this.#maps;
    const fits = Object.keys(TITLES).filter((kind) => {
      const map = this.#maps[kind];
      return map && (kind !== "rising" || map.dims[2] === grown.dims[2]); // else the channels are others
    });
    const share = this.#close.checked ? CLOSE : 1;
    const panels = fits.map((kind) => panel(kind, this.#maps[kind], channel, share, this.#pointed()));
    this.#panels.replaceChildren(...panels);
  }
}

// The channel whose values differ most.
function liveliest({ data, dims: [height, width, channels] }) {
  const spread = Array.from({ length: channels }, (_, channel) => {
    let [sum, squares] = [0, 0];
    for (let place = channel; place < data.length; place += channels) {
      sum += data[place];
      squares += data[place] ** 2;
    }
    const mean = sum / (height * width);
    return squares / (height * width) - mean ** 2;
  });
  return spread.indexOf(Math.max(...spread));
}

// A map, or a share of its height and width around a place, which is given as shares, too.
function panel(kind, { data, dims: [height, width, channels] }, channel, share, around) {
  const [rows, columns] = [height, width].map((side) => Math.max(1, Math.round(side * share)));
  const start = (side, shown, at) => Math.min(side - shown, Math.max(0, shown * Math.round((at * side) / shown - 0.5)));
  const [top, left] = [start(height, rows, around[0]), start(width, columns, around[1])]; // the same in each map
  const values = Float32Array.from({ length: rows * columns }, (_, place) => {
    const [row, column] = [top + Math.floor(place / columns), left + (place % columns)];
    return data[(row * width + column) * channels + channel];
  });
  const most = values.reduce((best, value) => Math.max(best, Math.abs(value)), 1e-9);
  const image = new ImageData(columns, rows);
  values.forEach((value, place) => image.data.set([...colour(kind, value, most), 255], 4 * place));
  const canvas = element("canvas", { width: columns, height: rows, role: "img", "aria-label": TITLES[kind] });
  canvas.getContext("2d").putImageData(image, 0, 0);
  const caption = element("figcaption", {}, `${TITLES[kind]} (${height} x ${width})`);
  if (kind === "offsets") caption.append(...TINTS.map((tint, place) => chip(`${place}`, tint)));
  return element("figure", {}, canvas, caption);
}

function colour(kind, value, most) {
  if (kind === "offsets") return TINTS[value];
  if (kind === "marks") return MARKS[value];
  return kind === "features" ? blend(HEAT, Math.max(0, value / most)) : blend(SIGNED, (value / most + 1) / 2);
}

function blend(colours, share) {
  const place = Math.min(colours.length - 1 - 1e-6, share * (colours.length - 1));
  const [first, second] = [colours[Math.floor(place)], colours[Math.floor(place) + 1]];
  return first.map((value, i) => value + (second[i] - value) * (place % 1));
}
