// After the move: when the old provider is looked at once more, and the end of the passwords kept for that.

import { ask } from './ask.js';
import { fill, h, newId, whileBusy } from './dom.js';
import { shortMoment } from './format.js';
import { t } from './language.js';
import { refusalText } from './refusals.js';

export function laterPanel({ request, watch }) {
  const id = newId('later');
  const text = h('p', { class: 'soft' });
  const found = h('p', {});
  const failed = h('p', { class: 'note bad', role: 'alert', hidden: true });
  const look = h('button', { type: 'button', class: 'button' }, t('later.look'));
  const forget = h('button', { type: 'button', class: 'button danger' }, t('later.forget'));
  const actions = h('div', { class: 'actions' }, look, forget);
  const attempt = (button, call) => whileBusy(button, async () => {
    failed.hidden = true;
    try {
      watch.take(await call());
      await watch.now();
    } catch (refusal) {
      failed.textContent = refusalText(refusal);
      failed.hidden = false;
    }
  });
  // It begins some moments after it was asked for.
  let asked = null;
  look.addEventListener('click', () => attempt(look, async () => {
    const answer = await request.act('passes');
    asked = answer.later_looks?.passes ?? null;
    return answer;
  }));
  forget.addEventListener('click', () => ask({
    title: t('later.forget_title'), text: t('later.forget_text'), yes: t('later.forget_yes'), no: t('action.back'), danger: true,
    then: () => attempt(forget, () => request.deletePasswords()),
  }));
  const element = h('section', { class: 'sheet later', 'aria-labelledby': id, hidden: true },
    h('h2', { id }, t('later.title')), text, found, actions, failed);
  const update = ({ state, later_looks: looks }) => {
    element.hidden = !looks;
    if (!looks) return;
    if (asked !== looks.passes) asked = null;
    const running = state === 'later_pass' || asked !== null;
    const keeps = Boolean(looks.passwords_until);
    text.textContent = words(running, looks);
    found.hidden = looks.passes === 0;
    fill(found, looks.fetched > 0 ? t('later.fetched', { count: looks.fetched }) : t('later.nothing'));
    actions.hidden = !keeps;
    look.hidden = running;
  };
  return { element, update };
}

function words(running, { next, passwords_until: until }) {
  if (running) return t('later.running');
  if (next) return t('later.next', { when: shortMoment(next) });
  return until ? t('later.kept', { when: shortMoment(until) }) : t('later.over');
}
