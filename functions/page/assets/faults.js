// What the service refused in a file, row by row.

import { fill, h } from './dom.js';
import { said, sentence, t, tried } from './language.js';

const SHOWN = 50;

export function faultList() {
  const element = h('div', { class: 'progress', hidden: true });
  let shown = '';
  const update = ({ rows_refused: faults, state }) => {
    element.hidden = faults.length === 0 || state === 'checking';
    const key = JSON.stringify(faults);
    if (element.hidden || key === shown) return;
    shown = key;
    const line = ({ row, column, code, message }) => h('li', {},
      h('strong', {}, row === 0 ? t('faults.file') : t('faults.row', { row: String(row) })),
      column && [' · ', tried(`column.${column}`) ?? h('span', { class: 'cell' }, column)],
      h('div', { class: 'soft' }, sentence(said('fault', code, message))));
    fill(element, h('h3', {}, t('faults.title', { count: faults.length })),
      h('ul', { class: 'faults' }, faults.slice(0, SHOWN).map(line)),
      faults.length > SHOWN && h('p', { class: 'soft' }, t('faults.more', { count: faults.length - SHOWN })));
  };
  return { element, update };
}
