// The interactive figures of the pages: first what computes, then what draws.
// A page holds <div class="unpooling-figure"></div> or <div class="transposed-figure"></div>.

// ---- What computes ----

// A grid with `value(row, column)` at each place.
const makeGrid = (rows, columns, value) =>
  Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => value(row, column)));

// The number of the place (row, column) within its 2 x 2 window, row by row from 0.
const placeInWindow = (row, column) => 2 * (row % 2) + (column % 2);

// The maximum of each 2 x 2 window, and the number of its place; of equal maxima the first.
function maxPool(grid) {
  const windows = makeGrid(grid.length / 2, grid[0].length / 2, (row, column) =>
    [0, 1, 2, 3].map((place) => grid[2 * row + Math.floor(place / 2)][2 * column + (place % 2)]),
  );
  const values = windows.map((line) => line.map((window) => Math.max(...window)));
  const offsets = windows.map((line) => line.map((window) => window.indexOf(Math.max(...window))));
  return { values, offsets };
}

// What each way up puts at a place of a window.
const WAYS_UP = {
  "nearest neighbour": (place, value) => value,
  "bed of nails": (place, value) => (place === 0 ? value : 0),
  "index unpooling": (place, value, offset) => (place === offset ? 1 : 0),
  "max unpooling": (place, value, offset) => (place === offset ? value : 0),
};

// Fills a 2 x 2 window for each value.
function unpool(way, values, offsets) {
  return makeGrid(2 * values.length, 2 * values[0].length, (row, column) => {
    const [i, j] = [Math.floor(row / 2), Math.floor(column / 2)];
    return WAYS_UP[way](placeInWindow(row, column), values[i][j], offsets[i][j]);
  });
}

// For each input value a row as long as the output: the value times the kernel, and null where it does not touch.
function stamp(input, kernel, stride) {
  const length = (input.length - 1) * stride + Math.max(kernel.length, stride); // as Keras has it
  return makeGrid(input.length, length, (row, place) => {
    const tap = place - row * stride;
    return tap >= 0 && tap < kernel.length ? input[row] * kernel[tap] : null;
  });
}

// A transposed convolution: the sum of the stamps, and how many of them touch each place.
function addStamps(stamps) {
  const columns = stamps[0].map((_, place) => stamps.map((row) => row[place]).filter((value) => value !== null));
  return { output: columns.map((values) => values.reduce((a, b) => a + b, 0)), counts: columns.map((v) => v.length) };
}

// ---- What draws ----

// An element with its attributes and what it holds.
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// A number that arrow keys, digits and dragging change, within limits.
function spinbutton(label, initial, [least, most], changed) {
  const limits = { "aria-valuemin": least, "aria-valuemax": most };
  const node = element("span", { role: "spinbutton", tabindex: 0, "aria-label": label, ...limits });
  const number = { node, value: initial, set };
  let drag = null;

  function set(value) {
    number.value = Math.min(most, Math.max(least, value));
    node.textContent = number.value;
    node.setAttribute("aria-valuenow", number.value);
  }

  function change(value) {
    set(value);
    changed();
  }

  node.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in steps) change(number.value + steps[event.key]);
    else if (/^\d$/.test(event.key)) change(Number(event.key));
    else return;
    event.preventDefault(); // the page stays where it is
  });
  node.addEventListener("pointerdown", (event) => {
    node.setPointerCapture(event.pointerId);
    drag = { value: number.value, y: event.clientY };
  });
  node.addEventListener("pointermove", (event) => {
    if (drag) change(drag.value + Math.round((drag.y - event.clientY) / 10));
  });
  node.addEventListener("lostpointercapture", () => (drag = null));
  set(initial);
  return number;
}

// Radio buttons, of which one is chosen.
function choice(legend, options, initial, changed) {
  const node = element("fieldset", {}, element("legend", {}, legend));
  const group = { node, value: initial, set };

  function set(value) {
    group.value = value;
    for (const radio of node.querySelectorAll("input")) radio.checked = radio.value === String(value);
  }

  for (const option of options) {
    const radio = element("input", { type: "radio", name: `zoo ${legend}`, value: option });
    radio.addEventListener("change", () => {
      set(option);
      changed();
    });
    node.append(element("label", {}, radio, String(option)));
  }
  set(initial);
  return group;
}

