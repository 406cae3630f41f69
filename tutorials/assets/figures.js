// The interactive figures of the pages. A page holds an empty <div> of a class that `FIGURES` names.

import { drawChannels } from "./channels.js";
import { addStamps, maxPool, numberOfWindow, placeInWindow, stamp, stoodAt, unpool } from "./compute.js";
import { drawGrowing } from "./growing.js";
import { drawStamps } from "./stamps.js";
import { button, choice, drawDigits, drawGrid, element, setAll } from "./widgets.js";
import { spinbutton, spinbuttons, tint, valuesOf } from "./widgets.js";
import { join, list, say } from "./words.js";

// ---- The figure of max pooling and the ways up ----

function drawUnpooling(figure) {
  const START = [
    [1, 3, 2, 0],
    [5, 2, 2, 7],
    [4, 4, 6, 1],
    [0, 4, 8, 3],
  ];
  const ways = {
    "nearest neighbour": say("nearest neighbour"),
    "bed of nails": say("bed of nails"),
    "index unpooling": say("index unpooling"),
    "max unpooling": say("max unpooling"),
  };
  const factors = { "change nothing": say("change nothing"), "multiply by 10": say("multiply by 10") };
  const way = choice(say("Way up"), ways, "max unpooling", draw);
  const factor = choice(say("The layers between"), factors, "change nothing", draw);
  const numbers = spinbuttons("", START, [0, 9], draw);
  const windowOf = (row, column) => tint(numberOfWindow(row, column));
  const input = drawGrid("input", say("numbers"), 4, 4, (row, column) => [
    numbers[row][column].node,
    windowOf(row, column),
  ]);
  const others = element("div", { class: "zoo-others" });
  const summary = element("p", { "aria-live": "polite" });

  function change(values) {
    setAll(numbers, values);
    draw();
  }

  function reset() {
    way.set("max unpooling");
    factor.set("change nothing");
    change(START);
  }

  function draw() {
    const pooled = maxPool(valuesOf(numbers));
    const changed = factor.value === "multiply by 10";
    const upwards = pooled.values.map((line) => line.map((value) => (changed ? 10 * value : value)));
    const result = unpool(way.value, upwards, pooled.offsets);
    const isMaximum = (row, column) => stoodAt(pooled.offsets, row, column);
    const usesOffsets = ["index unpooling", "max unpooling"].includes(way.value);
    const usesValues = way.value !== "index unpooling";
    const small = (name, caption, grid, used) =>
      drawGrid(name, caption, 2, 2, (row, column) => {
        return [grid[row][column], tint(placeInWindow(row, column)), !used && "zoo-unused"];
      });

    numbers.forEach((line, row) =>
      line.forEach(({ node }, column) => node.parentNode.classList.toggle("zoo-maximum", isMaximum(row, column))),
    );
    others.replaceChildren(
      small("pooled", say("maxima"), pooled.values, true),
      small("offsets", usesOffsets ? say("offsets") : say("offsets, forgotten"), pooled.offsets, usesOffsets),
      small("upwards", usesValues ? say("values that go up") : say("values, unused"), upwards, usesValues),
      drawGrid("result", ways[way.value], 4, 4, (row, column) => [
        result[row][column],
        windowOf(row, column),
        result[row][column] !== 0 && "zoo-strong",
        usesOffsets && isMaximum(row, column) && "zoo-maximum",
      ]),
    );
    const values = list(upwards.flat());
    const sentence = {
      "nearest neighbour": say("Nearest neighbour copies {values} over their windows, wherever the maxima stood.", {
        values,
      }),
      "bed of nails": say("Bed of nails puts {values} into the upper-left corners, wherever the maxima stood.", {
        values,
      }),
      "index unpooling": say("Index unpooling puts 1 where each maximum stood, and zeros elsewhere: no value goes up."),
      "max unpooling": say("Max unpooling puts {values} where the maxima stood, and zeros elsewhere.", { values }),
    }[way.value];
    const layers = changed && usesValues && say("The layers between have changed the maxima to these values.");
    summary.textContent = join(sentence, layers);
  }

  const help = say(
    "Drag a number up or down, or select it and press an arrow key or a digit. " +
      "Outlined: the maximum of its window; of equal maxima the first.",
  );
  const random = button(say("Random numbers"), () => change(drawDigits(4, 4)));
  figure.append(
    element("p", {}, help),
    element("div", { class: "zoo-controls" }, way.node, factor.node),
    element("div", { class: "zoo-grids" }, input, others),
    summary,
    element("div", { class: "zoo-controls" }, random, button(say("Reset"), reset)),
  );
  draw();
}

// ---- The figure of the transposed convolution ----

