import assert from 'node:assert/strict';
import test from 'node:test';

import { MAX_ROWS, read, rowFaults, write } from '../../../functions/page/assets/csv.js';

const bytes = (text) => new TextEncoder().encode(text);
const codes = (text) => read(bytes(text)).faults.map(({ row, column, code }) => [row, column, code]);
const HEAD = 'email,password,source_host\n';

test('a good file has no faults, whatever separates its cells', () => {
  for (const separator of [',', ';', '\t']) {
    const text = `\ufeffEmail,Password,Source_Host,port\r\n\r\nanna@example.org,a b,imap.example.org,993\r\n`.replaceAll(',', separator);
    const { rows, faults, header } = read(bytes(text));
    assert.deepEqual(faults, []);
    assert.deepEqual(header, ['email', 'password', 'source_host', 'port']);
    assert.deepEqual(rows, [{ line: 3, cells: ['anna@example.org', 'a b', 'imap.example.org', '993'] }]);
  }
});

test('a value in quotation marks may hold separators, line breaks and doubled marks', () => {
  const { rows, faults } = read(bytes(`${HEAD}a@example.org,"p,""q""\n",h.example\nb@example.org,x,h.example\n`));
  assert.deepEqual(faults, []);
  assert.equal(rows[0].cells[1], 'p,"q"\n');
  assert.equal(rows[1].line, 4);
});

test('what is missing in a row is told with its column, and the spaces of a password count', () => {
  assert.deepEqual(codes(`${HEAD}a@example.org,, \nb@example.org, ,h.example\n`), [[2, 'password', 'empty_value']]);
});

test('the same mailbox twice is told in the second row', () => {
  const twice = `${HEAD}Anna@example.org,x,h.example\nanna@example.org,y,H.example\n`;
  assert.deepEqual(codes(twice), [[3, 'email', 'duplicate_mailbox']]);
});

test('two mailboxes that go to one are told', () => {
  const text = 'email,password,source_host,destination_email\na@example.org,x,h.example,\nb@example.org,x,h.example,A@example.org\n';
  assert.deepEqual(codes(text), [[3, 'destination_email', 'duplicate_destination']]);
});

test('columns that are missing or there twice are told at once', () => {
  assert.deepEqual(codes('email,security,email\nx,y,z\n'), [
    [1, 'password', 'missing_column'], [1, 'email', 'duplicate_column'],
  ]);
});

test('a workbook and columns under other names are left to the service', () => {
  for (const file of [new Uint8Array([0x50, 0x4b, 3, 4]), bytes('E-Mail;Passwort;Server\na@example.org;x;h.example\n')]) {
    const { unread, faults } = read(file);
    assert.equal(unread, true);
    assert.deepEqual(faults, []);
  }
});

test('text is read in the encodings that programs write', () => {
  const text = `${HEAD}a@example.org,müll,h.example\n`;
  const utf16 = new Uint8Array(Buffer.from(`\ufeff${text}`, 'utf16le'));
  for (const file of [bytes(text), utf16, new Uint8Array(Buffer.from(text, 'latin1'))]) assert.equal(read(file).rows[0].cells[1], 'müll');
});

test('what is no CSV at all is told for what it is', () => {
  assert.deepEqual(codes(''), [[0, null, 'no_rows']]);
  assert.deepEqual(codes(HEAD), [[0, null, 'no_rows']]);
  assert.deepEqual(codes(`${HEAD}a@example.org,"x,h.example\n`), [[0, null, 'malformed_csv']]);
  const many = HEAD + 'a@example.org,x,h.example\n'.repeat(MAX_ROWS + 1);
  assert.equal(read(bytes(many)).faults[0].code, 'too_many_rows');
});

test('the example of the template is not a mailbox', () => {
  assert.deepEqual(codes(`${HEAD}anna@example.com,x,imap.previous-provider.example\n`), [[2, null, 'example_row']]);
});

test('a mended file is written as it is read', () => {
  const file = read(bytes(`email;password;source_host\na@example.org;" p;""q ";h.example\n`));
  const again = read(write(file.header, file.rows));
  assert.deepEqual(again.rows.map(({ cells }) => cells), file.rows.map(({ cells }) => cells));
  file.rows[0].cells[0] = 'a@example';
  assert.deepEqual(rowFaults(file.header, file.rows).map(({ code }) => code), ['bad_address']);
});
