// Every file of the corpus of intake, read by the page: what it says has to be what the service says (the snapshot beside
// shared/tests/intake_corpus.rs), so that the two cannot drift.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { inflateRawSync } from 'node:zlib';

import { isPassword } from '../../../functions/page/assets/cell.js';
import { readFile } from '../../../functions/page/assets/table-file.js';

const root = new URL('../../../', import.meta.url);
const folder = new URL('tests/fixtures/intake/', root);
const snapshot = readFileSync(new URL('shared/tests/snapshots/intake_corpus__every_file_of_the_corpus_has_the_expected_outcome.snap', root), 'utf8');
// What a provider's rules refuse is left to the service.
const SERVICE_ONLY = new Set(['plaintext_refused', 'not_permitted']);
// A trap for the service's reader: in a browser it is a sheet like others.
const HARMLESS_HERE = 'workbook_promises_too_many_strings.xlsx';
const SAID_OTHERWISE = { workbook_too_large: 'unreadable_workbook' };

// Some versions of Node read it as Latin-1, which no browser does.
const READS_1252 = new TextDecoder('windows-1252').decode(new Uint8Array([0x80])) === '€';

const inflate = (content, atMost) => new Uint8Array(inflateRawSync(content, { maxOutputLength: atMost }));

/** What the service says of each file: the rows that it takes with their passwords, and the faults. */
function outcomes() {
  const files = new Map();
  let file;
  for (const line of snapshot.split('\n')) {
    const [, name] = /^== (.+)$/.exec(line) ?? [];
    if (name) files.set(name, (file = { rows: [], faults: [] }));
    const [, row, password] = /^row (\d+) \S+ \S+ ("(?:[^"\\]|\\.)*") /.exec(line) ?? [];
    if (row) file.rows.push([Number(row), JSON.parse(password)]);
    const [, at, column, code] = /^FAULT (\d+):([^:]*):(\w+) /.exec(line) ?? [];
    if (code && !SERVICE_ONLY.has(code)) file.faults.push(`${at} ${column.includes(' ') || code === 'unknown_column' ? '-' : column} ${code}`);
  }
  return files;
}

test('the page finds in every file of the corpus what the service finds', async () => {
  const expected = outcomes();
  const names = readdirSync(folder);
  assert.deepEqual([...expected.keys()].sort(), names.sort());
  const unread = [];
  for (const name of names) {
    if (name === HARMLESS_HERE || (name === 'encoding_windows1252.csv' && !READS_1252)) continue;
    const read = await readFile(new Uint8Array(readFileSync(new URL(name, folder))), inflate);
    if (read.unread) {
      unread.push(name);
      continue;
    }
    const { rows, faults } = expected.get(name);
    const found = read.faults.map(({ row, column, code }) => `${row} ${column ?? '-'} ${SAID_OTHERWISE[code] ?? code}`);
    assert.deepEqual(found.sort(), faults.sort(), name);
    const faulty = new Set(read.faults.map(({ row }) => row));
    const good = read.rows.filter(({ line }) => !faulty.has(line)).map(({ line, cells }) => [line, cells[read.header.indexOf('password')]]);
    const refused = [...new Set(snapshot.split(`== ${name}\n`)[1].split('\n== ')[0].match(/FAULT \d+:\w+:plaintext_refused/g) ?? [])].length;
    assert.deepEqual(good.slice(0, good.length - refused), rows, name);
  }
  // Broken ones only: a workbook that people's programs write is read here.
  assert.deepEqual(unread, ['open_document.ods', 'workbook_broken_sheet.xlsx', 'workbook_number_of_a_row_beyond_all.xlsx']);
});

test('no fault of the page repeats a password', async () => {
  for (const name of readdirSync(folder)) {
    const { header, rows, faults } = await readFile(new Uint8Array(readFileSync(new URL(name, folder))), inflate);
    const told = JSON.stringify(faults);
    for (const { cells } of rows) {
      for (const [at, column] of header.entries()) if (isPassword(column) && cells[at]?.length > 3) assert.ok(!told.includes(cells[at]), name);
    }
  }
});
