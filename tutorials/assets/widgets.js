// What the interactive figures are made of: numbers to change, choices, buttons and tables.

import { say } from "./words.js";

// A grid with `value(row, column)` at each place.
export const makeGrid = (rows, columns, value) =>
  Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => value(row, column)));

// An element with its attributes and what it holds.
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// A number that arrow keys, digits and dragging change, within limits.
export function spinbutton(label, initial, [least, most], changed) {
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

// Spinbuttons at the places of a grid, which has a name or none, and their values.
export function spinbuttons(name, initial, limits, changed) {
  const label = (place) =>
    name ? say("{name}, row {row}, column {column}", { name, ...place }) : say("row {row}, column {column}", place);
  return initial.map((line, row) =>
    line.map((value, column) => spinbutton(label({ row, column }), value, limits, changed)),
  );
}

export const valuesOf = (numbers) => numbers.map((line) => line.map((number) => number.value));

export const setAll = (numbers, values) =>
  numbers.forEach((line, row) => line.forEach((number, column) => number.set(values[row][column])));

export const drawDigits = (rows, columns) => makeGrid(rows, columns, () => Math.floor(10 * Math.random()));

let groups = 0; // of radio buttons so far

// Radio buttons, of which one is chosen: a list of numbers, or what is shown for each value.
export function choice(legend, options, initial, changed) {
  const node = element("fieldset", {}, element("legend", {}, legend));
  const group = { node, value: initial, set, allow };
  const name = `zoo ${(groups += 1)}`;

  function set(value) {
    group.value = value;
    for (const radio of node.querySelectorAll("input")) radio.checked = radio.value === String(value);
  }

  // Only numbers up to `most` can be chosen.
  function allow(most) {
    for (const radio of node.querySelectorAll("input")) radio.disabled = Number(radio.value) > most;
    if (group.value > most) set(most);
  }

  const shown = Array.isArray(options) ? options.map((option) => [option, String(option)]) : Object.entries(options);
  for (const [option, text] of shown) {
    const radio = element("input", { type: "radio", name, value: option });
    radio.addEventListener("change", () => {
      set(option);
      changed();
    });
    node.append(element("label", {}, radio, text));
  }
  set(initial);
  return group;
}

export function button(text, pressed) {
  const node = element("button", { type: "button" }, text);
  node.addEventListener("click", pressed);
  return node;
}

// A table under its caption; `cell(row, column)` gives what a cell holds and its classes.
export function drawGrid(name, caption, rows, columns, cell) {
  return drawTable(
    name,
    caption,
    makeGrid(rows, columns, (row, column) => drawCell(...cell(row, column))),
  );
}

function drawTable(name, caption, cells, attributes = {}) {
  const body = cells.map((line) => element("tr", {}, ...line));
  const all = { class: "zoo-grid", "data-grid": name, ...attributes };
  return element("table", all, element("caption", {}, caption), element("tbody", {}, ...body));
}

// A table of empty cells that are pointed at: by a pointer, or by Tab and then arrow keys.
export function pointableGrid(name, caption, rows, columns, pointed) {
  const cells = makeGrid(rows, columns, (row, column) => {
    const cell = element("td", { role: "gridcell", tabindex: row + column ? -1 : 0 });
    const point = () => pointed(row, column);
    cell.addEventListener("pointerenter", point);
    cell.addEventListener("focus", () => {
      cells.flat().forEach((other) => (other.tabIndex = other === cell ? 0 : -1));
      point();
    });
    cell.addEventListener("keydown", (event) => {
      const move = arrow(event);
      if (!move) return;
      const [down, right] = move;
      cells[row + down]?.[column + right]?.focus();
      event.preventDefault(); // the page stays where it is
    });
    return cell;
  });
  const table = drawTable(name, caption, cells, { role: "grid", "aria-label": caption });
  for (const line of table.rows) line.setAttribute("role", "row");
  return { table, cells };
}

// Where an arrow key leads, [down, right]; nothing for other keys and for commands.
export const arrow = (event) => (event.ctrlKey || event.altKey || event.metaKey ? undefined : MOVES[event.key]);

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const drawCell = (content, ...classes) => element("td", { class: classes.filter(Boolean).join(" ") }, content ?? "");

export const tint = (number) => `zoo-tint-${number}`;