function button(text, pressed) {
  const node = element("button", { type: "button" }, text);
  node.addEventListener("click", pressed);
  return node;
}

// A table under its caption; `cell(row, column)` gives what a cell holds and its classes.
function drawGrid(name, caption, rows, columns, cell) {
  const line = (row) => makeGrid(1, columns, (_, column) => drawCell(...cell(row, column)))[0];
  const body = makeGrid(rows, 1, (row) => element("tr", {}, ...line(row))).flat();
  const attributes = { class: "zoo-grid", "data-grid": name };
  return element("table", attributes, element("caption", {}, caption), element("tbody", {}, ...body));
}

const drawCell = (content, ...classes) => element("td", { class: classes.filter(Boolean).join(" ") }, content ?? "");

const tint = (number) => `zoo-tint-${number}`;

// ---- The figure of max pooling and the ways up ----

function drawUnpooling(figure) {
  const START = [
    [1, 3, 2, 0],
    [5, 2, 2, 7],
    [4, 4, 6, 1],
    [0, 4, 8, 3],
  ];
  const way = choice("Way up", Object.keys(WAYS_UP), "max unpooling", draw);
  const factor = choice("The layers between", ["change nothing", "multiply by 10"], "change nothing", draw);
  const numbers = makeGrid(4, 4, (row, column) =>
    spinbutton(`row ${row + 1}, column ${column + 1}`, START[row][column], [0, 9], draw),
  );
  const windowOf = (row, column) => tint(2 * Math.floor(row / 2) + Math.floor(column / 2));
  const input = drawGrid("input", "numbers", 4, 4, (row, column) => [numbers[row][column].node, windowOf(row, column)]);
  const others = element("div", { class: "zoo-others" });
  const summary = element("p", { "aria-live": "polite" });

  function setAll(value) {
    numbers.forEach((line, row) => line.forEach((number, column) => number.set(value(row, column))));
    draw();
  }

  function reset() {
    way.set("max unpooling");
    factor.set("change nothing");
    setAll((row, column) => START[row][column]);
  }

  function draw() {
    const pooled = maxPool(numbers.map((line) => line.map((number) => number.value)));
    const changed = factor.value === "multiply by 10";
    const upwards = pooled.values.map((line) => line.map((value) => (changed ? 10 * value : value)));
    const result = unpool(way.value, upwards, pooled.offsets);
    const isMaximum = (row, column) =>
      pooled.offsets[Math.floor(row / 2)][Math.floor(column / 2)] === placeInWindow(row, column);
    const usesOffsets = ["index unpooling", "max unpooling"].includes(way.value);
    const usesValues = way.value !== "index unpooling";
    const small = (name, caption, grid, used) =>
      drawGrid(name, caption, 2, 2, (row, column) => {
        return [grid[row][column], tint(2 * row + column), !used && "zoo-unused"];
      });

    numbers.forEach((line, row) =>
      line.forEach(({ node }, column) => node.parentNode.classList.toggle("zoo-maximum", isMaximum(row, column))),
    );
    others.replaceChildren(
      small("pooled", "maxima", pooled.values, true),
      small("offsets", usesOffsets ? "offsets" : "offsets, forgotten", pooled.offsets, usesOffsets),
      small("upwards", usesValues ? "values that go up" : "values, unused", upwards, usesValues),
      drawGrid("result", way.value, 4, 4, (row, column) => [
        result[row][column],
        windowOf(row, column),
        result[row][column] !== 0 && "zoo-strong",
        usesOffsets && isMaximum(row, column) && "zoo-maximum",
      ]),
    );
    const values = upwards.flat().join(", ");
    summary.textContent = {
      "nearest neighbour": `Nearest neighbour copies ${values} over their windows, wherever the maxima stood.`,
      "bed of nails": `Bed of nails puts ${values} into the upper-left corners, wherever the maxima stood.`,
      "index unpooling": "Index unpooling puts 1 where each maximum stood, and zeros elsewhere: no value goes up.",
      "max unpooling": `Max unpooling puts ${values} where the maxima stood, and zeros elsewhere.`,
    }[way.value];
    if (changed && usesValues) summary.textContent += " The layers between have changed the maxima to these values.";
  }

  const help = "Drag a number up or down, or select it and press an arrow key or a digit.";
  const outline = "Outlined: the maximum of its window; of equal maxima the first.";
  const random = button("Random numbers", () => setAll(() => Math.floor(10 * Math.random())));
  figure.append(
    element("p", {}, `${help} ${outline}`),
    element("div", { class: "zoo-controls" }, way.node, factor.node),
    element("div", { class: "zoo-grids" }, input, others),
    summary,
    element("div", { class: "zoo-controls" }, random, button("Reset", reset)),
  );
  draw();
}

