// The text of a CSV: its encoding, its separator and its records, as the service reads them (shared/src/intake). Pure.

import { COLUMNS, columnOf, isPassword } from './cell.js';
import { check, unusable } from './table.js';

const SEPARATORS = [',', ';', '\t'];
// What Windows-1252 leaves out: a file that has one of these is in another encoding.
const UNASSIGNED = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);
const SAMPLE_BYTES = 1_024;

/** Reads a CSV, as `check` gives it. */
export function readCsv(bytes) {
  const { text, fault } = decode(bytes);
  if (fault) return unusable(fault.code, {}, fault.row);
  return check(recordsOf(text, separatorOf(text)));
}

/** The file of these rows as it is uploaded: the columns that matter, by the names of the template. */
export function write(header, rows) {
  // A row is a comment where its first cell begins with #, unless that is a password.
  const order = [...COLUMNS].sort((a, b) => isPassword(b) - isPassword(a));
  const places = order.map((column) => [column, header.indexOf(column)]).filter(([, at]) => at >= 0);
  const quoted = (cell) => (/[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const line = (cells) => places.map(([, at]) => quoted(cells[at] ?? '')).join(',');
  return new TextEncoder().encode(`${[places.map(([column]) => column).join(','), ...rows.map(({ cells }) => line(cells))].join('\r\n')}\r\n`);
}

/** Text as people's programs write it: UTF-8, UTF-16 with its mark or without, else Windows' own. */
function decode(bytes) {
  const broken = (row) => ({ fault: { code: 'unknown_encoding', row } });
  const as = (encoding, from) => {
    const text = new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes.subarray(from));
    const at = text.indexOf('\ufffd');
    if (at >= 0) return broken(lineOf(text, at));
    return text.includes('\0') ? { fault: { code: 'unsupported_file', row: 0 } } : { text };
  };
  const mark = (bytes[0] << 8) | bytes[1];
  if (mark === 0xfffe || mark === 0xfeff) return as(mark === 0xfffe ? 'utf-16le' : 'utf-16be', 2);
  const body = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
  const unmarked = unmarkedUtf16(body);
  if (unmarked) return as(unmarked, bytes.length - body.length);
  if (body.includes(0)) return { fault: { code: 'unsupported_file', row: 0 } };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body) };
  } catch {
    const loose = new TextDecoder('utf-8').decode(body);
    // Letters of UTF-8 beside bytes that are none.
    if (/[^\0-\x7f\ufffd]/.test(loose)) return broken(lineOf(loose, loose.indexOf('\ufffd')));
    const text = new TextDecoder('windows-1252').decode(body);
    const at = body.findIndex((byte) => UNASSIGNED.has(byte));
    return at >= 0 ? broken(lineOf(text, at)) : { text };
  }
}

/** Of Western text in UTF-16 every second byte is zero. */
function unmarkedUtf16(bytes) {
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  const zeros = (side) => sample.filter((byte, at) => at % 2 === side && byte === 0).length;
  const [even, odd] = [zeros(0), zeros(1)];
  const [evens, odds] = [Math.ceil(sample.length / 2), Math.floor(sample.length / 2)];
  if (odds > 1 && even === 0 && odd * 2 > odds) return 'utf-16le';
  return evens > 1 && odd === 0 && even * 2 > evens ? 'utf-16be' : null;
}

const lineOf = (text, at) => text.slice(0, at).split(/\r\n|[\r\n]/).length;

/** What the line `sep=` says, else what makes the most known names of the first line, else the most frequent one there. */
function separatorOf(text) {
  const first = /^(?:[^\S\r\n]*(?:#.*)?[\r\n]+)*(.*)/.exec(text)[1];
  const [, said] = /^"*sep=([,;\t])["',;\t ]*$/i.exec(first) ?? [];
  if (said) return said;
  const merit = (separator) => {
    let quoted = false;
    let cell = '';
    const cells = [];
    for (const c of first) {
      if (c === '"') quoted = !quoted;
      if (!quoted && c === separator) {
        cells.push(cell);
        cell = '';
      } else cell += c;
    }
    cells.push(cell);
    const names = cells.slice(0, 256);
    return names.filter((name) => columnOf(name.trim().replace(/^"+|"+$/g, ''))).length * 1_000 + names.length;
  };
  return SEPARATORS.reduce((best, separator) => (merit(separator) > merit(best) ? separator : best));
}

/** Each record with the line it begins at, as an editor shows it; `malformed` where its quotation marks make no sense. */
function* recordsOf(text, separator) {
  let cells = [];
  let cell = '';
  let line = 1;
  let begun = 1;
  let quoted = false;
  // Whether the cell began with a quotation mark, and whether something stands behind the one that ended it.
  let wasQuoted = false;
  let malformed = false;
  const endCell = () => {
    cells.push(cell);
    cell = '';
    wasQuoted = false;
  };
  const endRecord = () => {
    endCell();
    const record = { line: begun, cells, malformed };
    cells = [];
    malformed = false;
    return record;
  };
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at];
    const isBreak = c === '\n' || (c === '\r' && text[at + 1] !== '\n');
    if (isBreak) line += 1;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[at + 1] === '"') {
        cell += c;
        at += 1;
      } else quoted = false;
    } else if (c === separator) endCell();
    else if (isBreak) {
      yield endRecord();
      begun = line;
    } else if (c === '"' && cell === '' && !wasQuoted) {
      quoted = true;
      wasQuoted = true;
    } else if (c !== '\r' || text[at + 1] !== '\n') {
      // A mark that comes after spaces, or text after a mark that ended a value.
      if (wasQuoted || (c === '"' && /^ +$/.test(cell))) malformed = true;
      cell += c;
    }
  }
  if (quoted) malformed = true;
  if (quoted || cell !== '' || cells.length > 0 || wasQuoted) yield endRecord();
}
