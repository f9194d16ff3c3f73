// The mailboxes of a form, a card each.

import { isAddress, isHost, isPort } from './cell.js';
import { announce, fill, h } from './dom.js';
import { emptyMailbox } from './draft.js';
import { field } from './field.js';
import { t } from './language.js';

/** Cards for `draft.mailboxes`; `check()` returns the faults found, and `show(row, column, text)` shows one of the service's. */
export function mailboxForm(draft, settings) {
  const list = h('div', {});
  let cards = [];
  const build = () => {
    cards = draft.mailboxes.map((mailbox, at) => card(mailbox, at, draft, settings, remove));
    fill(list, cards.map(({ element }) => element));
  };
  const remove = (at) => {
    draft.mailboxes.splice(at, 1);
    build();
    cards[Math.max(at - 1, 0)].fields.email.control.focus();
    announce(t('form.mailboxes.card', { count: draft.mailboxes.length }));
  };
  const add = () => {
    // Most mailboxes of one customer are on one server.
    const last = draft.mailboxes.at(-1);
    draft.mailboxes.push({ ...emptyMailbox(), source_host: last.source_host, port: last.port, security: last.security });
    build();
    cards.at(-1).fields.email.control.focus();
  };
  build();
  const element = h('div', {}, list,
    h('p', { class: 'after-cards' }, h('button', { type: 'button', class: 'button', on: { click: add } }, t('form.mailboxes.add'))));
  const show = (row, column, text) => {
    const shown = cards[row - 1];
    const target = shown?.fields[column] ?? shown?.fields.email;
    target?.fault(text);
    if (target && shown.details.contains(target.control)) shown.details.open = true;
    return target;
  };
  return { element, show, check: () => check(draft, show) };
}

function card(mailbox, at, draft, settings, remove) {
  const provider = settings.provider.name;
  const count = at + 1;
  const words = (name) => t(`form.mailboxes.${name}`, { provider, count });
  const make = (name, more = {}) => field({
    label: words(name), hint: more.hint && words(more.hint), value: mailbox[name], optional: more.optional, kind: more.kind, choices: more.choices,
    attributes: { autocomplete: 'off', ...more.attributes }, onInput: (value) => { mailbox[name] = value; },
  });
  const needed = settings.needs_destination_password;
  const email = make('email', { attributes: { inputmode: 'email' } });
  const host = make('source_host', { optional: true, hint: 'source_host_hint', attributes: { inputmode: 'url' } });
  const security = [['', words('security_auto')], ['tls', words('security_tls')], ['starttls', words('security_starttls')], ['none', words('security_none')]];
  const fields = {
    email,
    password: make('password', { kind: 'password', attributes: { autocomplete: 'off' } }),
    source_host: host,
    destination_password: make('destination_password', { kind: 'password', optional: true, hint: needed ? 'destination_password_needed' : 'destination_password_hint' }),
    port: make('port', { optional: true, hint: 'port_hint', attributes: { inputmode: 'numeric' } }),
    security: make('security', { kind: 'select', choices: security }),
    source_user: make('source_user', { optional: true, hint: 'source_user_hint' }),
    destination_email: make('destination_email', { optional: true, hint: 'destination_email_hint', attributes: { inputmode: 'email' } }),
  };
  fields.source_host.element.classList.add('wide');
  if (needed) fields.destination_password.element.classList.add('wide');
  const rare = ['port', 'security', 'source_user', 'destination_email', ...(needed ? [] : ['destination_password'])];
  const shown = ['email', 'password', 'source_host', ...(needed ? ['destination_password'] : [])];
  const elements = (names) => names.map((name) => fields[name].element);
  const details = h('details', {}, h('summary', {}, words('more')), h('div', { class: 'fields' }, elements(rare)));
  const drop = h('button', { type: 'button', class: 'button quiet', 'aria-label': words('remove_label'), on: { click: () => remove(at) } }, words('remove'));
  const element = h('section', { class: 'mailbox-card', 'aria-label': words('card') },
    h('div', { class: 'mailbox-head' }, h('h3', {}, words('card')), draft.mailboxes.length > 1 && drop),
    h('div', { class: 'fields' }, elements(shown)), details);
  return { element, fields, details };
}

function check(draft, show) {
  const faults = [];
  const seen = new Map();
  draft.mailboxes.forEach((mailbox, at) => {
    const add = (column, text) => {
      const target = show(at + 1, column, text);
      const where = draft.mailboxes.length > 1 ? `${t('form.mailboxes.card', { count: at + 1 })}, ${target.label}` : target.label;
      faults.push({ text: `${where}: ${text}`, focus: () => target.control.focus() });
    };
    for (const column of ['email', 'password']) {
      if (mailbox[column].trim() === '') add(column, t('form.needed'));
    }
    for (const column of ['email', 'destination_email']) {
      if (mailbox[column].trim() !== '' && !isAddress(mailbox[column].trim())) add(column, t('form.bad_address'));
    }
    if (mailbox.source_host.trim() !== '' && !isHost(mailbox.source_host.trim())) add('source_host', t('form.bad_host'));
    if (mailbox.port.trim() !== '' && !isPort(mailbox.port.trim())) add('port', t('form.bad_port'));
    const key = `${mailbox.email.trim().toLowerCase()} ${mailbox.source_host.trim().toLowerCase()}`;
    if (mailbox.email.trim() !== '' && seen.has(key)) add('email', t('csv.duplicate_mailbox', { row: String(seen.get(key)) }));
    else seen.set(key, at + 1);
  });
  return faults;
}
