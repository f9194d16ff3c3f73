// What is left to do when everything has moved: the e-mail programs, and new passwords.

import { h, newId } from './dom.js';
import { t } from './language.js';

export function donePanel(settings) {
  const id = newId('done');
  const { imap } = settings;
  const line = (name, value) => h('div', {}, h('dt', {}, t(`done.${name}`)), h('dd', {}, value));
  const element = h('section', { class: 'sheet', 'aria-labelledby': id, hidden: true },
    h('h2', { id }, t('done.title')),
    h('ol', { class: 'tasks' },
      h('li', {}, t('done.programs'), h('dl', { class: 'measures' },
        line('incoming', imap.host), line('port', String(imap.port)), line('encryption', t(`form.mailboxes.security_${imap.security}`)), line('user', t('done.user_is')))),
      h('li', {}, t('done.look')), h('li', {}, t('done.passwords'))));
  return { element, update: ({ state }) => { element.hidden = !state.startsWith('completed'); } };
}
