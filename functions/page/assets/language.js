// The words of the page in the visitor's language. A language is one file in lang/, named as in BCP 47.

let words = {};
let spare = {};
let locale = 'en';
const KEPT = 'mailvan-language';

/** Which of the known languages to show: the one chosen before, else the first the browser asks for, else the first known. */
export function choose(known, wanted, kept) {
  if (kept && known.includes(kept)) return kept;
  for (const tag of wanted) {
    const found = known.find((name) => name === tag.toLowerCase()) ?? known.find((name) => name === tag.toLowerCase().split('-')[0]);
    if (found) return found;
  }
  return known[0];
}

/** Loads the words; what a language has no words for yet is shown in English. */
export async function start(known) {
  let kept = null;
  try {
    kept = localStorage.getItem(KEPT);
  } catch {
    // A browser may keep nothing; then the choice lasts as long as the page.
  }
  spare = (await import('./lang/en.js')).default;
  await use(choose(known, navigator.languages ?? ['en'], kept));
}

/** Changes the language. */
export async function use(name) {
  words = name === 'en' ? spare : (await import(`./lang/${name}.js`)).default;
  locale = name;
  document.documentElement.lang = name;
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // As above.
  }
}

/** The language that is shown. */
export function current() {
  return locale;
}

/** The language with the visitor's own country, which has its own ways with numbers and dates. */
export function region() {
  return navigator.languages?.find((tag) => tag.toLowerCase().split('-')[0] === locale) ?? locale;
}

/** Each language's own name for itself. */
export function nameOf(language) {
  const name = new Intl.DisplayNames([language], { type: 'language' }).of(language);
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
}

/** The words for a key such as `form.title`, with `{names}` filled in. Where they depend on a number, `count` decides. */
export function t(key, values = {}) {
  const found = find(words, key) ?? find(spare, key);
  if (found === undefined) return key;
  return insert(plural(found, values.count, locale), values, locale);
}

/** Several texts that belong together, such as a heading and what stands below it. */
export function texts(key, values = {}) {
  const all = find(words, key) ?? find(spare, key) ?? [];
  return all.map((text) => (Array.isArray(text) ? text.map((part) => insert(part, values, locale)) : insert(text, values, locale)));
}

/** The words for a key, or null where neither this language nor English has any. */
export function tried(key, values = {}) {
  return find(words, key) === undefined && find(spare, key) === undefined ? null : t(key, values);
}

/** The words that this language itself has for a key, or null. English leaves to the service what the service says in English. */
export function own(key, values = {}) {
  const found = find(words, key);
  return typeof found === 'string' ? insert(found, values, locale) : null;
}

/** What the service said about a fault, in the visitor's language where there are words for its code. */
export function said(kind, code, message) {
  return own(`${kind}.${code}`) ?? message;
}

/** A sentence of the service's in the visitor's language, where that has a pattern for it; `{}` stands for a value. */
export function worded(text, patterns = words.sentences ?? []) {
  for (const [pattern, translated] of patterns) {
    const escaped = pattern.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll('{}', '(.+?)');
    const found = new RegExp(`^${escaped}$`, 's').exec(text);
    if (found) return translated.split('{}').reduce((whole, piece, at) => whole + found[at] + piece);
  }
  return text;
}

/** With a capital at its beginning, which what the service says has not. */
export function sentence(text) {
  return text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);
}

export function find(tree, key) {
  return key.split('.').reduce((branch, part) => branch?.[part], tree);
}

export function plural(found, count, language) {
  if (typeof found === 'string') return found;
  return found[new Intl.PluralRules(language).select(count)] ?? found.other;
}

export function insert(text, values, language) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? new Intl.NumberFormat(language).format(value) : value;
  });
}
