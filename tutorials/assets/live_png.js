// PNG files with transparency or sixteen bits, or films, by the rules of zoo/data/pictures.py: a browser forgets the
// colours of pixels that cannot be seen, cuts off where we round, and begins a film without its title.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }; // of grey, RGB, palette, grey and RGB with transparency
const PALETTE = 3;
const MOST = 1 << 25; // pixels; larger ones are left to the browser
const WHOLE = [[0, 0, 1, 1]]; // first column and row, and steps from one to the next
const INTERLACED = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

// Gives {image, exif}: an ImageData without transparency, and what the file says of its orientation, if anything; or
// `null` for other formats, and for what the browser reads as we do, or has to read.
export async function decodePng(file) {
  const start = new Uint8Array(await file.slice(0, 8).arrayBuffer());
  if (SIGNATURE.some((byte, place) => start[place] !== byte)) return null;
  const { header, chunks } = readChunks(new DataView(await file.arrayBuffer()));
  const { width, height, depth, colour, interlaced } = header;
  const differs = depth === 16 || colour >= 4 || chunks.has("tRNS") || chunks.has("acTL");
  if (!differs || width * height > MOST) return null;
  const stream = new Blob(chunks.get("IDAT")).stream().pipeThrough(new DecompressionStream("deflate"));
  const lines = new Uint8Array(await new Response(stream).arrayBuffer());
  const image = new ImageData(width, height);
  let place = 0;
  for (const [left, top, across, down] of interlaced ? INTERLACED : WHOLE) {
    const count = Math.ceil((width - left) / across);
    const length = Math.ceil((count * CHANNELS[colour] * depth) / 8);
    let before = new Uint8Array(length);
    for (let row = top; count > 0 && row < height; row += down) {
      const line = lines.subarray(place + 1, place + 1 + length);
      undoFilter(lines[place], line, before, Math.max(1, (CHANNELS[colour] * depth) / 8));
      const pixels = image.data.subarray(4 * (row * width + left));
      writeRow(line, count, across, header, chunks.get("PLTE")?.[0], pixels);
      before = line;
      place += 1 + length;
    }
  }
  return { image, exif: chunks.get("eXIf")?.[0] };
}

// The header, and the contents of all chunks by their names.
function readChunks(view) {
  const chunks = new Map();
  for (let place = 8; place + 8 <= view.byteLength; ) {
    const length = view.getUint32(place);
    const name = String.fromCharCode(...new Uint8Array(view.buffer, place + 4, 4));
    if (place + 12 + length > view.byteLength) break;
    chunks.set(name, [...(chunks.get(name) ?? []), new Uint8Array(view.buffer, place + 8, length)]);
    place += 12 + length;
  }
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, colour, , , interlaced] = new Uint8Array(view.buffer, 24, 5);
  return { header: { width, height, depth, colour, interlaced }, chunks };
}

// Adds to each byte what its neighbours foretell: `step` bytes to the left, and above.
function undoFilter(filter, line, above, step) {
  for (let place = 0; place < line.length; place++) {
    const left = place < step ? 0 : line[place - step];
    const corner = place < step ? 0 : above[place - step];
    line[place] += [0, left, above[place], (left + above[place]) >> 1, nearest(left, above[place], corner)][filter];
  }
}

// Of the three the one that is nearest to left + above - corner (Paeth).
function nearest(left, above, corner) {
  const [a, b, c] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

// Writes `count` pixels, each `step` further to the right than the one before.
function writeRow(line, count, step, { depth, colour }, palette, pixels) {
  const channels = CHANNELS[colour];
  const most = colour === PALETTE ? 255 : 2 ** depth - 1;
  for (let number = 0; number < count; number++) {
    const first = number * channels;
    const place = 4 * number * step;
    const value = (channel) => {
      const sample = sampleAt(line, first + channel, depth);
      if (depth < 16) return (sample * 255) / most;
      return colour === 0 ? Math.round((sample * 255) / most) : sample >> 8; // as Pillow has it
    };
    if (colour === PALETTE) pixels.set(palette.subarray(3 * value(0), 3 * value(0) + 3), place);
    else if (channels >= 3) pixels.set([value(0), value(1), value(2)], place);
    else pixels.fill(value(0), place, place + 3);
    pixels[place + 3] = 255;
  }
}

function sampleAt(line, place, depth) {
  if (depth === 16) return line[2 * place] * 256 + line[2 * place + 1];
  const bit = place * depth;
  return (line[bit >> 3] >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
}
