// A table with many mailboxes, whichever file it came in, checked as the service will check it (shared/src/intake/table.rs). Pure.

import { COLUMNS, addressOf, columnOf, damageOf, hasUnseen, hostOf, isBesideThePoint, isPassword, isTooLong, portOf, securityOf, tidied } from './cell.js';

export const REQUIRED = ['email', 'password'];
export const MAX_ROWS = 50_000;
export const MAX_LINES = 99_999;
export const MAX_COLUMNS = 64;
const EXAMPLE_HOST = 'imap.previous-provider.example';

/** A fault that leaves nothing to go by, as what is read of a whole file. */
export const unusable = (code, values = {}, row = 0) => ({ header: [], rows: [], lasting: [{ row, column: null, code, values }], faults: [{ row, column: null, code, values }] });

/**
 * Reads records, each `{ line, cells }`: `{ header, rows, lasting, faults }`. `header` has the column of each place; '' where the
 * place has no name, null where it does not matter. A fault is `{ row, column, code, values }`; `lasting` are those that no change
 * of a cell takes away. A record may be `malformed`, and may say by `damaged` which places the file itself says are no plain values.
 */
export function check(records) {
  const lasting = [];
  const rows = [];
  let header = null;
  let counted = 0;
  const add = (row, code, values = {}, column = null) => lasting.push({ row, column, code, values });
  const give = () => ({ header: header ?? [], rows, lasting, faults: [...lasting, ...(header ? rowFaults(header, rows) : [])].sort(byPlace) });
  for (const record of records) {
    const { line, cells, damaged, malformed } = record;
    if (!malformed && ((!damaged?.size && cells.every((cell) => cell.trim() === '')) || isComment(header, cells))) continue;
    counted += header ? 1 : 0;
    if (counted > MAX_ROWS || line > MAX_LINES) {
      add(line, 'too_many_rows', { limit: MAX_ROWS });
      return give();
    }
    if (malformed) add(line, 'malformed_csv', { row: String(line) });
    else if (header) rows.push({ line, cells, damaged });
    else header = readHeader(line, cells, add);
    if (!header) return give();
  }
  if (counted === 0) add(0, 'no_rows');
  return give();
}

/** The faults of the rows; again after a cell was mended. */
export function rowFaults(header, rows) {
  const seen = { mailboxes: new Map(), destinations: new Map() };
  const places = Object.fromEntries(COLUMNS.map((column) => [column, header.indexOf(column)]));
  return rows.flatMap((row) => faultsOf(header, places, row, seen)).sort(byPlace);
}

/** The column of each place; null where no row below could be understood. */
function readHeader(line, cells, add) {
  if (cells.length > MAX_COLUMNS) return add(line, 'too_many_cells') && null;
  const known = cells.map(columnOf);
  // A row of data must not be repeated in a message, and no heading has an @ in it.
  if (known.every((column) => column === undefined) || cells.some((cell) => cell.includes('@'))) return add(line, 'missing_header') && null;
  const header = [];
  for (const [at, column] of known.entries()) {
    const name = cells[at].trim();
    if (column !== undefined && header.includes(column)) {
      add(line, 'duplicate_column', { column }, column);
      header.push(null);
    } else if (column !== undefined) header.push(column);
    else if (name === '') header.push('');
    else {
      if (!isBesideThePoint(name)) add(line, 'unknown_column', { column: known.includes('email') ? name.slice(0, 40) : String(at + 1) });
      header.push(null);
    }
  }
  const missing = REQUIRED.filter((column) => !header.includes(column));
  for (const column of missing) add(line, 'missing_column', { column }, column);
  return missing.length > 0 ? null : header;
}

/** A line that begins with `#`, unless that is a password or a spreadsheet's `####`; and Excel's `sep=;` above the names. */
function isComment(header, cells) {
  const first = (cells[0] ?? '').trim();
  if (!header) return first.startsWith('#') || /^"*sep=[,;\t]["',;\t ]*$/i.test(cells.join('')) || (cells.length === 2 && cells.join('').trim().toLowerCase() === 'sep=');
  return first.startsWith('#') && !isPassword(header[0]) && damageOf(first) === null;
}

function faultsOf(header, places, { line, cells, damaged }, seen) {
  const faults = [];
  const add = (column, code, values = {}) => faults.push({ row: line, column, code, values });
  const raw = (column) => cells[places[column]] ?? '';
  if (cells.some((cell, at) => !header[at] && header[at] !== null && cell.trim() !== '')) {
    add(null, 'too_many_cells');
    return faults;
  }
  if (raw('source_host').trim().toLowerCase() === EXAMPLE_HOST) {
    add(null, 'example_row');
    return faults;
  }
  const damage = (column) => {
    const byFile = damaged?.get(places[column]);
    const byText = damageOf(raw(column));
    return byFile ?? (byText === 'typographic_quotes' && !isPassword(column) ? null : byText);
  };
  /** The value, or '' after its fault was told. */
  const value = (column, isPlain = false) => {
    const cell = isPassword(column) ? raw(column) : tidied(raw(column));
    const code = damage(column) ?? (isTooLong(cell) ? 'too_long' : isPlain && hasUnseen(cell) ? 'bad_character' : null);
    if (code) add(column, code);
    return code ? '' : cell;
  };
  const needed = (column, isPlain) => {
    const cell = isPassword(column) ? raw(column) : tidied(raw(column));
    if (cell === '' && !damage(column)) add(column, 'empty_value');
    return value(column, isPlain);
  };
  /** What a value stands for; null where it is empty or none, which is told. */
  const read = (text, column, parse, code) => {
    const found = text === '' ? null : parse(text) ?? null;
    if (text !== '' && found === null) add(column, code);
    return found;
  };
  const address = read(needed('email'), 'email', addressOf, 'bad_address');
  const password = needed('password', true);
  const host = read(value('source_host'), 'source_host', hostOf, 'bad_host');
  const port = read(value('port'), 'port', portOf, 'bad_port');
  const security = read(value('security'), 'security', securityOf, 'bad_security');
  if ((port === 993 && security !== null && security !== 'tls') || (port === 143 && security === 'tls')) add('security', 'contradictory_port');
  const user = value('source_user', true);
  const elsewhere = tidied(raw('destination_email')) !== '' || damage('destination_email');
  const destination = read(value('destination_email'), 'destination_email', addressOf, 'bad_address');
  const into = elsewhere ? destination : address;
  const content = JSON.stringify([password, value('destination_password', true), port, security, user, into]);
  const { mailboxes, destinations } = seen;
  const mailbox = `${address} ${host}`;
  const before = address !== null ? mailboxes.get(mailbox) : undefined;
  if (before) add('email', before.content === content ? 'duplicate_mailbox' : 'contradictory_rows', { row: String(before.line) });
  else {
    if (address !== null) mailboxes.set(mailbox, { line, content });
    if (into !== null && destinations.has(into)) add('destination_email', 'duplicate_destination', { row: String(destinations.get(into)) });
    else if (into !== null) destinations.set(into, line);
  }
  return faults;
}

const byPlace = (a, b) => a.row - b.row || COLUMNS.indexOf(a.column) - COLUMNS.indexOf(b.column);
