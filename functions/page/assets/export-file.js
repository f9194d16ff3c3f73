// A file that another program exported, looked at before it leaves the machine. Pure, but for the digest.

/** The longest file that is taken, in bytes. */
export const LARGEST = 100 * 1024 * 1024;
/** How much of a file tells what it is. */
export const HEAD = 64 * 1024;
/** What the dialogue for choosing files offers. */
export const ACCEPT = '.vcf,.vcard,.ics,.ical,.csv,.zip,text/vcard,text/calendar,text/csv,application/zip';

const ENDINGS = { vcf: 'contacts', vcard: 'contacts', csv: 'contacts', ics: 'calendar', ical: 'calendar' };
const NAME_CHARS = 200;

/** What a file holds, as far as its name and its beginning tell; null where it is no export of either kind. */
export function kindOf(name, head) {
  // Of UTF-16 every other byte is zero; the words that are looked for are ASCII in all character sets.
  const text = new TextDecoder('windows-1252').decode(head).replaceAll('\0', '');
  if (/BEGIN:VCALENDAR/i.test(text)) return 'calendar';
  if (/BEGIN:VCARD/i.test(text)) return 'contacts';
  if (text.startsWith('PK')) return /\.ics/i.test(text) ? 'calendar' : 'contacts';
  return ENDINGS[name.split('.').at(-1).toLowerCase()] ?? null;
}

/** What keeps a file from being sent: a key of the words for it; null where nothing does. */
export function faultOf(size, kind) {
  if (size === 0) return 'empty';
  if (size > LARGEST) return 'too_large';
  return kind === null ? 'unknown' : null;
}

/** The name as the service takes it. */
export function plainName(name) {
  const plain = name.replace(/\p{Cc}+/gu, ' ').trim();
  return [...plain].slice(0, NAME_CHARS).join('') || 'file';
}

/** SHA-256 in base64. */
export async function digestOf(buffer) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', buffer));
  return btoa(String.fromCharCode(...digest));
}
