// What is left to do when everything has moved: the e-mail programs, and new passwords.

import { h, newId } from './dom.js';
import { t } from './language.js';
import { MOVED } from './pace.js';

export function donePanel(settings) {
  const id = newId('done');
  const { imap, smtp, help } = settings;
  const line = (name, value) => h('div', {}, h('dt', {}, t(`done.${name}`)), h('dd', {}, value));
  const change = h('span', {}, t('done.passwords'));
  const keep = h('span', { hidden: true }, t('done.passwords_later'));
  const server = (name, { host, port, security }) => [
    line(name, host), line('port', String(port)), line('encryption', t(`form.mailboxes.security_${security}`))];
  const element = h('section', { class: 'sheet', 'aria-labelledby': id, hidden: true },
    h('h2', { id }, t('done.title')),
    h('ol', { class: 'tasks' },
      h('li', {}, t('done.programs'), h('dl', { class: 'measures' },
        server('incoming', imap), smtp && server('outgoing', smtp), line('user', t('done.user_is'))),
      help && h('p', {}, h('a', { href: help, rel: 'noreferrer' }, t('done.help')))),
      h('li', {}, t('done.look')), h('li', {}, change, keep)));
  return { element, update: ({ state, later_looks: looks }) => {
    element.hidden = !MOVED.has(state);
    keep.hidden = !looks?.passwords_until;
    change.hidden = !keep.hidden;
  } };
}
