// Pictures by the rules of zoo/data/pictures.py: upright, no colour profile, transparency ignored.

import { decodePng } from "./live_png.js";
import { say } from "./words.js";

const [MAX_PIXELS, MAX_SIDE] = [100_000_000, 65_535]; // as zoo/data/modes.py has it
const ORIENTATION = 0x0112; // the tag
const OPAQUE = 0xff000000;

// The ImageBitmap of a file. Throws a sentence at what cannot be read.
export async function decode(file) {
  const name = file.name ?? say("The picture");
  let bitmap;
  try {
    const plain = { imageOrientation: "from-image", premultiplyAlpha: "none", colorSpaceConversion: "none" };
    bitmap = await createImageBitmap(file, plain);
  } catch {
    const head = await letters(file, 4, 12).catch(() => ""); // of a folder there are none
    const heic = /^ftyp(hei|hev|mif|msf)/.test(head);
    throw new Error(
      heic
        ? say("{name} is a HEIC file, which this browser cannot read: save it as JPEG.", { name })
        : say("{name} is broken, or no picture that this browser can read, such as JPEG or PNG.", { name }),
    );
  }
  if (bitmap.width * bitmap.height > MAX_PIXELS || Math.max(bitmap.width, bitmap.height) > MAX_SIDE) {
    const size = `${bitmap.width} x ${bitmap.height}`;
    bitmap.close();
    const values = { name, size };
    throw new Error(
      say("A picture may have up to 100 million pixels, and up to 65,535 on a side. {name} has {size}.", values),
    );
  }
  const read = async () => (await decodePng(file)) ?? (await decodeWebp(file));
  const exact = await read().catch(() => null); // of a broken one the browser shows what there is
  if (!exact) return bitmap;
  bitmap.close();
  return createImageBitmap(turn(exact.image, orientation(exact.exif)), { colorSpaceConversion: "none" });
}

// Gives {image, exif} as `decodePng`, of WebP files with transparency or an orientation, which browsers pass over; or
// `null`, also where the browser has no ImageDecoder.
async function decodeWebp(file) {
  const plain = !/^WEBPVP8[XL]$/.test(await letters(file, 8, 16)); // of an older kind, which has neither
  if (plain || !globalThis.ImageDecoder) return null;
  const data = await file.arrayBuffer();
  const options = { type: "image/webp", premultiplyAlpha: "none", colorSpaceConversion: "none" };
  const decoder = new ImageDecoder({ data, ...options });
  const { image: frame } = await decoder.decode();
  const image = new ImageData(frame.displayWidth, frame.displayHeight);
  const packed = /^(RGB|BGR)[AX]$/.test(frame.format); // if asked for another order, Chromium forgets colours again
  await frame.copyTo(image.data, packed ? {} : { format: "RGBA" });
  const pixels = new Uint32Array(image.data.buffer); // alpha, blue, green, red; or red and blue the other way round
  const swapped = frame.format.startsWith("BGR");
  for (let place = 0; place < pixels.length; place++) {
    const pixel = pixels[place];
    const right = swapped ? (pixel & 0xff00) | ((pixel & 0xff) << 16) | ((pixel >> 16) & 0xff) : pixel;
    pixels[place] = right | OPAQUE;
  }
  frame.close();
  decoder.close();
  return { image, exif: exifOfWebp(new DataView(data)) };
}

function exifOfWebp(view) {
  for (let place = 12; place + 8 <= view.byteLength; ) {
    const length = view.getUint32(place + 4, true);
    if (view.getUint32(place) === 0x45584946) return new Uint8Array(view.buffer, place + 8, length); // "EXIF"
    place += 8 + length + (length % 2);
  }
}

// From 1 (upright) to 8, by an EXIF block: a small TIFF file.
function orientation(exif) {
  if (!exif) return 1;
  const start = String.fromCharCode(...exif.subarray(0, 4)) === "Exif" ? 6 : 0; // some writers leave that in
  try {
    const view = new DataView(exif.buffer, exif.byteOffset + start, exif.length - start);
    const little = view.getUint16(0) === 0x4949; // "II"
    const first = view.getUint32(4, little);
    for (let number = 0; number < view.getUint16(first, little); number++) {
      const entry = first + 2 + 12 * number;
      if (view.getUint16(entry, little) === ORIENTATION) return view.getUint16(entry + 8, little);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a broken block says nothing
  }
  return 1;
}

function turn(image, orientation) {
  if (!(orientation > 1 && orientation < 9)) return image;
  const { width, height } = image;
  const across = orientation > 4; // its rows are columns
  const result = across ? new ImageData(height, width) : new ImageData(width, height);
  const [from, to] = [image, result].map(({ data }) => new Uint32Array(data.buffer));
  for (let place = 0; place < to.length; place++) {
    const [y, x] = [Math.floor(place / result.width), place % result.width];
    let [row, column] = across ? [x, y] : [y, x];
    if ([3, 4, 6, 7].includes(orientation)) row = height - 1 - row;
    if ([2, 3, 7, 8].includes(orientation)) column = width - 1 - column;
    to[place] = from[row * width + column];
  }
  return result;
}

async function letters(file, start, end) {
  return new TextDecoder("latin1").decode(await file.slice(start, end).arrayBuffer());
}
