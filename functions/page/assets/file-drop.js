// A file with many mailboxes: dropped or chosen, checked before it leaves the machine, and mended in place.

import { isPassword } from './cell.js';
import { write } from './csv.js';
import { announce, fill, h, newId } from './dom.js';
import { dropZone } from './drop-zone.js';
import { digestOf } from './export-file.js';
import { field } from './field.js';
import { t, tried } from './language.js';
import { rowsPreview } from './rows-preview.js';
import { MAX_BYTES, readFile, tooLarge } from './table-file.js';
import { rowFaults } from './table.js';

/** How many faulty rows are shown to be mended at a time. */
const SHOWN = 10;

/** The zone for a file. `held` is the file as it was left before, `keep` gets the new one. `bytes()` is what to upload, or null. */
export function fileDrop(held, keep) {
  const verdict = h('div', { class: 'verdict' });
  let file = held;
  const take = async ([chosen]) => {
    // What is too large is not even read into memory.
    const bytes = new Uint8Array(chosen.size > MAX_BYTES ? 0 : await chosen.arrayBuffer());
    const read = chosen.size > MAX_BYTES ? tooLarge() : await readFile(bytes);
    file = { name: chosen.name, bytes, ...read, mended: false };
    keep(file);
    render();
    verdict.querySelector('[data-verdict]')?.focus();
  };
  const zone = dropZone({ label: t('form.file.label'), title: t('form.file.drop'), accept: '.csv,.txt,.xlsx,text/csv,text/plain', take });
  const render = () => fill(verdict, file && verdictOf(file, render));
  render();
  return {
    element: h('div', {}, zone.element, verdict),
    focus: zone.focus,
    file: () => file,
    bytes: () => (file.mended ? write(file.header, file.rows) : file.bytes),
  };
}

/** What is said of a file before it is uploaded: the place takes that very file. */
export async function announced(bytes) {
  return { csv_bytes: bytes.length, csv_sha256: await digestOf(bytes) };
}

function verdictOf(file, render) {
  const about = h('span', { class: 'soft' }, t('form.file.of', { name: file.name, rows: file.rows.length }));
  if (file.unread) return h('p', { 'data-verdict': true, tabindex: '-1' }, h('strong', {}, file.name), ` ${t('form.file.unread')}`);
  const rows = file.rows.length > 0;
  if (file.faults.length === 0) {
    const good = t('form.file.good', { count: file.rows.length });
    announce(good);
    return h('div', { class: 'stack-tight', 'data-verdict': true, tabindex: '-1' },
      h('p', {}, h('span', { class: 'verdict-good' }, `✓ ${good} `), about), rowsPreview(file, true));
  }
  const faulty = t('form.file.faulty', { count: file.faults.length });
  const whole = file.lasting;
  const lines = [...new Set(file.faults.filter((fault) => !whole.includes(fault)).map(({ row }) => row))];
  return h('div', { class: 'note warn', 'data-verdict': true, tabindex: '-1' },
    h('h3', {}, `${faulty} `, about),
    h('p', {}, t(whole.some(({ code }) => code !== 'unknown_column') ? 'form.file.again' : 'form.file.mend')),
    whole.length > 0 && h('ul', { class: 'tasks' }, whole.map((fault) => task(file, fault, render))),
    lines.slice(0, SHOWN).map((line) => mender(file, line, render)),
    lines.length > SHOWN && h('p', { class: 'mend' }, t('form.file.more', { count: lines.length - SHOWN })),
    rows && rowsPreview(file, false));
}

/** What is to be mended in the file itself. What is sent has the known columns only, so others can be left out here too. */
function task(file, fault, render) {
  const drop = () => {
    file.mended = true;
    file.lasting = file.lasting.filter((one) => one !== fault);
    file.faults = file.faults.filter((one) => one !== fault);
    render();
  };
  const { code, row, column } = fault;
  const id = newId('task');
  return h('li', {},
    row > 0 && column === null && code !== 'unknown_column' && h('strong', {}, `${t('form.file.row', { row: String(row) })}: `),
    h('span', { id }, words(fault)),
    code === 'unknown_column' && [' ', h('button', { type: 'button', class: 'button quiet', 'aria-describedby': id, on: { click: drop } }, t('form.file.drop_column'))]);
}

/** The cells of a row that have faults, to be mended. */
function mender(file, line, render) {
  const row = file.rows.find((one) => one.line === line);
  const faults = file.faults.filter((fault) => fault.row === line);
  const recheck = () => {
    file.mended = true;
    file.faults = [...file.lasting, ...rowFaults(file.header, file.rows)];
  };
  const drop = () => {
    file.rows = file.rows.filter((one) => one !== row);
    recheck();
    render();
  };
  const cells = faults.filter(({ column }) => file.header.includes(column)).map((fault) => {
    const at = file.header.indexOf(fault.column);
    const cell = field({
      label: t(`column.${fault.column}`), kind: isPassword(fault.column) ? 'password' : 'text', value: row.cells[at] ?? '', attributes: { autocomplete: 'off' },
      onInput: (value) => {
        row.cells[at] = value;
        // It is what was typed now, whatever the spreadsheet had made of it.
        row.damaged?.delete(at);
        // The whole file is checked when the cell is left.
        const left = rowFaults(file.header, [row]).find(({ column }) => column === fault.column);
        cell.fault(left ? words(left) : null);
      },
    });
    cell.control.addEventListener('change', () => {
      if (rowFaults(file.header, [row]).length > 0) return;
      recheck();
      setTimeout(render);
    });
    cell.fault(words(fault));
    return cell.element;
  });
  const others = faults.filter(({ column }) => !file.header.includes(column));
  const name = row.cells[file.header.indexOf('email')];
  const id = newId('row');
  return h('section', { class: 'mend', 'aria-labelledby': id },
    h('div', { class: 'mend-head' },
      h('h3', { id }, t('form.file.row', { row: String(line) }), name && h('span', { class: 'soft' }, ` · ${name}`)),
      h('button', { type: 'button', class: 'button quiet', 'aria-describedby': id, on: { click: drop } }, t('form.file.drop_row'))),
    others.map((fault) => h('p', {}, words(fault))),
    cells.length > 0 && h('div', { class: 'fields' }, cells));
}

const words = ({ code, values }) => tried(`csv.${code}`, values) ?? code;
