// Where each folder will go, before anything is copied.

import { Refusal } from './api.js';
import { fill, h, newId, whileBusy } from './dom.js';
import { number } from './format.js';
import { t } from './language.js';
import { failureText, refusalText } from './refusals.js';

const STATES = new Set(['needs_attention', 'scheduled']);
const PATIENCE = 40;

export function previewPanel({ request, status }) {
  const id = newId('preview');
  const place = h('div', { class: 'stack' });
  const failed = h('p', { class: 'fault', role: 'alert', hidden: true });
  const button = h('button', { type: 'button', class: 'button' }, t('preview.ask'));
  const element = h('section', { class: 'sheet stack', 'aria-labelledby': id, hidden: true },
    h('h2', { id }, t('preview.title')), h('p', { class: 'soft' }, t('preview.text')), h('div', { class: 'actions' }, button), failed, place);
  const draw = (document, add = false) => {
    const shown = document.mailboxes.map(mailboxPart);
    const next = document.next_row && h('button', { type: 'button', class: 'button' }, t('preview.next'));
    next?.addEventListener('click', () => whileBusy(next, async () => {
      const page = await request.preview(document.next_row);
      next.remove();
      draw(page, true);
    }));
    if (add) place.append(...shown, ...(next ? [next] : []));
    else fill(place, shown, next);
  };
  const look = async () => {
    for (let times = 0; times < PATIENCE; times += 1) {
      const document = await request.preview();
      draw(document);
      if (document.mailboxes.every(({ state }) => state !== 'pending') || !STATES.has(status().state)) return;
      await new Promise((resolve) => { setTimeout(resolve, 1500 + times * 250); });
    }
  };
  button.addEventListener('click', () => whileBusy(button, async () => {
    failed.hidden = true;
    try {
      const asked = await request.askPreview().catch((refusal) => {
        if (refusal instanceof Refusal && refusal.code === 'preview_too_soon') return null;
        throw refusal;
      });
      if (asked) draw(asked);
      await look();
      button.textContent = t('preview.again');
    } catch (refusal) {
      failed.textContent = refusalText(refusal);
      failed.hidden = false;
    }
  }));
  const update = ({ state, counts }) => {
    element.hidden = !STATES.has(state) || counts.mailboxes === 0;
  };
  return { element, update };
}

function mailboxPart({ email, state, folders = [], folders_left_out: leftOut, error }) {
  const row = ({ source, destination, messages, note, excluded }) => h('tr', {},
    h('td', { class: excluded ? 'left-out' : null }, source),
    h('td', {}, excluded ? h('span', { class: 'soft' }, t('preview.left_out')) : destination === source ? h('span', { class: 'soft' }, t('preview.same')) : destination,
      note && h('div', { class: 'soft small' }, note)),
    h('td', { class: 'right number' }, messages === null ? '' : number(messages)));
  const heads = [['folder'], ['place'], ['messages', 'right']].map(([name, kind]) => h('th', { scope: 'col', class: kind }, t(`preview.${name}`)));
  const table = () => h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': email },
    h('table', {}, h('thead', {}, h('tr', {}, heads)), h('tbody', {}, folders.map(row))));
  return h('div', { class: 'stack-tight' }, h('h3', {}, email),
    state === 'pending' && h('p', { class: 'soft' }, t('preview.pending')),
    state === 'failed' && h('p', { class: 'fault' }, h('span', {}, failureText(error))),
    state === 'ready' && table(),
    leftOut > 0 && h('p', { class: 'soft' }, t('preview.more', { count: leftOut })));
}
