import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';

import { duration, percent, size, wallTime } from '../../../functions/page/assets/format.js';
import { choose, insert, plural, worded } from '../../../functions/page/assets/language.js';
import { parse } from '../../../functions/page/assets/session.js';

const folder = new URL('../../../functions/page/assets/lang/', import.meta.url);
const languages = readdirSync(folder);
const load = async (file) => (await import(new URL(file, folder))).default;
// What the service says in English itself is only translated.
const ONLY_TRANSLATED = /^(check|dns_advice|dns_problem|fault|failure|problem|sentences)\./;
const PLURAL = ['zero', 'one', 'two', 'few', 'many', 'other'];

function leaves(tree, path = '') {
  if (typeof tree === 'string') return [[path, tree]];
  if (!Array.isArray(tree) && tree.other && Object.keys(tree).every((key) => PLURAL.includes(key))) return [[path, tree.other]];
  return Object.entries(tree).flatMap(([key, branch]) => leaves(branch, path ? `${path}.${key}` : key));
}

const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test('every language has the words of English, with the same places to fill in', async () => {
  const english = new Map(leaves(await load('en.js')).filter(([key]) => !ONLY_TRANSLATED.test(key)));
  assert.ok(languages.length >= 2 && english.size > 150);
  for (const file of languages) {
    const own = new Map(leaves(await load(file)).filter(([key]) => !ONLY_TRANSLATED.test(key)));
    assert.deepEqual([...own.keys()].sort(), [...english.keys()].sort(), file);
    for (const [key, text] of own) {
      assert.ok(text.trim() !== '', `${file}: ${key} is empty`);
      assert.deepEqual([...new Set(places(text))], [...new Set(places(english.get(key)))], `${file}: ${key}`);
    }
  }
});

test('the words that the page asks for are there', async () => {
  const assets = new URL('../../../functions/page/assets/', import.meta.url);
  const source = readdirSync(assets).filter((name) => name.endsWith('.js') && name !== 'language.js')
    .map((name) => readFileSync(new URL(name, assets), 'utf8')).join('\n');
  // Each literal in the first argument, which may be chosen by a condition; what is put into one stands for any word.
  const asked = [...source.matchAll(/\bt\(([^(){},]*(?:\$\{[^{}]*\}[^(){},]*)*)/g)].flatMap(([, key]) => [...key.matchAll(/(['`])([\w-]+\..*?)\1/g)].map(([, , name]) => name));
  const keys = leaves(await load('en.js')).map(([key]) => key);
  assert.ok(new Set(asked).size > 200, `only ${new Set(asked).size} are found`);
  for (const name of new Set(asked)) {
    const pattern = new RegExp(`^${name.replaceAll('.', '\\.').replace(/\$\{.*?\}/g, '\\w+')}$`);
    assert.ok(keys.some((key) => pattern.test(key)), `there are no words for ${name}`);
  }
});

test('the language is the one chosen before, else the first that the browser asks for', () => {
  assert.equal(choose(['de', 'en'], ['fr-FR', 'de-AT', 'en'], null), 'de');
  assert.equal(choose(['de', 'en'], ['de'], 'en'), 'en');
  assert.equal(choose(['en', 'de'], ['fr'], 'xx'), 'en');
  assert.equal(choose(['de', 'en'], ['fr'], 'xx'), 'de');
  assert.equal(choose(['de'], ['en', 'fr'], 'en'), 'de');
});

test('words depend on the number, and numbers are written as the language does', () => {
  assert.equal(plural({ one: 'a', other: 'b' }, 1, 'de'), 'a');
  assert.equal(insert('{count} von {all}', { count: 1234, all: 'vielen' }, 'de'), '1.234 von vielen');
  assert.equal(insert('{unknown}', {}, 'en'), '{unknown}');
});

test('a sentence of the service is translated with its values, and one that is not known stays', () => {
  const patterns = [['line {} of {} (a.b)', 'Zeile {} von {}'], ['it is larger than {}', 'größer als {}']];
  assert.equal(worded('line 12 of {} x (a.b)', patterns), 'Zeile 12 von {} x');
  assert.equal(worded('line 12 of 3 (axb)', patterns), 'line 12 of 3 (axb)');
  assert.equal(worded('it is larger than $& bytes', patterns), 'größer als $& bytes');
});

test('every sentence that is translated is one that the service says', async () => {
  const roots = ['../../../shared/src/dav/', '../../../functions/intake/src/'].map((path) => new URL(path, import.meta.url));
  const files = roots.flatMap((root) => readdirSync(root, { recursive: true }).filter((name) => name.endsWith('.rs')).map((name) => new URL(name, root)));
  files.push(new URL('../../../shared/src/forecast.rs', import.meta.url));
  // A backslash at the end of a line joins it with the next.
  const source = files.map((file) => readFileSync(file, 'utf8')).join('\n').replace(/\\\n\s*/g, '').replace(/\{[\w.:]*\}/g, '{}');
  for (const file of languages) {
    const { sentences = [] } = await load(file);
    for (const [pattern, translated] of sentences) {
      assert.ok(source.includes(pattern), `${file}: no source says "${pattern}"`);
      assert.equal(translated.split('{}').length, pattern.split('{}').length, `${file}: ${pattern}`);
    }
  }
});

test('sizes, shares, durations and times are what people write', () => {
  assert.equal(size(0, 'en'), '0 B');
  assert.equal(size(1_234_567, 'de'), '1,2 MB');
  assert.equal(percent(0.999, 'en'), '99%');
  assert.equal(percent(1, 'en'), '100%');
  assert.equal(duration(45, 'en'), '45 sec');
  assert.equal(duration(3_600 * 3 + 60 * 20, 'en'), '3 hr 20 min');
  assert.equal(wallTime('2026-11-25T21:05:00Z', 'Europe/Berlin'), '2026-11-25T22:05');
});

test('a link names a request and its token, and nothing else is taken for one', () => {
  const id = '01kavz6t5t8vd3z6s7m9p0q1r2';
  assert.deepEqual(parse(`#r=${id}.abc-_1`), { id, token: 'abc-_1' });
  assert.deepEqual(parse(`#r=${id}`), { id, token: null });
  for (const text of ['', '#', '#r=x', `#r=${id}.`, `#r=${id}.a b`, `#r=../${id}.a`]) assert.equal(parse(text), null, text);
});
