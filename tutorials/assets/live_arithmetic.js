// The arithmetic of zoo/prediction.py, number by number: a photo is squeezed, logits are enlarged and decided.

const GREY = Float32Array.of(0.299, 0.587, 0.114); // shares of red, green and blue (ITU-R BT.601)
const { fround } = Math;

// How Pillow weighs the old places of a side for each new one, by a triangle as wide as a new pixel.
function weigh(old, size) {
  const scale = old / size;
  const support = Math.max(1, scale);
  const most = 2 * Math.ceil(support) + 1;
  const weights = { most, first: new Int32Array(size), count: new Int32Array(size), of: new Float64Array(size * most) };
  for (let place = 0; place < size; place++) {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(old, Math.trunc(centre + support + 0.5)) - first;
    let total = 0;
    for (let tap = 0; tap < count; tap++) {
      const weight = Math.max(0, 1 - Math.abs((tap + first - centre + 0.5) * (1 / support)));
      weights.of[place * most + tap] = weight;
      total += weight;
    }
    for (let tap = 0; tap < count; tap++) weights.of[place * most + tap] /= total;
    weights.first[place] = first;
    weights.count[place] = count;
  }
  return weights;
}

// Squeezes a photo: first across, then down, both to 32 bits, then rounds to 8 bits.
//   strips: yields {top, rows, pixels}, RGBA of a few rows at a time.
//   shape: [height, width, channels] of the result; one channel is grey.
// Gives a Float32Array of this shape, in [0, 1].
export function squeeze(strips, [oldHeight, oldWidth], [height, width, channels]) {
  const across = weigh(oldWidth, width);
  const narrow = new Float32Array(oldHeight * width * 3);
  for (const { top, rows, pixels } of strips)
    for (let row = 0; row < rows; row++) squeezeRow(pixels, row * oldWidth, across, narrow, (top + row) * width);
  return squeezeDown(narrow, weigh(oldHeight, height), [height, width, channels]);
}

function squeezeRow(pixels, start, across, narrow, end) {
  for (let column = 0; column < across.first.length; column++) {
    let [red, green, blue] = [0, 0, 0];
    let pixel = 4 * (start + across.first[column]);
    const taps = column * across.most;
    for (let tap = taps; tap < taps + across.count[column]; tap++, pixel += 4) {
      const weight = across.of[tap];
      red += pixels[pixel] * weight;
      green += pixels[pixel + 1] * weight;
      blue += pixels[pixel + 2] * weight;
    }
    const place = 3 * (end + column);
    narrow[place] = red;
    narrow[place + 1] = green;
    narrow[place + 2] = blue;
  }
}

function squeezeDown(narrow, down, [height, width, channels]) {
  const small = new Float32Array(height * width * 3);
  for (let row = 0; row < height; row++)
    for (let place = 0; place < 3 * width; place++) {
      let sum = 0;
      for (let tap = 0; tap < down.count[row]; tap++)
        sum += narrow[(down.first[row] + tap) * 3 * width + place] * down.of[row * down.most + tap];
      small[row * 3 * width + place] = roundToEven(fround(sum)) / 255;
    }
  if (channels === 3) return small;
  return Float32Array.from({ length: height * width }, (_, pixel) =>
    GREY.reduce((sum, share, colour) => fround(sum + fround(share * small[3 * pixel + colour])), 0),
  );
}

// As NumPy rounds: a half goes to the even neighbour.
const roundToEven = (value) => (Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value));

// For places along a side that has grown from `old` to `size`: the two old places around each, and how near the second
// is.
function neighbours(old, size, places) {
  const at = { first: new Int32Array(places.length), second: new Int32Array(places.length) };
  at.share = new Float32Array(places.length);
  for (let i = 0; i < places.length; i++) {
    const place = Math.min(old - 1, Math.max(0, (places[i] + 0.5) * (old / size) - 0.5));
    at.first[i] = Math.trunc(place);
    at.second[i] = Math.min(at.first[i] + 1, old - 1);
    at.share[i] = place - at.first[i];
  }
  return at;
}

const mix = (first, second, share) => fround(first + fround(fround(second - first) * share));

// Enlarges logits by bilinear interpolation, first down, then across, and hands each pixel's over.
//   logits: {data, dims: [height, width, classes]}.
//   size: [height, width] of the photo that they belong to.
//   rows, columns: the places in it that are asked for.
//   use(pixel, logits): is called for each, row by row, with one array that is used again.
export function enlarge({ data, dims: [height, width, classes] }, size, rows, columns, use) {
  const down = neighbours(height, size[0], rows);
  const across = neighbours(width, size[1], columns);
  const line = new Float32Array(width * classes);
  const pixel = new Float32Array(classes);
  for (let row = 0; row < rows.length; row++) {
    const [above, below] = [down.first[row] * line.length, down.second[row] * line.length];
    for (let i = 0; i < line.length; i++) line[i] = mix(data[above + i], data[below + i], down.share[row]);
    for (let column = 0; column < columns.length; column++) {
      const [left, right] = [across.first[column] * classes, across.second[column] * classes];
      for (let i = 0; i < classes; i++) pixel[i] = mix(line[left + i], line[right + i], across.share[column]);
      use(row * columns.length + column, pixel);
    }
  }
}

// The class of the largest logit; of a single one, whether it is above 0.
export function decide(logits) {
  if (logits.length === 1) return logits[0] > 0 ? 1 : 0;
  let best = 0;
  for (let number = 1; number < logits.length; number++) if (logits[number] > logits[best]) best = number;
  return best;
}

// Probabilities from logits; from a single one those of class 0 and class 1.
export function softmax(logits) {
  const all = logits.length === 1 ? [0, logits[0]] : [...logits];
  const most = Math.max(...all);
  const powers = all.map((logit) => Math.exp(logit - most));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}

// The probability of one class, of two or more.
export function probability(logits, number) {
  if (logits.length === 1) return softmax(logits)[number];
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - logits[number]);
  return 1 / total;
}

// The places of a side of `size` pixels that a picture of it with only `shown` pixels has.
export const sample = (size, shown) =>
  Int32Array.from({ length: shown }, (_, place) => Math.floor(((place + 0.5) * size) / shown));
