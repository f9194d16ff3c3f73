import assert from 'node:assert/strict';
import test from 'node:test';

import { isAddress, isHost } from '../../../functions/page/assets/cell.js';
import { readCsv as read, write } from '../../../functions/page/assets/csv.js';
import { MAX_ROWS, rowFaults } from '../../../functions/page/assets/table.js';

const bytes = (text) => new TextEncoder().encode(text);
const codes = (text) => read(bytes(text)).faults.map(({ row, column, code }) => [row, column, code]);
const HEAD = 'email,password,source_host\n';

test('a good file has no faults, whatever separates its cells', () => {
  for (const separator of [',', ';', '\t']) {
    const text = `\ufeffEmail,Password,Source_Host,port\r\n\r\nanna@example.org,a b,imap.example.org,993\r\n`.replaceAll(',', separator);
    const { rows, faults, header } = read(bytes(text));
    assert.deepEqual(faults, []);
    assert.deepEqual(header, ['email', 'password', 'source_host', 'port']);
    assert.deepEqual(rows.map(({ line, cells }) => [line, cells]), [[3, ['anna@example.org', 'a b', 'imap.example.org', '993']]]);
  }
});

test('a value in quotation marks may hold separators, line breaks and doubled marks', () => {
  const { rows, faults } = read(bytes(`${HEAD}a@example.org,"p,""q""","h.example\n"\nb@example.org,x,h.example\n`));
  assert.deepEqual(faults, []);
  assert.equal(rows[0].cells[1], 'p,"q"');
  assert.equal(rows[1].line, 4);
});

test('what is missing in a row is told with its column, and the spaces of a password count', () => {
  assert.deepEqual(codes(`${HEAD}a@example.org,, \nb@example.org, ,h.example\n`), [[2, 'password', 'empty_value']]);
});

test('the same mailbox twice is told in the second row', () => {
  const twice = `${HEAD}Anna@example.org,x,h.example\nanna@example.org,x,H.example\nanna@example.org,y,h.example\n`;
  assert.deepEqual(codes(twice), [[3, 'email', 'duplicate_mailbox'], [4, 'email', 'contradictory_rows']]);
});

test('two mailboxes that go to one are told', () => {
  const text = 'email,password,source_host,destination_email\na@example.org,x,h.example,\nb@example.org,x,h.example,A@example.org\n';
  assert.deepEqual(codes(text), [[3, 'destination_email', 'duplicate_destination']]);
});

test('columns that are missing or there twice are told at once', () => {
  assert.deepEqual(codes('email,security,email\nx,y,z\n'), [
    [1, 'email', 'duplicate_column'], [1, 'password', 'missing_column'],
  ]);
});

test('columns may have the names of other languages, and others may stand beside them', () => {
  const { header, rows, faults } = read(bytes('Nachname;E-Mail;Passwort;IMAP-Server;Telefon\nX;a@example.org;x;h.example;1\n'));
  assert.deepEqual(header, [null, 'email', 'password', 'source_host', null]);
  assert.deepEqual(faults, [{ row: 1, column: null, code: 'unknown_column', values: { column: 'Telefon' } }]);
  assert.equal(new TextDecoder().decode(write(header, rows)), 'password,email,source_host\r\nx,a@example.org,h.example\r\n');
});

test('addresses and servers are told from what is none', () => {
  for (const good of ['a@example.org', 'Jürg.x+y@müller.example', "o'hara@example.org"]) assert.ok(isAddress(good), good);
  for (const bad of ['a', 'a@', '@b.example', 'a@b', 'a@b@c.example', 'a b@example.org', '.a@example.org', 'a..b@example.org', 'a@1.2.3.4']) assert.ok(!isAddress(bad), bad);
  for (const good of ['imap.example.org', 'IMAP.Example.org.', 'imap.例え.example', '127.0.0.1', '::1', '[2001:db8::1]', 'localhost']) assert.ok(isHost(good), good);
  for (const bad of ['https://h.example', 'h.example/x', 'h.example:993', 'a@h.example', 'h example', '1.2.3', '1.2.3.400', '-h.example', 'h..example', 'h_1.example']) assert.ok(!isHost(bad), bad);
});

test('fifty thousand rows are checked while somebody waits', () => {
  const lines = Array.from({ length: MAX_ROWS }, (_, n) => `user${n}@example.org,secret${n},imap${n % 40}.example.org\n`);
  const begun = performance.now();
  const { rows, faults } = read(bytes(HEAD + lines.join('')));
  assert.deepEqual([rows.length, faults], [MAX_ROWS, []]);
  assert.ok(performance.now() - begun < 10_000);
});

test('text is read in the encodings that programs write', () => {
  const text = `${HEAD}a@example.org,müll,h.example\n`;
  const utf16 = new Uint8Array(Buffer.from(`\ufeff${text}`, 'utf16le'));
  for (const file of [bytes(text), utf16, new Uint8Array(Buffer.from(text, 'latin1'))]) assert.equal(read(file).rows[0].cells[1], 'müll');
});

test('what is no CSV at all is told for what it is', () => {
  assert.deepEqual(codes(''), [[0, null, 'no_rows']]);
  assert.deepEqual(codes(HEAD), [[0, null, 'no_rows']]);
  assert.deepEqual(codes(`${HEAD}a@example.org,"x,h.example\n`), [[2, null, 'malformed_csv']]);
  const many = HEAD + 'a@example.org,x,h.example\n'.repeat(MAX_ROWS + 1);
  assert.equal(read(bytes(many)).lasting[0].code, 'too_many_rows');
});

test('the example of the template is not a mailbox', () => {
  assert.deepEqual(codes(`${HEAD}anna@example.com,x,imap.previous-provider.example\n`), [[2, null, 'example_row']]);
});

test('a mended file is written as it is read', () => {
  const file = read(bytes(`email;password;source_host\na@example.org;" p;""q ";h.example\n`));
  const again = read(write(file.header, file.rows));
  const [{ cells: [email, password, host] }] = file.rows;
  assert.deepEqual(again.rows.map(({ cells }) => cells), [[password, email, host]]);
  // Nothing becomes a comment by it.
  const odd = read(bytes('Name;E-Mail;Passwort\nX;#a@example.org;#x\n'));
  assert.equal(read(write(odd.header, odd.rows)).rows.length, 1);
  file.rows[0].cells[0] = 'a@example';
  assert.deepEqual(rowFaults(file.header, file.rows).map(({ code }) => code), ['bad_address']);
});
