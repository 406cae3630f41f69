// Does the computing beside the page: loads runtime and models, reads photos, and answers. See live_engine.js.

import { decide, enlarge, probability, sample, squeeze } from "./live_arithmetic.js";
import { readDescription } from "./live_onnx.js";
import { decode } from "./live_pictures.js";
import { say, table, words } from "./words.js";

const STRIP = 1 << 18; // pixels that are read at once
const LARGEST = 1024; // pixels of a side that the page shows; answers are exact at each pixel shown
const OPAQUE = 0xff000000;
const CPU = { executionProviders: ["wasm"] };

let runtime = null;
let colours = [];
let photo = null; // {bitmap, size: [height, width], shown: [height, width], inputs: by shape}
const models = new Map(); // by name: {session, shape, classes}
const answers = new Map(); // to the photo, by name of the model: {logits, classes of the pixels shown}

const methods = { start, loadModel, loadFile, loadPhoto, answer, draw, cutOut, lookInside };

const loading = [start, loadModel]; // what waits for a server lets the others go on

let last = Promise.resolve();

// One after the other.
const inTurn = (work) => (last = last.catch(() => {}).then(work));

onmessage = ({ data }) => (loading.includes(methods[data.method]) ? handle(data) : inTurn(() => handle(data)));

async function handle({ id, method, values }) {
  try {
    const { transfer = [], ...result } = (await methods[method](...values)) ?? {};
    postMessage({ id, result }, transfer);
  } catch (error) {
    postMessage({ id, error: error.message || String(error) });
  }
}

// ---- Runtime and models ----

async function start(folder, { script, program }, palette, translations) {
  translations.forEach((said, text) => table.set(text, said));
  colours = palette.map(([red, green, blue]) => OPAQUE + 0x10000 * blue + 0x100 * green + red);
  const packed = await load(new URL(program, folder), "runtime", say("the runtime"));
  try {
    runtime = await import(new URL(script, folder));
  } catch {
    throw lost(say("the runtime"));
  }
  runtime.env.wasm.numThreads = 1; // more need headers that plain web servers do not send
  runtime.env.wasm.wasmBinary = await unpack(packed).catch(() => Promise.reject(lost(say("the runtime")))); // cut off
}

async function loadModel(name, url, size) {
  const bytes = await load(url, name, words(name));
  if (bytes.length !== size) throw lost(words(name)); // cut off, where the server does not say how much will come
  await inTurn(() => open(name, bytes));
  return describe(name);
}

async function loadFile(file) {
  await open(file.name, new Uint8Array(await file.arrayBuffer()));
  return describe(file.name);
}

async function open(name, bytes) {
  const { logits: expected, ...description } = readDescription(bytes, name);
  let session;
  try {
    session = await runtime.InferenceSession.create(bytes, CPU);
    const image = tensor(new Float32Array(product(description.shape)), description.shape);
    const { logits } = await session.run({ image }, ["logits"]); // slower than later runs; and does it run at all?
    if (logits.dims.at(-1) !== expected) throw new Error(`${logits.dims.at(-1)} logits`);
  } catch (error) {
    await session?.release();
    throw new Error(say("{name} cannot be opened: {reason}", { name, reason: firstLine(error) }));
  }
  await models.get(name)?.session.release();
  answers.delete(name);
  models.set(name, { session, ...description });
}

// What the page shows of a model. The levels, with their maps, are the numbers behind the names of further outputs.
function describe(name) {
  const known = { pet: say("pet"), background: say("background"), border: say("border") }; // in our models
  const { session, shape, classes } = models.get(name);
  const outputs = session.outputNames.filter((output) => output !== "logits");
  const levels = [...new Set(outputs.map((output) => Number(output.split("_").at(-1))))].sort();
  const shown = classes.map((each) => (Object.hasOwn(known, each) ? known[each] : each));
  return { shape, classes: shown, hasBackground: classes.includes("background"), levels };
}

// The bytes of a file; `name` tells the page whose they are.
async function load(url, name, what) {
  let response;
  try {
    response = await fetch(url);
    if (response.ok) return await read(response, name);
  } catch {
    throw lost(what);
  }
  throw new Error(say("{what} cannot be loaded: the server answers {status}.", { what, status: response.status }));
}

const lost = (what) => new Error(say("There is no connection to load {what} from.", { what }));

// The bytes of an answer; each part that comes is reported.
async function read(response, name) {
  const whole = response.clone().arrayBuffer(); // a stream that is read alone counts as broken off in Chromium
  whole.catch(() => {}); // the reader tells it first
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await whole);
    postMessage({ loaded: value.length, name });
  }
}

// Some servers have unpacked a .gz file already.
async function unpack(bytes) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const tensor = (data, shape) => new runtime.Tensor("float32", data, [1, ...shape]); // a batch of one

const product = (numbers) => numbers.reduce((a, b) => a * b);