// ---- The figure of the transposed convolution ----

function drawTransposed(figure) {
  const START = { input: [1, 2, 3], kernel: [1, 2, 1, 1], size: 3, stride: 2 };
  const size = choice("Kernel size", [2, 3, 4], START.size, draw);
  const stride = choice("Stride", [1, 2, 3], START.stride, draw);
  const numbersFor = (name) =>
    START[name].map((value, index) => spinbutton(`${name} ${index + 1}`, value, [-5, 5], draw));
  const [input, kernel] = [numbersFor("input"), numbersFor("kernel")];
  const inputGrid = drawGrid("input", "input", 1, 3, (_, column) => [input[column].node, tint(column)]);
  const kernelGrid = drawGrid("kernel", "kernel", 1, 4, (_, column) => [kernel[column].node]);
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

    const rows = { place: output.map((_, place) => place) };
    stamps.forEach((row, index) => (rows[`stamp ${index + 1}`] = row));
    Object.assign(rows, { output, touched: counts });
    const table = drawGrid("sums", "stamps, added up", Object.keys(rows).length, output.length, (row, place) => {
      const [name, values] = Object.entries(rows)[row];
      const colour = name.startsWith("stamp") && values[place] !== null && tint(row - 1);
      const strong = name === "output" || (name === "touched" && isInner(place));
      return [values[place], colour, strong && "zoo-strong", ["place", "touched"].includes(name) && "zoo-plain"];
    });
    Object.keys(rows).forEach((name, row) => table.rows[row].prepend(element("th", { scope: "row" }, name)));
    sums.replaceChildren(table);
    back.setAttribute("aria-disabled", done === 0);
    step.setAttribute("aria-disabled", done === input.length);
    summary.textContent = describe();
  }

  function describe() {
    if (done === 0) return "Nothing is stamped yet.";
    const [k, s, first] = [size.value, stride.value, (done - 1) * stride.value];
    const stamped = `Stamp ${done} of ${input.length}: ${input[done - 1].value} times the kernel is added`;
    const sentence = `${stamped} at places ${first} to ${first + k - 1}.`;
    if (done < input.length) return sentence;
    const verdict =
      k % s === 0
        ? `every place is touched equally often (${k / s}): no checkerboard, because kernel size ${k} is`
        : `places are touched ${Math.floor(k / s)} or ${Math.ceil(k / s)} times: a checkerboard threatens, ` +
          `because kernel size ${k} is not`;
    return `${sentence} Far from the ends, ${verdict} divisible by stride ${s}.`;
  }

  const back = button("Back", () => go(done - 1));
  const step = button("Step", () => go(done + 1));
  const all = button("All", () => go(input.length));
  figure.append(
    element("p", {}, "Each step stamps one input value times the kernel into the output."),
    element("p", {}, "Drag a number up or down, or select it and press an arrow key."),
    element("div", { class: "zoo-controls" }, size.node, stride.node),
    element("div", { class: "zoo-grids" }, inputGrid, kernelGrid),
    element("div", { class: "zoo-controls" }, back, step, all, button("Reset", reset)),
    sums,
    element("p", {}, "Bold counts: far from the ends, where no stamp is missing."),
    summary,
  );
  draw();
}

const FIGURES = {
  "unpooling-figure": ["Interactive figure of max pooling and the ways up", drawUnpooling],
  "transposed-figure": ["Interactive figure of a transposed convolution", drawTransposed],
};

for (const [name, [label, drawFigure]] of Object.entries(FIGURES)) {
  for (const figure of document.getElementsByClassName(name)) {
    figure.setAttribute("role", "group");
    figure.setAttribute("aria-label", label);
    drawFigure(figure);
  }
}
