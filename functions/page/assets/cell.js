// One value of a customer's table, as the service understands it (shared/src/intake): the name of a column, what surrounds a
// value, what a spreadsheet did to it, an address, a server, a port. Pure.

import { BESIDE_THE_POINT, NAMES } from './columns.js';

export const COLUMNS = Object.keys(NAMES);
export const MAX_CELL_BYTES = 1_024;
const REMEMBERED = 1_000;

const ACCENTS = { à: 'a', á: 'a', â: 'a', ä: 'a', ã: 'a', è: 'e', é: 'e', ê: 'e', ë: 'e', ì: 'i', í: 'i', î: 'i', ï: 'i', ò: 'o', ó: 'o', ô: 'o', ö: 'o', ù: 'u', ú: 'u', û: 'u', ü: 'u', ñ: 'n', ç: 'c', ß: 'ss' };
const INVISIBLE = '\\u00ad\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2064\\ufeff';
const STRAY = new RegExp(`^[\\p{White_Space}${INVISIBLE}]+|[\\p{White_Space}${INVISIBLE}]+$`, 'gu');
const UNSEEN = new RegExp(`[\\p{Cc}${INVISIBLE}]`, 'u');
const TYPOGRAPHIC = [/^[“„”](.+)[”“]$/su, /^[‘‚’](.+)[’‘]$/su, /^[«»](.+)[»«]$/su];
const ERRORS = new Set(['#n/a', '#nv', '#name?', '#nom?', '#nombre?', '#nome?', '#ref!', '#bezug!', '#rif!', '#ref', '#value!', '#wert!', '#valeur!', '#valore!', '#div/0!']);
const SECURITIES = {
  tls: 'tls', ssl: 'tls', 'ssl/tls': 'tls', 'tls/ssl': 'tls', imaps: 'tls', implicit: 'tls',
  starttls: 'starttls', start_tls: 'starttls', 'start-tls': 'starttls',
  none: 'none', plain: 'none', insecure: 'none',
};

/** A column's name as it is looked up: lower case, letters and digits only, accents taken off. */
export const folded = (name) => [...name.toLowerCase()].map((c) => ACCENTS[c] ?? (/[\p{Alphabetic}\p{N}]/u.test(c) ? c : '')).join('');

const known = new Map(COLUMNS.flatMap((column) => [folded(column), ...NAMES[column].trim().split(/\s+/)].map((name) => [name, column])));
const beside = new Set(BESIDE_THE_POINT.trim().split(/\s+/));

/** The column that a name stands for; undefined where it is none. */
export const columnOf = (name) => known.get(folded(name));

/** Whether a column is one that exports have and a move does not need. */
export const isBesideThePoint = (name) => beside.has(folded(name));

export const isPassword = (column) => column === 'password' || column === 'destination_password';

/** Whether a cell is longer than values are. */
export const isTooLong = (cell) => isOver(cell, MAX_CELL_BYTES);

/** Whether a line break, a tab or another character that nobody sees is in it. */
export const hasUnseen = (cell) => UNSEEN.test(cell);

/** A value without what programs put around it. Not for passwords. */
export function tidied(cell) {
  const bare = cell.replace(STRAY, '').replace(/^'/, '');
  return (inTypographicQuotes(bare) ?? bare).replace(/^mailto:/i, '').replace(STRAY, '');
}

/** What a spreadsheet did to a value, as far as its text shows: the code of a fault, or null. */
export function damageOf(cell) {
  const text = cell.trim();
  if (text === '' || isOver(text, 64)) return null;
  if (/^#{3,}$/.test(text)) return 'spreadsheet_overflow';
  if (ERRORS.has(text.toLowerCase())) return 'spreadsheet_error';
  if (/^\d([.,]\d+)?E\+\d{2,3}$/.test(text)) return 'altered_by_spreadsheet';
  return inTypographicQuotes(text) === null ? null : 'typographic_quotes';
}

/** An address as it is compared: lower case, its domain in ASCII; null where it is none. */
export function addressOf(text) {
  const [local, domain, ...more] = text.trim().split('@');
  if (domain === undefined || more.length > 0) return null;
  if (local === '' || isOver(local, 64) || /[\p{White_Space}\p{Cc}"(),:;<>[\\\]]/u.test(local) || /^\.|\.\.|\.$/.test(local)) return null;
  const host = hostOf(domain);
  if (host === null || !host.includes('.') || /^[\d.]+$/.test(host) || host.includes(':')) return null;
  const whole = `${local}@${host}`;
  return isOver(whole, 254) ? null : whole.toLowerCase();
}

/** A server's name in ASCII and lower case, or its IP address; null where it is neither. */
export function hostOf(text) {
  if (text.includes(':')) return ipv6Of(text.replace(/^\[(.*)\]$/, '$1'));
  if (text === '' || /[\p{White_Space}@/?#\\%[\]]/u.test(text)) return null;
  const name = text.replace(/\.$/, '');
  // What ends in digits is an address of four numbers, or nothing; the browser would read more into it.
  if (/(^|\.)\d+$/.test(name)) return /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.|$)){4}$/.test(name) ? name : null;
  const ascii = urlHost(name);
  const isLabel = (label) => label.length <= 63 && /^[a-z\d]([a-z\d-]*[a-z\d])?$/.test(label);
  return ascii !== null && ascii.length <= 253 && ascii.split('.').every(isLabel) ? ascii : null;
}

/** A port as a spreadsheet may write it; null where it is none. */
export function portOf(text) {
  const [, digits] = /^\+?(\d{1,5})([.,]0)?$/.exec(text) ?? [];
  const port = Number(digits);
  return port >= 1 && port <= 65535 ? port : null;
}

/** How a connection is protected, by the words that mail programs use; undefined for any other word. */
export const securityOf = (text) => SECURITIES[text.trim().toLowerCase()];

export const isAddress = (text) => addressOf(text) !== null;

export const isHost = (text) => hostOf(text) !== null;

export const isPort = (text) => /^\d+$/.test(text) && portOf(text) !== null;

/** Whether a text has more bytes than that in UTF-8. */
const isOver = (text, bytes) => text.length > bytes || (text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes);

function inTypographicQuotes(cell) {
  for (const pair of TYPOGRAPHIC) {
    const found = pair.exec(cell);
    if (found) return found[1];
  }
  return null;
}

function ipv6Of(text) {
  return /^[\da-f:.]+$/i.test(text) ? urlHost(`[${text}]`)?.slice(1, -1) ?? null : null;
}

const hosts = new Map();

/** The browser's own reading of a name, which knows how letters of all languages are written in the DNS. */
function urlHost(name) {
  // In a file the same few names come again and again.
  if (hosts.has(name)) return hosts.get(name);
  if (hosts.size >= REMEMBERED) hosts.clear();
  let host = null;
  try {
    host = new URL(`http://${name}/`).hostname;
  } catch {
    // It is none.
  }
  hosts.set(name, host);
  return host;
}
