// The figure of a transposed convolution in two dimensions: what a pixel gathers, and where a value is stamped.

import { placeInWindow, stampsAt, sumOfProducts, writeProducts } from "./compute.js";
import { button, choice, drawGrid, element, pointableGrid, setAll, spinbuttons, tint, valuesOf } from "./widgets.js";
import { list, say } from "./words.js";

const INPUT = [
  [1, 2, 1],
  [3, 4, 0],
  [2, 1, 3],
];
const KERNEL = [
  [1, 2, 1, 0, 1],
  [2, 4, 2, 1, 0],
  [1, 2, 1, 1, 0],
  [0, 1, 1, 2, 1],
  [1, 0, 0, 1, 1],
];
const START = { side: 2, size: 3, stride: 2, padding: 1, more: 1 };

export function drawStamps(figure) {
  const choices = {
    side: choice(say("Input, values a side"), [2, 3], START.side, rebuild),
    size: choice(say("Kernel, weights a side"), [1, 2, 3, 4, 5], START.size, rebuild),
    stride: choice(say("Stride"), [1, 2, 3], START.stride, rebuild),
    padding: choice(say("Padding"), [0, 1, 2], START.padding, rebuild),
    more: choice(say("Output padding"), [0, 1, 2], START.more, rebuild),
  };
  const shown = choice(say("The output shows"), { sums: say("sums"), stamps: say("stamps") }, "sums", draw);
  const input = spinbuttons(say("input"), INPUT, [0, 5], draw);
  const kernel = spinbuttons(say("kernel"), KERNEL, [-2, 5], draw);
  const editable = (name, caption, numbers) =>
    drawGrid(name, caption, numbers.length, numbers.length, (row, column) => [numbers[row][column].node]);
  const inputGrid = editable("input-2d", say("input"), input);
  const kernelGrid = editable("kernel-2d", say("kernel"), kernel);
  const place = element("div", { class: "zoo-others" });
  const [summary, verdict] = [element("p", { "aria-live": "polite" }), element("p", { "aria-live": "polite" })];
  let output = null; // the table of the output and its cells
  let pointed = { input: null, output: [2, 2] };

  input.flat().forEach(({ node }, index) => {
    const point = () => pointAt({ input: [Math.floor(index / 3), index % 3], output: null });
    node.addEventListener("focus", point);
    node.addEventListener("pointerenter", point);
  });

  function pointAt(target) {
    pointed = target;
    draw();
  }

  function settings() {
    const { side, size, stride, padding, more } = Object.fromEntries(
      Object.entries(choices).map(([name, { value }]) => [name, value]),
    );
    const end = (side - 1) * stride + size - padding + more; // of the output, on the canvas
    return { side, size, stride, padding, more, end, length: Math.max((side - 1) * stride + size, end) };
  }

  // The output has another size: another table.
  function rebuild() {
    choices.padding.allow(Math.floor((choices.size.value - 1) / 2));
    choices.more.allow(choices.stride.value - 1);
    const { padding, end, length } = settings();
    const kept = { side: end - padding };
    const caption = padding
      ? say("output, {side} x {side}; dashed: cut off", kept)
      : say("output, {side} x {side}", kept);
    output = pointableGrid("canvas", caption, length, length, (row, column) =>
      pointAt({ input: null, output: [row, column] }),
    );
    place.replaceChildren(output.table);
    const fits = (target) => target?.every((coordinate) => coordinate < length);
    pointed = { input: null, output: fits(pointed.output) ? pointed.output : [padding, padding] };
    draw();
  }

  function reset() {
    for (const [name, group] of Object.entries(choices)) {
      group.allow(Infinity);
      group.set(START[name]);
    }
    shown.set("sums");
    setAll(input, INPUT);
    setAll(kernel, KERNEL);
    pointed.output = [2, 2];
    rebuild();
  }

  function draw() {
    const { side, size, stride, padding, end, length } = settings();
    const [values, weights] = [valuesOf(input), valuesOf(kernel)];
    const pixels = stampsAt(side, size, stride, length);
    const pairsOf = (stamps) => stamps.map((each) => [values[each.row][each.column], weights[each.down][each.right]]);
    const gathered = pointed.output ? pixels[pointed.output[0]][pointed.output[1]] : [];
    const colourOf = (row, column) => tint(placeInWindow(row, column));
    const isCut = (row, column) => Math.min(row, column) < padding || Math.max(row, column) >= end;

    output.cells.forEach((line, row) =>
      line.forEach((cell, column) => {
        const stamps = pixels[row][column];
        const own = pointed.input && stamps.some((each) => isAt(pointed.input, each.row, each.column));
        const classes = [isCut(row, column) && "zoo-unused", own && colourOf(...pointed.input)];
        cell.className = [...classes, isAt(pointed.output, row, column) && "zoo-maximum"].filter(Boolean).join(" ");
        cell.textContent = shown.value === "sums" ? sumOfProducts(pairsOf(stamps)) : stamps.length;
      }),
    );
    input.forEach((line, row) =>
      line.forEach(({ node }, column) => {
        const isUsed = gathered.some((each) => isAt([row, column], each.row, each.column));
        const isPointed = isAt(pointed.input, row, column);
        node.parentNode.hidden = Math.max(row, column) >= side;
        node.parentNode.className = [(isUsed || isPointed) && colourOf(row, column), isPointed && "zoo-maximum"]
          .filter(Boolean)
          .join(" ");
      }),
    );
    kernel.forEach((line, down) =>
      line.forEach(({ node }, right) => {
        const user = gathered.find((each) => isAt([down, right], each.down, each.right));
        node.parentNode.hidden = Math.max(down, right) >= size;
        node.parentNode.className = user ? colourOf(user.row, user.column) : "";
      }),
    );
    summary.textContent = pointed.input
      ? describeInput(...pointed.input, size, stride, padding, end)
      : describeOutput(gathered, pairsOf(gathered), padding, isCut(...pointed.output));
    verdict.textContent = describeCounts(size, stride);
  }

  function describeInput(row, column, size, stride, padding, end) {
    const range = (first) => (size === 1 ? first : say("{first} to {last}", { first, last: first + size - 1 }));
    const [top, left] = [row * stride - padding, column * stride - padding];
    const values = { row, column, rows: range(top), columns: range(left) };
    return Math.min(top, left) < 0 || Math.max(top, left) + size > end - padding
      ? say(
          "The input in row {row}, column {column} is stamped on rows {rows} and columns {columns} of the output; " +
            "what lies outside it is cut off.",
          values,
        )
      : say(
          "The input in row {row}, column {column} is stamped on rows {rows} and columns {columns} of the output.",
          values,
        );
  }

  function describeOutput(gathered, pairs, padding, cut) {
    const [row, column] = pointed.output.map((coordinate) => coordinate - padding);
    const pixel = cut
      ? say("A pixel that is cut off")
      : say("The output in row {row}, column {column}", { row, column });
    if (!pairs.length) return say("{pixel} gathers nothing: no stamp reaches it.", { pixel });
    const places = list(gathered.map(({ down, right }) => `(${down}, ${right})`));
    const values = { pixel, count: pairs.length, terms: writeProducts(pairs), sum: sumOfProducts(pairs), places };
    return pairs.length === 1
      ? say("{pixel} gathers {count} stamp: {terms} = {sum}, with the kernel's weights at {places}.", values)
      : say("{pixel} gathers {count} stamps: {terms} = {sum}, with the kernel's weights at {places}.", values);
  }

  const help = say(
    "Point at an output: its inputs and weights get the same colours. Point at an input: its stamp is coloured. " +
      "Pointing is done with the mouse, a finger, or Tab and arrow keys. Drag a number to change it. " +
      "Rows and columns count from 0.",
  );
  figure.append(
    element("p", {}, help),
    element("div", { class: "zoo-controls" }, ...Object.values(choices).map(({ node }) => node), shown.node),
    element("div", { class: "zoo-grids" }, inputGrid, kernelGrid, place),
    summary,
    verdict,
    element("div", { class: "zoo-controls" }, button(say("Start again"), reset)),
  );
  rebuild();
}

const isAt = (place, row, column) => place !== null && place[0] === row && place[1] === column;

function describeCounts(size, stride) {
  const counts = [...new Set([Math.floor(size / stride), Math.ceil(size / stride)])];
  const all = [...new Set(counts.flatMap((a) => counts.map((b) => a * b)))].sort((a, b) => a - b);
  const [few, most] = [list(all.slice(0, -1)), all.at(-1)];
  return few
    ? say("Far from the edge a pixel gets {few} or {most} stamps: the pattern of a checkerboard.", { few, most })
    : say("Far from the edge every pixel gets {most} of the stamps: no checkerboard.", { most });
}
