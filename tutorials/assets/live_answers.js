// The answers to a photo, a picture a stage side by side, and what is under the pointer.

import { enlarge, softmax } from "./live_arithmetic.js";
import { arrow, element } from "./widgets.js";
import { list, percent, say, words } from "./words.js";

export class Answers {
  node = element("div", { class: "live-answers" });
  #call;
  #point; // is told what is under the pointer, in words
  #report;
  #figures = new Map(); // by the stage's name: its nodes, and its answer
  #photo = null;
  #view = { kind: "overlay", number: 0 };
  #at = null; // the photo's [row, column] under the pointer

  constructor(call, point, report) {
    this.#call = call;
    this.#point = point;
    this.#report = report;
  }

  // Makes room for the answers of these stages to a photo.
  prepare(photo, names, classes, colours) {
    const goesOn = photo === this.#photo || (photo.filmed && this.#photo?.filmed); // the camera's next picture
    if (!goesOn) this.#at = null;
    this.#photo = photo;
    this.#at = this.#at?.map((place, axis) => Math.min(place, photo.size[axis] - 1)) ?? null; // a phone may be turned
    if (!photo.filmed) this.#point("");
    if (names.join() !== [...this.#figures.keys()].join()) {
      this.#figures = new Map(names.map((name) => [name, this.#makeFigure(name)]));
      this.node.replaceChildren(...[...this.#figures.values()].map(({ figure }) => figure));
      this.node.classList.toggle("live-many", names.length > 1);
    }
    for (const each of this.#figures.values()) {
      each.answer = null;
      each.mark.hidden ||= !this.#at;
      const chips = classes.map((name, number) => chip(name, colours[number % colours.length]));
      if (!photo.filmed || !each.legend.children.length) each.legend.replaceChildren(...chips);
      if (!photo.filmed) each.time.textContent = "";
      if (!photo.filmed) this.#lay(each);
      const [height, width] = photo.shown;
      each.place.style.aspectRatio = `${width} / ${height}`;
      each.place.style.width = `min(100%, ${(70 * width) / height}vh)`; // 70 % of the screen's height at most
    }
  }

  // Shows the answer {logits, milliseconds, shares, classes} of a stage.
  async show(name, answer) {
    const each = this.#figures.get(name);
    each.answer = answer;
    each.time.textContent = `${answer.milliseconds.toFixed(0)} ms`;
    for (const [number, share] of answer.shares.entries()) each.legend.children[number].dataset.share = percent(share);
    if (this.#at) this.#tell();
    await this.#draw(name, each);
  }

  // What of the answers is shown: "overlay", "classes", "probability" of the class `number`, or "cutout".
  async setView(kind, number, strength) {
    this.node.style.setProperty("--live-strength", kind === "overlay" ? strength : 1);
    if (kind === this.#view.kind && number === this.#view.number) return;
    this.#view = { kind, number };
    this.node.classList.toggle("live-cut", kind === "cutout");
    for (const [name, each] of this.#figures) if (each.answer) await this.#draw(name, each);
  }

  async #draw(name, each) {
    const [{ kind, number }, photo] = [this.#view, this.#photo];
    const { picture } = await this.#call("draw", [name, kind === "overlay" ? "classes" : kind, number]);
    if (!picture) return; // another photo has come
    if (photo !== this.#photo || each !== this.#figures.get(name)) return picture.close(); // or another choice
    if (photo.filmed) this.#lay(each); // picture and answer change at once
    [each.picture.height, each.picture.width] = photo.shown;
    each.picture.getContext("bitmaprenderer").transferFromImageBitmap(picture);
    each.picture.hidden = false;
  }

  // Shows the photo, without an answer yet.
  #lay(each) {
    each.picture.hidden = true;
    [each.ground.height, each.ground.width] = this.#photo.shown;
    each.ground.getContext("2d").drawImage(this.#photo.view, 0, 0);
  }

  #makeFigure(name) {
    const [ground, picture] = [element("canvas"), element("canvas", { hidden: "" })];
    const mark = element("span", { class: "live-mark", hidden: "" });
    const help = say("Answer of {stage}. Arrow keys move a mark over it.", { stage: words(name) });
    const place = element("div", { class: "live-picture", tabindex: 0, role: "application", "aria-label": help });
    place.append(ground, picture, mark);
    const [time, legend] = [element("span", { class: "live-time" }), element("span", { class: "live-legend" })];
    const caption = element("figcaption", {}, element("b", {}, words(name)), " ", time, legend);
    const figure = element("figure", {}, place, caption);
    const point = (event) => {
      const box = place.getBoundingClientRect();
      this.#pointAt((event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width);
    };
    for (const type of ["pointerdown", "pointermove"]) place.addEventListener(type, point); // a tap does not move
    place.addEventListener("keydown", (event) => {
      const move = arrow(event);
      if (!move) return;
      const [down, right] = move;
      event.preventDefault(); // the page stays where it is
      const [row, column] = this.#at ?? this.#photo.size.map((side) => Math.floor(side / 2));
      const [height, width] = this.#photo.size;
      const step = event.shiftKey ? 1 : Math.max(1, Math.round(Math.max(height, width) / 40));
      this.#report(this.#pointAt((row + down * step + 0.5) / height, (column + right * step + 0.5) / width));
    });
    return { figure, place, ground, picture, mark, time, legend, answer: null };
  }

  // Puts the mark at a place of the photo, which is given as shares of its height and width, and says what is there.
  #pointAt(...shares) {
    const { size } = this.#photo;
    this.#at = shares.map((share, axis) => Math.min(size[axis] - 1, Math.max(0, Math.floor(share * size[axis]))));
    return this.#tell();
  }

  // Says what is at the mark.
  #tell() {
    const { size } = this.#photo;
    const [row, column] = this.#at;
    const found = [];
    for (const [name, { answer, mark }] of this.#figures) {
      mark.hidden = false;
      mark.style.top = inStyle((row + 0.5) / size[0]);
      mark.style.left = inStyle((column + 0.5) / size[1]);
      if (answer) found.push([name, probabilities(answer, size, this.#at)]);
    }
    const tell = ([name, all]) =>
      this.#figures.size > 1 ? say("{stage}: {answer}", { stage: words(name), answer: all[0] }) : list(all);
    const sentence = say("Row {row}, column {column}: {answers}.", {
      row,
      column,
      answers: found.map(tell).join(say("; ")),
    });
    this.#point(sentence);
    return sentence;
  }

  // What the pointer last was at, as shares of the photo's height and width.
  get pointed() {
    return this.#at?.map((place, axis) => place / this.#photo.size[axis]) ?? [0.5, 0.5];
  }
}

const inStyle = (share) => `${100 * share}%`;

// "pet 97 %", the most probable class first.
function probabilities({ logits, classes }, size, [row, column]) {
  let found;
  enlarge(logits, size, [row], [column], (_, pixel) => (found = softmax(pixel)));
  const order = classes.map((_, number) => number).sort((a, b) => found[b] - found[a]);
  return order.slice(0, 3).map((number) => `${classes[number]} ${percent(found[number])}`);
}

// A name and its colour.
export function chip(name, colour) {
  const node = element("span", { class: "live-class" }, name);
  node.style.setProperty("--live-colour", `rgb(${colour.join(" ")})`);
  return node;
}