const firstLine = (error) => String(error.message ?? error).split("\n")[0];

// ---- Photos ----

// Takes a file, or a frame of the camera, in place of the photo before.
async function loadPhoto(source) {
  const bitmap = source instanceof Blob ? await decode(source) : source;
  const size = [bitmap.height, bitmap.width];
  const factor = Math.min(1, LARGEST / Math.max(...size));
  const shown = size.map((side) => Math.max(1, Math.round(side * factor)));
  const view = shrink(bitmap, shown).canvas.transferToImageBitmap(); // may fail: then the photo before stays
  photo?.bitmap.close();
  photo = { bitmap, size, shown, inputs: new Map() };
  answers.clear();
  return { size, shown, view, transfer: [view] };
}

function* strips(bitmap) {
  const { width, height } = bitmap;
  const most = Math.max(1, Math.floor(STRIP / width));
  const canvas = new OffscreenCanvas(width, Math.min(most, height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += most) {
    const rows = Math.min(most, height - top);
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    yield { top, rows, pixels: context.getImageData(0, 0, width, rows).data };
  }
}

// ---- Answers ----

async function answer(name) {
  const { milliseconds, logits } = await run(name, ["logits"]);
  const counts = models.get(name).classes.map(() => 0);
  const classes = new Uint16Array(photo.shown[0] * photo.shown[1]);
  eachShown(logits, (pixel, all) => (counts[(classes[pixel] = decide(all))] += 1));
  answers.set(name, { logits, classes });
  return { milliseconds, logits, shares: counts.map((count) => count / classes.length) };
}

// The outputs of a model for the photo, {data, dims} by name, without the batch's dimension; and its milliseconds.
async function run(name, outputs) {
  const { session, shape } = models.get(name);
  const key = shape.join();
  if (!photo.inputs.has(key)) photo.inputs.set(key, squeeze(strips(photo.bitmap), photo.size, shape));
  const image = tensor(photo.inputs.get(key), shape);
  const started = performance.now();
  const found = await session.run({ image }, outputs);
  const milliseconds = performance.now() - started;
  const maps = outputs.map((output) => [output, { data: found[output].data, dims: found[output].dims.slice(1) }]);
  return { milliseconds, ...Object.fromEntries(maps) };
}

// Hands over the logits of each pixel that the page shows.
function eachShown(logits, use) {
  const [rows, columns] = photo.size.map((side, axis) => sample(side, photo.shown[axis]));
  enlarge(logits, photo.size, rows, columns, use);
}

// A picture of an answer, as large as what the page shows.
//   kind: "classes", in their colours; "probability" of the class `number`, from black to white; "cutout".
async function draw(name, kind, number) {
  if (!answers.has(name)) return {}; // another photo has come
  const { logits, classes } = answers.get(name);
  const [height, width] = photo.shown;
  const ofPhoto = () => shrink(photo.bitmap, photo.shown).getImageData(0, 0, width, height);
  const image = kind === "cutout" ? ofPhoto() : new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer); // alpha, blue, green, red
  const background = models.get(name).classes.indexOf("background");
  if (kind === "classes") classes.forEach((each, pixel) => (pixels[pixel] = colours[each % colours.length]));
  else if (kind === "cutout") classes.forEach((each, pixel) => each === background && (pixels[pixel] = 0));
  else {
    const grey = (all) => OPAQUE + 0x010101 * Math.round(255 * probability(all, number));
    eachShown(logits, (pixel, all) => (pixels[pixel] = grey(all)));
  }
  const picture = await createImageBitmap(image);
  return { picture, transfer: [picture] };
}

// The context of a canvas of this size that holds a picture.
function shrink(bitmap, [height, width]) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { alpha: false, willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return context;
}

// What is not background, at the photo's own size, as a PNG on a transparent ground.
async function cutOut(name) {
  if (!answers.has(name)) await answer(name); // another photo has come
  const [height, width] = photo.size;
  const background = models.get(name).classes.indexOf("background");
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const columns = sample(width, width);
  for (const { top, rows, pixels } of strips(photo.bitmap)) {
    const lines = Int32Array.from({ length: rows }, (_, row) => top + row);
    enlarge(answers.get(name).logits, photo.size, lines, columns, (pixel, logits) => {
      if (decide(logits) === background) pixels[4 * pixel + 3] = 0;
    });
    context.putImageData(new ImageData(pixels, width, rows), 0, top);
  }
  return { file: await canvas.convertToBlob({ type: "image/png" }) };
}

// The maps of a level, {data, dims} by what they are: features, offsets, rising, grown, marks.
async function lookInside(name, level) {
  const outputs = models.get(name).session.outputNames.filter((output) => output.endsWith(`_${level}`));
  const found = await run(name, outputs);
  return { maps: Object.fromEntries(outputs.map((output) => [output.split("_")[0], found[output]])) };
}
