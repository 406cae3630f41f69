// The figure of a transposed convolution in two dimensions: what a pixel gathers, and where a value is stamped.

import { product, stampsAt, sum, writeProducts } from "./compute.js";
import { button, choice, drawGrid, element, pointableGrid, setAll, spinbuttons, tint, valuesOf } from "./widgets.js";

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
    side: choice("Input, values a side", [2, 3], START.side, rebuild),
    size: choice("Kernel, weights a side", [1, 2, 3, 4, 5], START.size, rebuild),
    stride: choice("Stride", [1, 2, 3], START.stride, rebuild),
    padding: choice("Padding", [0, 1, 2], START.padding, rebuild),
    more: choice("Output padding", [0, 1, 2], START.more, rebuild),
  };
  const shown = choice("The output shows", ["sums", "stamps"], "sums", draw);
  const [input, kernel] = [spinbuttons("input, ", INPUT, [0, 5], draw), spinbuttons("kernel, ", KERNEL, [-2, 5], draw)];
  const editable = (name, numbers) =>
    drawGrid(`${name}-2d`, name, numbers.length, numbers.length, (row, column) => [numbers[row][column].node]);
  const [inputGrid, kernelGrid] = [editable("input", input), editable("kernel", kernel)];
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
    const caption = `output, ${end - padding} x ${end - padding}` + (padding ? "; dashed: cut off" : "");
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
    const colourOf = (row, column) => tint(2 * (row % 2) + (column % 2));
    const isCut = (row, column) => Math.min(row, column) < padding || Math.max(row, column) >= end;

    output.cells.forEach((line, row) =>
      line.forEach((cell, column) => {
        const stamps = pixels[row][column];
        const own = pointed.input && stamps.some((each) => isAt(pointed.input, each.row, each.column));
        const classes = [isCut(row, column) && "zoo-unused", own && colourOf(...pointed.input)];
        cell.className = [...classes, isAt(pointed.output, row, column) && "zoo-maximum"].filter(Boolean).join(" ");
        cell.textContent = shown.value === "sums" ? sum(pairsOf(stamps), product) : stamps.length;
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
      ? describeInput(...pointed.input, size, stride, padding)
      : describeOutput(gathered, pairsOf(gathered), padding, isCut(...pointed.output));
    verdict.textContent = describeCounts(size, stride);
  }

  function describeInput(row, column, size, stride, padding) {
    const range = (start) => (size === 1 ? `${start}` : `${start} to ${start + size - 1}`);
    const [top, left] = [row * stride - padding, column * stride - padding];
    return (
      `The input in row ${row}, column ${column} is stamped on rows ${range(top)} and columns ${range(left)} of the ` +
      `output${Math.min(top, left) < 0 ? "; what lies before 0 is cut off" : ""}.`
    );
  }

  function describeOutput(gathered, pairs, padding, cut) {
    const [row, column] = pointed.output.map((coordinate) => coordinate - padding);
    const name = cut ? "A pixel that is cut off" : `The output in row ${row}, column ${column}`;
    if (!pairs.length) return `${name} gathers nothing: no stamp reaches it.`;
    const places = gathered.map(({ down, right }) => `(${down}, ${right})`).join(", ");
    const terms = `${writeProducts(pairs)} = ${sum(pairs, product)}`;
    const noun = pairs.length === 1 ? "1 stamp" : `${pairs.length} stamps`;
    return `${name} gathers ${noun}: ${terms}, with the kernel's weights at ${places}.`;
  }

  const hint =
    "Point at an output: its inputs and weights get the same colours. Point at an input: its stamp is coloured.";
  const keys = "Pointing is done with the mouse, a finger, or Tab and arrow keys. Drag a number to change it.";
  figure.append(
    element("p", {}, `${hint} ${keys} Rows and columns count from 0.`),
    element("div", { class: "zoo-controls" }, ...Object.values(choices).map(({ node }) => node), shown.node),
    element("div", { class: "zoo-grids" }, inputGrid, kernelGrid, place),
    summary,
    verdict,
    element("div", { class: "zoo-controls" }, button("Start again", reset)),
  );
  rebuild();
}

const isAt = (place, row, column) => place !== null && place[0] === row && place[1] === column;

function describeCounts(size, stride) {
  const counts = [...new Set([Math.floor(size / stride), Math.ceil(size / stride)])];
  const all = [...new Set(counts.flatMap((a) => counts.map((b) => a * b)))].sort((a, b) => a - b);
  if (all.length === 1) return `Far from the edge every pixel gets ${all[0]} of the stamps: no checkerboard.`;
  const list = `${all.slice(0, -1).join(", ")} or ${all.at(-1)}`;
  return `Far from the edge a pixel gets ${list} stamps: the pattern of a checkerboard.`;
}
