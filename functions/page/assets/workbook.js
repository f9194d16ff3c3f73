// The first sheet of an .xlsx workbook, cell by cell, as the service reads it (shared/src/intake/workbook.rs). What is not
// understood here is left to the service: a value must not be taken for another one.

import { MAX_COLUMNS, check, unusable } from './table.js';
import { Unreadable, partsOf, unpack } from './zip.js';

const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
const MAX_PARTS = 500;
// From here on a spreadsheet keeps no more than 15 digits of a number.
const EXACT_UP_TO = 1e15;
const LETTERS = 26;

/** Reads a workbook, as `check` gives it; `unread` where only the service can tell what is in it. */
export async function readWorkbook(bytes, inflate) {
  try {
    const parts = partsOf(bytes);
    if ([...parts.values()].some(({ isEncrypted }) => isEncrypted)) return unusable('encrypted_workbook');
    const whole = [...parts.values()].reduce((sum, { size }) => sum + size, 0);
    if (whole > MAX_UNPACKED_BYTES || parts.size > MAX_PARTS) return unusable('workbook_too_large');
    const text = async (path) => {
      const part = parts.get(path);
      return part ? new TextDecoder('utf-8', { fatal: true }).decode(await unpack(bytes, part, MAX_UNPACKED_BYTES, inflate)) : null;
    };
    return await readSheets(text);
  } catch {
    // A workbook that this reader does not know, or a browser that cannot unpack it.
    return { header: [], rows: [], lasting: [], faults: [], unread: true };
  }
}

async function readSheets(text) {
  const { paths, strings, styles } = await outline(text);
  const shared = strings === null ? [] : stringsIn(strings);
  const dates = styles === null ? [] : datesIn(styles);
  const [first, ...others] = paths;
  for (const path of others) {
    for (const { cells, damaged } of recordsIn(await text(path), shared, dates)) {
      if (damaged.size > 0 || cells.some((cell) => cell !== '')) return unusable('several_sheets');
    }
  }
  return check(recordsIn(await text(first), shared, dates));
}

/** The sheets that people see, and the parts that belong to all. */
async function outline(text) {
  const targets = new Map();
  for (const { name, attributes, ends } of tokens(await text('xl/_rels/workbook.xml.rels'))) {
    if (name === 'Relationship' && !ends) {
      const { Id: id, Type: type, Target: target } = attributes;
      targets.set(id, { kind: type.split('/').at(-1), path: target.startsWith('/') ? target.slice(1) : `xl/${target}` });
    }
  }
  const paths = [];
  for (const { name, attributes, ends } of tokens(await text('xl/workbook.xml'))) {
    if (name !== 'sheet' || ends || (attributes.state ?? 'visible') !== 'visible') continue;
    const target = targets.get(Object.entries(attributes).find(([key]) => key.endsWith(':id'))?.[1]);
    if (target?.kind === 'worksheet') paths.push(target.path);
  }
  if (paths.length === 0) throw new Unreadable('no sheet');
  const of = async (kind) => {
    const found = [...targets.values()].find((target) => target.kind === kind);
    return found ? text(found.path) : null;
  };
  return { paths, strings: await of('sharedStrings'), styles: await of('styles') };
}

/** The texts that cells point at. Of one in several fonts all pieces count, and no reading aid. */
function stringsIn(xml) {
  const strings = [];
  let inText = false;
  let aside = 0;
  for (const { name, text, ends, closed } of tokens(xml)) {
    if (text !== undefined) {
      if (inText && aside === 0) strings[strings.length - 1] += text;
    } else if (name === 'si' && !ends) strings.push('');
    else if (name === 't') inText = !ends && !closed;
    else if (name === 'rPh' && !closed) aside += ends ? -1 : 1;
  }
  return strings.map(plain);
}

/** For each style whether its numbers are shown as dates or times. */
function datesIn(xml) {
  const own = new Map();
  const dates = [];
  let inCells = false;
  for (const { name, attributes, ends, closed } of tokens(xml)) {
    if (name === 'numFmt' && !ends) own.set(attributes.numFmtId, attributes.formatCode ?? '');
    else if (name === 'cellXfs') inCells = !ends && !closed;
    else if (name === 'xf' && inCells && !ends) {
      const id = Number(attributes.numFmtId ?? 0);
      const code = own.get(attributes.numFmtId)?.replace(/"[^"]*"|\\.|\[(?!h|m|s)[^\]]*\]/gi, '');
      dates.push(code === undefined ? (id >= 14 && id <= 22) || (id >= 45 && id <= 47) : /[dmyhs]/i.test(code.replace(/general/gi, '')));
    }
  }
  return dates;
}

