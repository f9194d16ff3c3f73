import assert from 'node:assert/strict';
import test from 'node:test';

import { canUndo, outcome, shareOf, stateOf } from '../../../functions/page/assets/attachment-line.js';
import { takesFiles } from '../../../functions/page/assets/attachments.js';
import { LARGEST, digestOf, faultOf, kindOf, plainName } from '../../../functions/page/assets/export-file.js';
import { nextLookAtFiles } from '../../../functions/page/assets/pace.js';

const bytes = (text) => new TextEncoder().encode(text);
const wide = (text) => Uint8Array.from([...text].flatMap((letter) => [letter.charCodeAt(0), 0]));

test('what a file holds is told by its beginning, and by its name where that says nothing', () => {
  assert.equal(kindOf('export', bytes('\ufeffbegin:vcard\r\nVERSION:3.0')), 'contacts');
  assert.equal(kindOf('contacts.txt', wide('BEGIN:VCARD')), 'contacts');
  assert.equal(kindOf('a.vcf', bytes('BEGIN:VCALENDAR')), 'calendar');
  assert.equal(kindOf('Contacts.CSV', bytes('Given Name,Family Name')), 'contacts');
  assert.equal(kindOf('takeout.zip', bytes('PK\u0003\u0004....Takeout/Calendar/Familie.ics')), 'calendar');
  assert.equal(kindOf('takeout.zip', bytes('PK\u0003\u0004....All.vcf')), 'contacts');
  assert.equal(kindOf('letter.pdf', bytes('%PDF-1.7')), null);
});

test('what cannot be sent is found before it is sent', () => {
  assert.equal(faultOf(0, 'contacts'), 'empty');
  assert.equal(faultOf(LARGEST + 1, 'contacts'), 'too_large');
  assert.equal(faultOf(LARGEST, null), 'unknown');
  assert.equal(faultOf(LARGEST, 'calendar'), null);
});

test('names and digests are what the service takes', async () => {
  assert.equal(plainName('a\n\u0000b.vcf'), 'a b.vcf');
  assert.equal([...plainName('💌'.repeat(300))].length, 200);
  assert.equal(plainName('\n'), 'file');
  assert.equal(await digestOf(bytes('')), '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
});

test('a file is told by what the service knows of it, and until then by what the page does', () => {
  assert.deepEqual(stateOf(null, { phase: 'reading' }), ['running', 'reading']);
  assert.deepEqual(stateOf({ state: 'awaiting_upload' }, { phase: 'broken' }), ['bad', 'broken']);
  assert.deepEqual(stateOf({ state: 'awaiting_upload' }, undefined), ['idle', 'awaiting_upload']);
  assert.deepEqual(stateOf({ state: 'importing' }, { phase: 'sent' }), ['running', 'importing']);
  assert.equal(shareOf({ state: 'importing', objects: 4, done: 1 }), 0.25);
  assert.equal(shareOf(null, { phase: 'sending', share: 0.5 }), 0.5);
  assert.equal(shareOf({ state: 'completed', objects: 4, done: 4 }), null);
});

test('of what became of the entries nothing is left out, and after taking back only that is told', () => {
  const counts = { imported: 2, existing: 0, updated: 1, kept: 3, failed: 4, removed: 2, changed_since: 1 };
  assert.deepEqual(outcome({ state: 'completed_with_exceptions', ...counts }), [['imported', 2], ['updated', 1], ['kept', 3], ['failed', 4]]);
  assert.deepEqual(outcome({ state: 'undone', ...counts }), [['removed', 2], ['changed_since', 1]]);
});

test('only what was made can be taken back', () => {
  assert.ok(canUndo({ state: 'completed', imported: 1 }));
  assert.ok(canUndo({ state: 'failed', imported: 1 }));
  assert.ok(canUndo({ state: 'importing', imported: 0 }));
  assert.ok(canUndo({ state: 'awaiting_upload', imported: 0 }));
  assert.ok(!canUndo({ state: 'awaiting_upload', imported: 0 }, { phase: 'sending' }));
  assert.ok(!canUndo({ state: 'completed', imported: 0 }));
  assert.ok(!canUndo({ state: 'undone', imported: 1 }));
});

test('files are taken while a request runs, and for a while after it where no passwords are needed', () => {
  const now = Date.parse('2026-12-01T00:00:00Z');
  const status = (state, since) => ({ state, state_since: since });
  const master = { needs_destination_password: false };
  assert.ok(takesFiles(status('first_pass', '2026-01-01T00:00:00Z'), master, now));
  assert.ok(takesFiles(status('completed', '2026-11-20T00:00:00Z'), master, now));
  assert.ok(!takesFiles(status('completed', '2026-10-20T00:00:00Z'), master, now));
  assert.ok(!takesFiles(status('completed', '2026-11-30T00:00:00Z'), { needs_destination_password: true }, now));
  assert.ok(!takesFiles(status('cancelled', '2026-11-30T00:00:00Z'), master, now));
});

test('files are looked at while one is under way, and not otherwise', () => {
  assert.equal(nextLookAtFiles(false, 0), null);
  assert.equal(nextLookAtFiles(true, 0), 1.5);
  assert.equal(nextLookAtFiles(true, 50), 30);
});
