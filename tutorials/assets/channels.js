// The figure of two channels and two levels: whose offsets a channel of the way up takes.

import { convolve, maxPool, numberOfWindow, placeInWindow, stoodAt } from "./compute.js";
import { sumOfProducts, unpool, writeProducts } from "./compute.js";
import { button, choice, drawDigits, drawGrid, element, makeGrid, setAll, spinbuttons, tint } from "./widgets.js";
import { valuesOf } from "./widgets.js";
import { join, say } from "./words.js";

const CHANNELS = ["A", "B"];
const FEATURES = [
  [
    [1, 2, 0, 1],
    [3, 9, 1, 4],
    [2, 1, 0, 0],
    [0, 5, 6, 2],
  ],
  [
    [5, 0, 2, 3],
    [1, 4, 0, 1],
    [0, 3, 1, 0],
    [2, 1, 0, 8],
  ],
];
const BOTTOM = [[5, -3, 2]];
const NARROW = [
  [1, 0, 0],
  [0, 1, 0],
];
const ONES = makeGrid(3, 3, () => 1);
const windowOf = (row, column) => tint(numberOfWindow(row, column));

export function drawChannels(figure) {
  const layers = {
    nothing: say("nothing"),
    "a 3 x 3 convolution with ones": say("a 3 x 3 convolution with ones"),
  };
  const between = choice(say("Between the two unpoolings"), layers, "nothing", draw);
  const features = FEATURES.map((start, k) => spinbuttons(CHANNELS[k], start, [0, 9], draw));
  const bottom = spinbuttons(say("bottom"), BOTTOM, [-9, 9], draw);
  const narrow = spinbuttons(say("narrow"), NARROW, [-2, 2], draw);
  const bottomGrid = drawGrid("bottom", say("bottom: 3 features"), 1, 3, (row, column) => [bottom[row][column].node]);
  const narrowGrid = drawGrid("narrow", say("narrow: 3 to 2"), 2, 3, (row, column) => [narrow[row][column].node]);
  CHANNELS.forEach((name, row) => narrowGrid.rows[row].prepend(element("th", { scope: "row" }, name)));
  const featureGrids = features.map((numbers, k) =>
    drawGrid(`features-${CHANNELS[k]}`, say("feature {name}", { name: CHANNELS[k] }), 4, 4, (row, column) => [
      numbers[row][column].node,
      windowOf(row, column),
    ]),
  );
  const others = CHANNELS.map(() => element("div", { class: "zoo-others" }));
  const summary = element("p", { "aria-live": "polite" });

  function change(newFeatures, newBottom, newNarrow) {
    features.forEach((numbers, k) => setAll(numbers, newFeatures[k]));
    setAll(bottom, newBottom);
    setAll(narrow, newNarrow);
    draw();
  }

  function reset() {
    between.set("nothing");
    change(FEATURES, BOTTOM, NARROW);
  }

  function climb(k) {
    const first = maxPool(valuesOf(features[k]));
    const second = maxPool(first.values);
    const pairs = valuesOf(narrow)[k].map((weight, index) => [weight, bottom[0][index].value]);
    const narrowed = [[sumOfProducts(pairs)]];
    const small = unpool("max unpooling", narrowed, second.offsets);
    const filled = between.value === "nothing" ? small : convolve(small, ONES);
    const large = unpool("max unpooling", filled, first.offsets);
    return { first, second, pairs, narrowed, small, filled, large };
  }

  function draw() {
    const sentences = CHANNELS.map((name, k) => {
      const { first, second, pairs, narrowed, small, filled, large } = climb(k);
      const isFirst = (row, column) => stoodAt(first.offsets, row, column);
      features[k].forEach((line, row) =>
        line.forEach(({ node }, column) => node.parentNode.classList.toggle("zoo-maximum", isFirst(row, column))),
      );
      const grid = (part, caption, values, classes) =>
        drawGrid(`${part}-${name}`, caption, values.length, values.length, (row, column) => [
          values[row][column],
          ...classes(row, column),
        ]);
      const ofWindow = (row, column) => [tint(placeInWindow(row, column))];
      const isSecond = (row, column) => stoodAt(second.offsets, row, column) && "zoo-maximum";
      others[k].replaceChildren(
        grid("offsets1", say("offsets 1"), first.offsets, ofWindow),
        grid("offsets2", say("offset 2"), second.offsets, () => []),
        grid("narrowed", say("value"), narrowed, () => ["zoo-strong"]),
        grid("small", say("unpooled"), small, (row, column) => [...ofWindow(row, column), isSecond(row, column)]),
        ...(between.value === "nothing" ? [] : [grid("filled", say("convolved"), filled, ofWindow)]),
        grid("large", say("channel {name}", { name }), large, (row, column) => [
          windowOf(row, column),
          large[row][column] !== 0 && "zoo-strong",
          isFirst(row, column) && "zoo-maximum",
        ]),
      );
      const values = { name, terms: writeProducts(pairs), sum: narrowed[0][0] };
      return between.value === "nothing"
        ? say("Channel {name}: {terms} = {sum} goes where feature {name} had its largest number.", values)
        : say("Channel {name}: {terms} = {sum} goes where feature {name} had its four maxima.", values);
    });
    summary.textContent = join(...sentences);
  }

  const random = button(say("Random"), () =>
    change([drawDigits(4, 4), drawDigits(4, 4)], drawDigits(1, 3), valuesOf(narrow)),
  );
  const swap = button(say("Swap the rows of narrow"), () =>
    change(features.map(valuesOf), valuesOf(bottom), valuesOf(narrow).reverse()),
  );
  figure.append(
    element(
      "p",
      {},
      say(
        "Feature A and feature B are pooled twice. The bottom answers with three numbers of its own, and narrow " +
          "makes two of them: a row of weights for each channel. Drag any number, or select it and press an arrow key.",
      ),
    ),
    element("div", { class: "zoo-grids" }, bottomGrid, narrowGrid),
    element("div", { class: "zoo-controls" }, between.node),
    ...CHANNELS.map((_, k) => element("div", { class: "zoo-grids" }, featureGrids[k], others[k])),
    summary,
    element("div", { class: "zoo-controls" }, swap, random, button(say("Start again"), reset)),
  );
  draw();
}
