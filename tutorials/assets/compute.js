// What the interactive figures compute: pooling, the ways up, and convolutions.

import { makeGrid } from "./widgets.js";

// The number of the place (row, column) within its 2 x 2 window, row by row from 0.
export const placeInWindow = (row, column) => 2 * (row % 2) + (column % 2);

// The same for the windows of a small map that has grown: the number of the window, of each 2 x 2 of them.
export const numberOfWindow = (row, column) => placeInWindow(Math.floor(row / 2), Math.floor(column / 2));

// Whether the maximum of its window stood at this place.
export const stoodAt = (offsets, row, column) =>
  offsets[Math.floor(row / 2)][Math.floor(column / 2)] === placeInWindow(row, column);

// The maximum of each 2 x 2 window, and the number of its place; of equal maxima the first.
export function maxPool(grid) {
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
export function unpool(way, values, offsets) {
  return makeGrid(2 * values.length, 2 * values[0].length, (row, column) => {
    const [i, j] = [Math.floor(row / 2), Math.floor(column / 2)];
    return WAYS_UP[way](placeInWindow(row, column), values[i][j], offsets[i][j]);
  });
}

// For each input value a row as long as the output: the value times the kernel, and null where it does not touch.
export function stamp(input, kernel, stride) {
  const length = (input.length - 1) * stride + Math.max(kernel.length, stride); // as Keras has it
  return makeGrid(input.length, length, (row, place) => {
    const tap = place - row * stride;
    return tap >= 0 && tap < kernel.length ? input[row] * kernel[tap] : null;
  });
}

// A transposed convolution: the sum of the stamps, and how many of them touch each place.
export function addStamps(stamps) {
  const columns = stamps[0].map((_, place) => stamps.map((row) => row[place]).filter((value) => value !== null));
  return { output: columns.map((values) => values.reduce((a, b) => a + b, 0)), counts: columns.map((v) => v.length) };
}

// A convolution that keeps the size; beyond the edge are zeros.
export function convolve(grid, kernel) {
  return makeGrid(grid.length, grid[0].length, (row, column) => sumOfProducts(underKernel(grid, kernel, row, column)));
}

// [value, weight] for each value under the middle of a kernel at this place.
export function underKernel(grid, kernel, row, column) {
  const reach = (kernel.length - 1) / 2;
  return kernel.flatMap((line, down) =>
    line
      .map((weight, right) => [grid[row + down - reach]?.[column + right - reach], weight])
      .filter(([value]) => value !== undefined),
  );
}

// Where the stamps of a transposed convolution fall: for each pixel the list of {row, column, down, right}, a
// place of the input and one of the kernel. No pixel is cut off yet; `length` pixels a side.
export function stampsAt(side, size, stride, length) {
  const pixels = makeGrid(length, length, () => []);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      for (let down = 0; down < size; down++)
        for (let right = 0; right < size; right++)
          pixels[row * stride + down][column * stride + right].push({ row, column, down, right });
  return pixels;
}

// The kernel that is stamped at stride 2, one pixel cut off before, to the same end as a way up and a 3 x 3 kernel.
export function stampOf(way, kernel) {
  const turned = kernel.map((line) => [...line].reverse()).reverse();
  if (way === "bed of nails") return turned;
  const at = (row, column) => turned[row]?.[column] ?? 0;
  return makeGrid(4, 4, (row, column) =>
    [at(row, column), at(row - 1, column), at(row, column - 1), at(row - 1, column - 1)].reduce((a, b) => a + b),
  );
}

// Of pairs [value, weight].
export const sumOfProducts = (pairs) => pairs.reduce((total, [value, weight]) => total + value * weight, 0);

// "1 x 2 + 3 x 4", with minus signs in brackets.
export const writeProducts = (pairs) =>
  pairs.map((pair) => pair.map((number) => (number < 0 ? `(${number})` : number)).join(" x ")).join(" + ");