/** The rows of a sheet, as `check` takes them. */
function* recordsIn(xml, shared, dates) {
  let row = null;
  let line = 0;
  let cell = null;
  let collect = null;
  let aside = 0;
  let seen = false;
  for (const { name, attributes, text, ends, closed } of tokens(xml)) {
    if (text !== undefined) {
      if (cell && collect && aside === 0) cell[collect] += text;
    } else if (name === 'sheetData') seen = true;
    else if (name === 'row' && !ends) {
      const number = attributes.r === undefined ? line + 1 : Number(attributes.r);
      if (!(number > line)) throw new Unreadable('rows out of order');
      line = number;
      row = { line, cells: [], damaged: new Map() };
      if (closed) row = null;
    } else if (name === 'row') {
      if (row && (row.damaged.size > 0 || row.cells.length > 0)) yield row;
      row = null;
    } else if (name === 'c' && !ends) {
      if (!row) throw new Unreadable('a cell outside of a row');
      cell = { place: placeOf(attributes.r, row), type: attributes.t ?? 'n', style: Number(attributes.s ?? 0), v: '', t: '', isFormula: false };
      if (closed) cell = null;
    } else if (name === 'c') {
      if (cell) put(row, cell, shared, dates);
      cell = null;
    } else if (name === 'v' || name === 't') collect = ends || closed ? null : name;
    else if (name === 'rPh' && !closed) aside += ends ? -1 : 1;
    else if (name === 'f' && cell) cell.isFormula = true;
  }
  if (!seen) throw new Unreadable('no sheet');
}

function placeOf(reference, row) {
  // Of cells without a place the service knows how many went before, empty ones too.
  if (reference === undefined) throw new Unreadable('a cell without a place');
  const [, letters, number] = /^([A-Z]{1,3})(\d+)$/.exec(reference) ?? [];
  if (Number(number) !== row.line) throw new Unreadable('a cell in another row');
  const place = [...letters].reduce((sum, letter) => sum * LETTERS + letter.charCodeAt(0) - 64, 0) - 1;
  // One place more than a header may have, so that it is told of a wider one.
  return Math.min(place, MAX_COLUMNS);
}

function put(row, { place, type, style, v, t, isFormula }, shared, dates) {
  const [text, code] = isFormula ? ['', 'formula'] : valueOf(type, v, t, shared, dates[style]);
  if (text === '' && !code) return;
  while (row.cells.length <= place) row.cells.push('');
  row.cells[place] = text;
  if (code) row.damaged.set(place, code);
}

/** A cell as the customer sees it, or the code of why it is not what was typed. */
function valueOf(type, v, t, shared, isDate) {
  if (type === 'inlineStr') return [plain(t), null];
  if (v === '') return ['', null];
  if (type === 's') {
    if (shared[Number(v)] === undefined) throw new Unreadable('no such text');
    return [shared[Number(v)], null];
  }
  if (type === 'str') return [plain(v), null];
  if (type === 'e') return ['', 'spreadsheet_error'];
  const number = Number(v);
  if (type !== 'n' || isDate || !Number.isInteger(number) || Math.abs(number) >= EXACT_UP_TO) return ['', 'altered_by_spreadsheet'];
  return [number.toFixed(0), null];
}

/** A text, unless characters are written in it in a way of their own. */
function plain(text) {
  if (/_x[\da-f]{4}_/i.test(text)) throw new Unreadable('escaped characters');
  return text.replace(/\r\n?/g, '\n');
}

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decoded(text) {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([\da-f]{1,6})|#(\d{1,7})|(\w+));/gi, (_, hex, decimal, name) => {
    if (name) {
      if (ENTITIES[name] === undefined) throw new Unreadable('an unknown entity');
      return ENTITIES[name];
    }
    return String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal));
  });
}

/** The tags and texts of a document, one after the other; names without their prefixes. */
function* tokens(xml) {
  if (xml === null) throw new Unreadable('a part is missing');
  const pattern = /<(?:!--[^]*?-->|\?[^]*?\?>|!\[CDATA\[([^]*?)\]\]>|(\/?)([\w.-]+:)?([\w.-]+)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>)|([^<]+)/y;
  const open = [];
  pattern.lastIndex = xml.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (pattern.lastIndex < xml.length) {
    const found = pattern.exec(xml);
    if (!found) throw new Unreadable('no XML');
    const [, cdata, slash, prefix, name, attributes, self, text] = found;
    if (cdata !== undefined || text !== undefined) yield { text: cdata ?? decoded(text) };
    else if (name !== undefined) {
      const whole = `${prefix ?? ''}${name}`;
      if (slash === '/' && open.pop() !== whole) throw new Unreadable('tags that do not match');
      if (slash === '' && self === '') open.push(whole);
      yield { name, ends: slash === '/', closed: self === '/', attributes: attributes ? read(attributes) : {} };
    }
  }
  if (open.length > 0) throw new Unreadable('a tag that never ends');
}

function read(attributes) {
  const found = {};
  for (const [, name, double, single] of attributes.matchAll(/([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) found[name] = decoded(double ?? single);
  return found;
}
