// How a file is read, before it is sent: its first rows as a table. Of a password it is only shown whether there is one.

import { isPassword } from './cell.js';
import { h } from './dom.js';
import { t } from './language.js';

const SHOWN = 8;

/** The table, folded away where there is something to mend first. */
export function rowsPreview({ header, rows }, isOpen) {
  const columns = header.map((column, at) => [column, at]).filter(([column]) => column);
  const heads = [h('th', { scope: 'col', class: 'right' }, t('form.file.line')), ...columns.map(([column]) => h('th', { scope: 'col' }, t(`column.${column}`)))];
  const line = ({ line: number, cells }) => h('tr', {},
    h('td', { class: 'right number soft' }, String(number)),
    columns.map(([column, at]) => h('td', {}, shown(column, cells[at] ?? ''))));
  const left = header.filter((column) => column === null).length;
  return h('details', { class: 'rows', open: isOpen }, h('summary', {}, t('form.file.read')),
    h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('form.file.read') },
      h('table', {}, h('thead', {}, h('tr', {}, heads)), h('tbody', {}, rows.slice(0, SHOWN).map(line)))),
    h('p', { class: 'soft small' }, [
      rows.length > SHOWN && t('form.file.rest', { count: rows.length - SHOWN }),
      t('form.file.hidden'),
      left > 0 && t('form.file.left', { count: left }),
      !header.includes('source_host') && t('form.file.sought'),
    ].filter(Boolean).join(' ')));
}

function shown(column, cell) {
  if (isPassword(column)) return cell === '' ? h('span', { class: 'soft' }, '–') : h('span', { 'aria-label': t('form.file.given') , role: 'img' }, '••••••');
  if (cell.trim() === '') return h('span', { class: 'soft' }, column === 'source_host' ? t('form.file.looked_for') : '–');
  return cell.length > 60 ? `${cell.slice(0, 60)}…` : cell;
}
