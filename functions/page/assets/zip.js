// What is in a ZIP file, part by part, as far as a workbook needs it; never more of it than was asked for. Pure.

/** The file is not what it seems to be, or more than is looked at here. */
export class Unreadable extends Error {}

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;

/** The parts by their names: `{ at, packed, size, method, isEncrypted }`. */
export function partsOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endOf(view);
  const parts = new Map();
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    if (view.getUint32(at, true) !== ENTRY) throw new Unreadable('no entry');
    const [name, extra, comment] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    parts.set(new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + name)), {
      at: view.getUint32(at + 42, true), packed: view.getUint32(at + 20, true), size: view.getUint32(at + 24, true),
      method: view.getUint16(at + 10, true), isEncrypted: (view.getUint16(at + 8, true) & 1) === 1,
    });
    at += 46 + name + extra + comment;
  }
  return parts;
}

/** The bytes of a part; throws where they are more than `atMost`. */
export async function unpack(bytes, { at, packed, method }, atMost, inflate = inflated) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(at, true) !== LOCAL) throw new Unreadable('no part');
  const from = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  const content = bytes.subarray(from, from + packed);
  if (content.length !== packed || (method !== 0 && method !== 8)) throw new Unreadable('a part of another kind');
  const whole = method === 8 ? await inflate(content, atMost) : content;
  if (whole.length > atMost) throw new Unreadable('too large');
  return whole;
}

async function inflated(content, atMost) {
  const reader = new Blob([content]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const pieces = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > atMost) {
      await reader.cancel();
      throw new Unreadable('too large');
    }
    pieces.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Where the list of parts is told of: at the end, before a comment of 64 KiB at most. */
function endOf(view) {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - 0xffff); at -= 1) {
    if (view.getUint32(at, true) === END) return at;
  }
  throw new Unreadable('no end');
}
