// What an ONNX file says of itself: zoo/exporting.py writes there what the model takes and gives.

import { say } from "./words.js";

const [DOC_STRING, METADATA, KEY, VALUE] = [6, 14, 1, 2]; // numbers of the fields in ModelProto and its entries
const SIZES = /^image: float32 \(batch, (\d+|any), (\d+|any), ([13])\), .* logits: float32 \(batch, \S+ \S+ (\d+)\), /;
const DEFAULT_SIDE = 128; // pixels, for models of any size

// Gives {shape: [height, width, channels], logits: their number, classes: names} of a file of ours, and throws a
// sentence at any other.
export function readDescription(bytes, file) {
  let [text, names] = ["", null];
  try {
    for (const [number, value] of fields(bytes))
      if (number === DOC_STRING) text = decode(value);
      else if (number === METADATA) {
        const entry = Object.fromEntries(fields(value));
        if (decode(entry[KEY]) === "classes") names = JSON.parse(decode(entry[VALUE]));
      }
  } catch {
    throw new Error(say("{file} is no ONNX file.", { file }));
  }
  const sizes = SIZES.exec(text);
  if (!sizes)
    throw new Error(
      say("{file} was not written by \"python -m zoo export\": it does not say what it takes.", { file }),
    );
  const [height, width, channels] = sizes.slice(1, 4).map((side) => (side === "any" ? DEFAULT_SIDE : Number(side)));
  const logits = Number(sizes[4]);
  const count = Math.max(2, logits);
  const numbered = () => Array.from({ length: count }, (_, number) => say("class {number}", { number }));
  return { shape: [height, width, channels], logits, classes: names?.length === count ? names : numbered() };
}

const decode = (bytes) => new TextDecoder().decode(bytes);

// The fields of a message of Protocol Buffers, [number, bytes] each.
function fields(bytes) {
  const found = [];
  let place = 0;

  function varint() {
    for (let [value, factor] = [0, 1]; place < bytes.length; factor *= 128) {
      const byte = bytes[place++];
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
    throw new Error("cut off");
  }

  while (place < bytes.length) {
    const key = varint();
    const [number, kind] = [Math.floor(key / 8), key % 8];
    if (number < 1 || ![0, 1, 2, 5].includes(kind)) throw new Error("no such field");
    if (kind === 0) varint();
    else {
      const length = kind === 2 ? varint() : { 1: 8, 5: 4 }[kind];
      if (place + length > bytes.length) throw new Error("cut off");
      found.push([number, bytes.subarray(place, place + length)]);
      place += length;
    }
  }
  if (!found.length) throw new Error("empty");
  return found;
}
