// What an ONNX file says of itself: zoo/exporting.py writes there what the model takes and gives.

import { say } from "./words.js";

const DOC_STRING = 6; // number of the field in ModelProto
const SIZES = /^image: float32 \(batch, (\d+|any), (\d+|any), ([13])\), .* logits: float32 \(batch, \S+ \S+ (\d+)\), /;
const NAMES = /one for each class \((.*)\); the largest wins\.$/;
const TWO_NAMES = /above 0 for (.*), else (.*)\.$/; // of a single logit
const DEFAULT_SIDE = 128; // pixels, for models of any size

// Gives {shape: [height, width, channels], classes: names} of a file of ours, and throws a sentence at any other.
export function readDescription(bytes, file) {
  let text;
  try {
    text = docString(bytes);
  } catch {
    throw new Error(say("{file} is no ONNX file.", { file }));
  }
  const sizes = SIZES.exec(text);
  if (!sizes)
    throw new Error(
      say("{file} was not written by \"python -m zoo export\": it does not say what it takes.", { file }),
    );
  const [height, width, channels] = sizes.slice(1, 4).map((side) => (side === "any" ? DEFAULT_SIDE : Number(side)));
  return { shape: [height, width, channels], classes: classNames(Number(sizes[4]), text) };
}

function classNames(logits, text) {
  const count = Math.max(2, logits);
  const names = logits === 1 ? TWO_NAMES.exec(text)?.slice(1).reverse() : NAMES.exec(text)?.[1].split(", ");
  if (names?.length === count && names[0] !== "class 0") return names;
  return Array.from({ length: count }, (_, number) => say("class {number}", { number }));
}

// The text of the field, from the wire format of Protocol Buffers: a file is a row of numbered fields.
function docString(bytes) {
  let [place, text, fields] = [0, "", 0];

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
      if (number === DOC_STRING) text = new TextDecoder().decode(bytes.subarray(place, place + length));
      place += length;
    }
    fields += 1;
  }
  if (!fields) throw new Error("empty");
  return text;
}
