// A customer's CSV, read and checked as the service will do it (shared/src/intake), but before it leaves the machine.
// Pure: no page, no network.

export const COLUMNS = ['email', 'password', 'source_host', 'port', 'security', 'source_user', 'destination_email', 'destination_password'];
export const REQUIRED = ['email', 'password'];
export const MAX_BYTES = 20 * 1024 * 1024;
export const MAX_ROWS = 50_000;
const EXAMPLE_HOST = 'imap.previous-provider.example';

/**
 * Reads a file: `{ header, rows, faults }`. A row is `{ line, cells }` with the line it begins at, as an editor shows it.
 * A fault is `{ row, column, code, values }`; those of row 0 are about the file. A workbook, and columns under names that only
 * the service knows, are left to the service: then there is `unread` instead of rows.
 */
export function read(bytes) {
  const file = (code, values = {}) => ({ header: [], rows: [], faults: [{ row: 0, column: null, code, values }] });
  if (bytes.length === 0) return file('no_rows');
  if (bytes.length > MAX_BYTES) return file('file_too_large', { limit: 20 });
  const unread = { header: [], rows: [], faults: [], unread: true };
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return unread;
  const text = decode(bytes);
  const { records, open } = split(text);
  if (open) return file('malformed_csv', { row: open });
  const filled = records.filter(({ cells }) => cells.some((cell) => cell.trim() !== ''));
  if (filled.length === 0) return file('no_rows');
  const [{ cells: names }, ...rows] = filled;
  const header = names.map((name) => name.trim().toLowerCase());
  if (header.some((name) => name !== '' && !COLUMNS.includes(name))) return unread;
  const faults = headerFaults(header);
  if (faults.length === 0 && rows.length === 0) return file('no_rows');
  if (rows.length > MAX_ROWS) return file('too_many_rows', { limit: MAX_ROWS });
  return { header, rows, faults: faults.length > 0 ? faults : rowFaults(header, rows) };
}

/** The faults of the rows; again after a cell was mended. */
export function rowFaults(header, rows) {
  const faults = [];
  const mailboxes = new Map();
  const destinations = new Map();
  for (const row of rows) {
    const add = (column, code, values = {}) => faults.push({ row: row.line, column, code, values });
    const cell = (column) => row.cells[header.indexOf(column)] ?? '';
    const bare = (column) => cell(column).trim();
    if (row.cells.slice(header.length).some((extra) => extra.trim() !== '')) {
      add(null, 'too_many_cells');
      continue;
    }
    if (bare('source_host').toLowerCase() === EXAMPLE_HOST) {
      add(null, 'example_row');
      continue;
    }
    for (const column of REQUIRED) {
      if ((column === 'password' ? cell(column) : bare(column)) === '') add(column, 'empty_value');
    }
    for (const column of ['email', 'destination_email']) {
      if (bare(column) !== '' && !isAddress(bare(column))) add(column, 'bad_address');
    }
    if (bare('source_host') !== '' && !isHost(bare('source_host'))) add('source_host', 'bad_host');
    if (bare('port') !== '' && !isPort(bare('port'))) add('port', 'bad_port');
    if (bare('security') !== '' && !['tls', 'starttls', 'none'].includes(bare('security').toLowerCase())) add('security', 'bad_security');
    const address = bare('email').toLowerCase();
    if (address === '') continue;
    const mailbox = `${address} ${bare('source_host').toLowerCase()}`;
    const destination = bare('destination_email').toLowerCase() || address;
    if (mailboxes.has(mailbox)) add('email', 'duplicate_mailbox', { row: String(mailboxes.get(mailbox)) });
    else if (destinations.has(destination)) add('destination_email', 'duplicate_destination', { row: String(destinations.get(destination)) });
    if (!mailboxes.has(mailbox)) mailboxes.set(mailbox, row.line);
    if (!destinations.has(destination)) destinations.set(destination, row.line);
  }
  const place = ({ column }) => COLUMNS.indexOf(column);
  return faults.sort((a, b) => a.row - b.row || place(a) - place(b));
}

/** The file of these rows, as it is uploaded. */
export function write(header, rows) {
  const quoted = (cell) => (/[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const line = (cells) => header.map((_, at) => quoted(cells[at] ?? '')).join(',');
  return new TextEncoder().encode(`${[line(header), ...rows.map(({ cells }) => line(cells))].join('\r\n')}\r\n`);
}

export const isAddress = (text) => /^[^\s@"<>(),;:]+@[^\s@.]+(\.[^\s@.]+)+$/u.test(text) && text.length <= 254;

export const isHost = (text) => /^[^\s/@:]+$/u.test(text) && text.length <= 253;

export const isPort = (text) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;

/** Text as people's programs write it: UTF-8, UTF-16 with its mark, else Windows' own. */
function decode(bytes) {
  const mark = (bytes[0] << 8) | bytes[1];
  if (mark === 0xfffe || mark === 0xfeff) return new TextDecoder(mark === 0xfffe ? 'utf-16le' : 'utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

function headerFaults(header) {
  const fault = (code, column) => ({ row: 1, column, code, values: { column } });
  const missing = REQUIRED.filter((column) => !header.includes(column)).map((column) => fault('missing_column', column));
  const twice = header.filter((name, at) => name !== '' && header.indexOf(name) < at).map((name) => fault('duplicate_column', name));
  return [...missing, ...twice];
}

/** Records with the line each begins at; `open` is the line of a quotation mark that never ends. */
function split(text) {
  const first = text.split(/[\r\n]/, 1)[0];
  const separator = [',', ';', '\t'].reduce((best, mark) => (first.split(mark).length > first.split(best).length ? mark : best));
  const records = [];
  let cells = [];
  let cell = '';
  let line = 1;
  let begun = 1;
  let quoted = false;
  let wasQuoted = false;
  const endCell = () => {
    cells.push(cell);
    cell = '';
    wasQuoted = false;
  };
  const endRecord = () => {
    endCell();
    records.push({ line: begun, cells });
    cells = [];
    begun = line;
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
    } else if (c === '"' && cell === '' && !wasQuoted) {
      quoted = true;
      wasQuoted = true;
    } else if (c === separator) endCell();
    else if (isBreak) endRecord();
    else if (c !== '\r') cell += c;
  }
  if (quoted) return { records, open: begun };
  if (cell !== '' || cells.length > 0) endRecord();
  return { records, open: null };
}