function drawTransposed(figure) {
  const START = { input: [1, 2, 3], kernel: [1, 2, 1, 1], size: 3, stride: 2 };
  const size = choice(say("Kernel size"), [2, 3, 4], START.size, draw);
  const stride = choice(say("Stride"), [1, 2, 3], START.stride, draw);
  const numbersFor = (name, values) =>
    values.map((value, index) => spinbutton(say("{name} {number}", { name, number: index + 1 }), value, [-5, 5], draw));
  const input = numbersFor(say("input"), START.input);
  const kernel = numbersFor(say("kernel"), START.kernel);
  const inputGrid = drawGrid("input", say("input"), 1, 3, (_, column) => [input[column].node, tint(column)]);
  const kernelGrid = drawGrid("kernel", say("kernel"), 1, 4, (_, column) => [kernel[column].node]);
  const sums = element("div");
  const summary = element("p", { "aria-live": "polite" });
  let done = 1;

  function go(step) {
    done = Math.min(input.length, Math.max(0, step));
    draw();
  }

  function reset() {
    input.forEach((number, index) => number.set(START.input[index]));
    kernel.forEach((number, index) => number.set(START.kernel[index]));
    size.set(START.size);
    stride.set(START.stride);
    go(1);
  }

  function draw() {
    kernel.forEach(({ node }, index) => (node.parentNode.hidden = index >= size.value));
    input.forEach(({ node }, index) => node.parentNode.classList.toggle("zoo-maximum", index === done - 1));
    const taps = kernel.slice(0, size.value).map((number) => number.value);
    const values = input.map((number) => number.value);
    const stamps = stamp(values, taps, stride.value).map((row, index) => (index < done ? row : row.map(() => null)));
    const { output, counts } = addStamps(stamps);
    const isInner = (place) => place >= size.value - stride.value && place < input.length * stride.value;

    const rows = [
      ["place", say("place"), output.map((_, place) => place)],
      ...stamps.map((row, index) => ["stamp", say("stamp {number}", { number: index + 1 }), row]),
      ["output", say("output"), output],
      ["touched", say("touched"), counts],
    ];
    const table = drawGrid("sums", say("stamps, added up"), rows.length, output.length, (row, place) => {
      const [name, , values] = rows[row];
      const colour = name === "stamp" && values[place] !== null && tint(row - 1);
      const strong = name === "output" || (name === "touched" && isInner(place));
      return [values[place], colour, strong && "zoo-strong", ["place", "touched"].includes(name) && "zoo-plain"];
    });
    rows.forEach(([, title], row) => table.rows[row].prepend(element("th", { scope: "row" }, title)));
    sums.replaceChildren(table);
    back.setAttribute("aria-disabled", done === 0);
    step.setAttribute("aria-disabled", done === input.length);
    summary.textContent = describe();
  }

  function describe() {
    if (done === 0) return say("Nothing is stamped yet.");
    const [k, s, first] = [size.value, stride.value, (done - 1) * stride.value];
    const sentence = say("Stamp {done} of {all}: {value} times the kernel is added at places {first} to {last}.", {
      done,
      all: input.length,
      value: input[done - 1].value,
      first,
      last: first + k - 1,
    });
    if (done < input.length) return sentence;
    const numbers = { size: k, stride: s, least: Math.floor(k / s), most: Math.ceil(k / s) };
    const verdict =
      k % s === 0
        ? say(
            "Far from the ends, every place is touched equally often ({least}): no checkerboard, because kernel size " +
              "{size} is divisible by stride {stride}.",
            numbers,
          )
        : say(
            "Far from the ends, places are touched {least} or {most} times: a checkerboard threatens, because kernel " +
              "size {size} is not divisible by stride {stride}.",
            numbers,
          );
    return join(sentence, verdict);
  }

  const back = button(say("Back"), () => go(done - 1));
  const step = button(say("Step"), () => go(done + 1));
  const all = button(say("All"), () => go(input.length));
  figure.append(
    element("p", {}, say("Each step stamps one input value times the kernel into the output.")),
    element("p", {}, say("Drag a number up or down, or select it and press an arrow key.")),
    element("div", { class: "zoo-controls" }, size.node, stride.node),
    element("div", { class: "zoo-grids" }, inputGrid, kernelGrid),
    element("div", { class: "zoo-controls" }, back, step, all, button(say("Reset"), reset)),
    sums,
    element("p", {}, say("Bold counts: far from the ends, where no stamp is missing.")),
    summary,
  );
  draw();
}

const FIGURES = {
  "growing-figure": [say("Interactive figure of a way up and a convolution"), drawGrowing],
  "unpooling-figure": [say("Interactive figure of max pooling and the ways up"), drawUnpooling],
  "channels-figure": [say("Interactive figure of two channels and two levels"), drawChannels],
  "transposed-figure": [say("Interactive figure of a transposed convolution"), drawTransposed],
  "stamps-figure": [say("Interactive figure of stamps in two dimensions"), drawStamps],
};

for (const [name, [label, drawFigure]] of Object.entries(FIGURES)) {
  for (const figure of document.getElementsByClassName(name)) {
    figure.setAttribute("role", "group");
    figure.setAttribute("aria-label", label);
    drawFigure(figure);
  }
}
