// The figure of a way up, and of the 3 x 3 convolution that follows it.

import { convolve, numberOfWindow, placeInWindow, stampOf, sumOfProducts } from "./compute.js";
import { underKernel, unpool, writeProducts } from "./compute.js";
import { button, choice, drawDigits, drawGrid, element, makeGrid, pointableGrid } from "./widgets.js";
import { setAll, spinbuttons, tint, valuesOf } from "./widgets.js";
import { say } from "./words.js";

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
const NO_OFFSETS = makeGrid(3, 3, () => 0);
const ONES = makeGrid(3, 3, () => 1);

export function drawGrowing(figure) {
  const ways = { "nearest neighbour": say("nearest neighbour"), "bed of nails": say("bed of nails") };
  const way = choice(say("Way up"), ways, "bed of nails", draw);
  const results = { sums: say("sums"), "live numbers": say("live numbers") };
  const shown = choice(say("The result shows"), results, "sums", draw);
  const small = spinbuttons(say("small map"), START, [0, 9], draw);
  const kernel = spinbuttons(say("kernel"), KERNELS.leave, [-4, 4], draw);
  const smallGrid = drawGrid("small", say("small map"), 3, 3, (row, column) => [
    small[row][column].node,
    tint(placeInWindow(row, column)),
  ]);
  const kernelGrid = drawGrid("kernel", say("3 x 3 kernel"), 3, 3, (row, column) => [kernel[row][column].node]);
  const result = pointableGrid("result", say("after the convolution"), 6, 6, point);
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
    const tinted = (row, column) => live[row][column] && tint(numberOfWindow(row, column));
    grown.replaceChildren(
      drawGrid("grown", ways[way.value], 6, 6, (row, column) => {
        return [large[row][column], tinted(row, column), near(row, column) && "zoo-maximum"];
      }),
    );
    result.cells.forEach((line, row) =>
      line.forEach((cell, column) => {
        cell.textContent = (shown.value === "sums" ? sums : counts)[row][column];
        cell.className = row === atRow && column === atColumn ? "zoo-maximum" : "";
      }),
    );
    const side = stamp.length;
    const caption = say("both in one: a {side} x {side} stamp", { side });
    merged.replaceChildren(drawGrid("stamp", caption, side, side, (row, column) => [stamp[row][column]]));
    const lives = underKernel(live, weights, atRow, atColumn).map(([isLive]) => isLive);
    const pairs = underKernel(large, weights, atRow, atColumn).filter((_, index) => lives[index]);
    const place = { row: atRow, column: atColumn };
    const found = { ...place, count: pairs.length, terms: writeProducts(pairs), sum: sumOfProducts(pairs) };
    summary.textContent =
      pairs.length === 1
        ? say("Row {row}, column {column}: {count} live number lies under the kernel. {terms} = {sum}.", found)
        : say("Row {row}, column {column}: {count} live numbers lie under the kernel. {terms} = {sum}.", found);
  }

  const presets = [
    button(say("Kernel: leave"), () => choose(KERNELS.leave)),
    button(say("Kernel: copy"), () => choose(KERNELS.copy)),
    button(say("Kernel: interpolate"), () => choose(KERNELS.interpolate)),
  ];
  const random = button(say("Random map"), () => {
    setAll(small, drawDigits(3, 3));
    draw();
  });
  figure.append(
    element(
      "p",
      {},
      say(
        "Drag a number up or down, or select it and press an arrow key or a digit. " +
          "Point at a number of the result, with the mouse or with Tab and arrow keys, to see what it is made of. " +
          "Rows and columns count from 0.",
      ),
    ),
    element("div", { class: "zoo-controls" }, way.node, shown.node),
    element("div", { class: "zoo-grids" }, smallGrid, grown, kernelGrid, result.table, merged),
    summary,
    element("div", { class: "zoo-controls" }, ...presets, random, button(say("Reset"), reset)),
  );
  draw();
}
