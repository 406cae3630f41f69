// The figure of a way up, and of the 3 x 3 convolution that follows it.

import { convolve, product, stampOf, sum, underKernel, unpool, writeProducts } from "./compute.js";
import { button, choice, drawDigits, drawGrid, element, makeGrid, pointableGrid } from "./widgets.js";
import { setAll, spinbuttons, tint, valuesOf } from "./widgets.js";

const START = [
  [1, 2, 3],
  [4, 9, 2],
  [0, 5, 7],
];
const KERNELS = {
  leave: [
    [0, 0, 0],
    [0, 1, 0],
    [0, 0, 0],
  ],
  copy: [
    [1, 1, 0],
    [1, 1, 0],
    [0, 0, 0],
  ],
  interpolate: [
    [1, 2, 1],
    [2, 4, 2],
    [1, 2, 1],
  ],
};
const windowOf = (row, column) => tint(2 * (Math.floor(row / 2) % 2) + (Math.floor(column / 2) % 2));
const NO_OFFSETS = makeGrid(3, 3, () => 0);
const ONES = makeGrid(3, 3, () => 1);

export function drawGrowing(figure) {
  const way = choice("Way up", ["nearest neighbour", "bed of nails"], "bed of nails", draw);
  const shown = choice("The result shows", ["sums", "live numbers"], "sums", draw);
  const small = spinbuttons("small map, ", START, [0, 9], draw);
  const kernel = spinbuttons("kernel, ", KERNELS.leave, [-4, 4], draw);
  const smallGrid = drawGrid("small", "small map", 3, 3, (row, column) => [
    small[row][column].node,
    tint(2 * (row % 2) + (column % 2)),
  ]);
  const kernelGrid = drawGrid("kernel", "3 x 3 kernel", 3, 3, (row, column) => [kernel[row][column].node]);
  const result = pointableGrid("result", "after the convolution", 6, 6, point);
  const grown = element("div", { class: "zoo-others" });
  const merged = element("div", { class: "zoo-others" });
  const summary = element("p", { "aria-live": "polite" });
  let [atRow, atColumn] = [1, 1];

  function point(row, column) {
    [atRow, atColumn] = [row, column];
    draw();
  }

  function choose(values) {
    setAll(kernel, values);
    draw();
  }

  function reset() {
    way.set("bed of nails");
    shown.set("sums");
    setAll(small, START);
    choose(KERNELS.leave);
  }

  function draw() {
    const [values, weights] = [valuesOf(small), valuesOf(kernel)];
    const large = unpool(way.value, values, NO_OFFSETS);
    const live = unpool(way.value, ONES, NO_OFFSETS);
    const sums = convolve(large, weights);
    const counts = convolve(live, ONES);
    const stamp = stampOf(way.value, weights);
    const near = (row, column) => Math.abs(row - atRow) < 2 && Math.abs(column - atColumn) < 2;
    grown.replaceChildren(
      drawGrid("grown", way.value, 6, 6, (row, column) => {
        return [large[row][column], live[row][column] && windowOf(row, column), near(row, column) && "zoo-maximum"];
      }),
    );
    result.cells.forEach((line, row) =>
      line.forEach((cell, column) => {
        cell.textContent = (shown.value === "sums" ? sums : counts)[row][column];
        cell.className = row === atRow && column === atColumn ? "zoo-maximum" : "";
      }),
    );
    const side = stamp.length;
    merged.replaceChildren(
      drawGrid("stamp", `both in one: a ${side} x ${side} stamp`, side, side, (row, column) => [stamp[row][column]]),
    );
    const lives = underKernel(live, weights, atRow, atColumn).map(([isLive]) => isLive);
    const pairs = underKernel(large, weights, atRow, atColumn).filter((_, index) => lives[index]);
    const lie = pairs.length === 1 ? "number lies" : "numbers lie";
    summary.textContent =
      `Row ${atRow}, column ${atColumn}: ${pairs.length} live ${lie} under the kernel. ` +
      `${writeProducts(pairs)} = ${sum(pairs, product)}.`;
  }

  const presets = Object.entries(KERNELS).map(([name, values]) => button(`Kernel: ${name}`, () => choose(values)));
  const random = button("Random map", () => {
    setAll(small, drawDigits(3, 3));
    draw();
  });
  figure.append(
    element(
      "p",
      {},
      "Drag a number up or down, or select it and press an arrow key or a digit. " +
        "Point at a number of the result, with the mouse or with Tab and arrow keys, to see what it is made of. " +
        "Rows and columns count from 0.",
    ),
    element("div", { class: "zoo-controls" }, way.node, shown.node),
    element("div", { class: "zoo-grids" }, smallGrid, grown, kernelGrid, result.table, merged),
    summary,
    element("div", { class: "zoo-controls" }, ...presets, random, button("Reset", reset)),
  );
  draw();
}
