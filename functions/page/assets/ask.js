// Asks once more before something that cannot be taken back.

import { h, newId } from './dom.js';

/** Shows a question; `then` follows a yes. The focus returns to where it was. */
export function ask({ title, text, yes, no, then, danger = false }) {
  const id = newId('ask');
  const go = h('button', { type: 'button', class: danger ? 'button danger' : 'button primary' }, yes);
  const stay = h('button', { type: 'button', class: 'button' }, no);
  const dialog = h('dialog', { 'aria-labelledby': id, 'aria-describedby': `${id}-text` },
    h('h2', { id }, title), h('p', { class: 'soft', id: `${id}-text` }, text), h('div', { class: 'actions' }, go, stay));
  go.addEventListener('click', () => {
    dialog.close();
    then();
  });
  stay.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  if (danger) stay.focus();
}
