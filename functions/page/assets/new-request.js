// The first view: what is to be moved, and when.

import * as api from './api.js';
import { isAddress } from './cell.js';
import { announce, fill, h, whileBusy } from './dom.js';
import { newDraft, order, orderKey } from './draft.js';
import { choices, field, step, summary, tick } from './field.js';
import { announced, fileDrop } from './file-drop.js';
import { current as language, t, texts } from './language.js';
import { mailboxForm } from './mailbox-form.js';
import { optionsForm } from './options-form.js';
import { faultsOf, refusalText } from './refusals.js';
import * as session from './session.js';
import { windowForm } from './window-form.js';

let draft = null;

/** The form for a new request. */
export function newRequest(settings) {
  const provider = settings.provider.name;
  draft ??= newDraft(Intl.DateTimeFormat().resolvedOptions().timeZone ?? settings.provider.time_zone);
  const own = draft;
  const contact = field({
    label: t('form.contact.email'), kind: 'email', value: own.contact_email,
    attributes: { autocomplete: 'email' }, onInput: (value) => { own.contact_email = value; },
  });
  const named = session.ticketOf(session.permit());
  // The service takes it from the permit; what was typed before is for another one.
  if (named !== null) own.ticket = '';
  const ticket = field({
    label: t('form.contact.ticket'), optional: named === null, value: named ?? own.ticket,
    hint: named === null ? t('form.contact.ticket_hint', { provider }) : t('form.contact.ticket_named', { provider }),
    attributes: { autocomplete: 'off', maxlength: '64', readonly: named !== null }, onInput: (value) => { own.ticket = value; },
  });
  const owners = h('div', { class: 'wide' }, tick(t('form.contact.owners'), own.tell_owners, (value) => { own.tell_owners = value; }));
  const cards = mailboxForm(own, settings);
  const drop = fileDrop(own.file, (file) => { own.file = file; });
  const template = h('p', { class: 'hint' }, h('a', { href: 'v1/template.xlsx', download: '' }, t('form.file.template')), `. ${t('form.file.template_hint')}`);
  const many = h('div', {}, drop.element, template);
  const way = (value) => {
    own.way = value;
    cards.element.hidden = value !== 'one';
    many.hidden = value !== 'many';
  };
  way(own.way);
  const frame = windowForm(own, settings);
  const what = optionsForm(own, provider);
  const faultPlace = h('div', {});
  const send = h('button', { type: 'submit', class: 'button primary' }, t('form.send'));
  const form = h('form', { class: 'form', novalidate: true },
    step(1, t('form.contact.title'), t('form.contact.hint'), h('div', { class: 'fields' }, contact.element, ticket.element, owners)),
    step(2, t('form.mailboxes.title'), null,
      choices({
        name: 'way', legend: t('form.mailboxes.title'), value: own.way, onChange: way,
        options: [['one', t('form.mailboxes.one'), t('form.mailboxes.one_hint')], ['many', t('form.mailboxes.many'), t('form.mailboxes.many_hint')]],
      }), cards.element, many),
    step(3, t('form.when.title'), t('form.when.hint'), frame.element),
    step(4, t('form.what.title'), null, what.element),
    h('div', { class: 'submit stack' }, faultPlace, h('div', { class: 'actions' }, send), h('p', { class: 'soft small' }, t('page.privacy'))));
  const shown = (faults) => {
    const note = summary(faults);
    fill(faultPlace, note);
    note.focus();
    announce(t('form.summary'));
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    whileBusy(send, async () => {
      fill(faultPlace);
      const faults = [...checkContact(contact), ...(own.way === 'one' ? cards.check() : checkFile(drop)), ...frame.check(), ...what.check()];
      if (faults.length > 0) return shown(faults);
      send.textContent = t('form.sending');
      try {
        await make(own, drop);
      } catch (refusal) {
        const mend = { contact_email: contact, ticket, ...frame.named, ...what.named };
        const told = faultsOf(refusal, mend, cards.show);
        shown(told.length > 0 ? told : [{ text: refusalText(refusal) }]);
      } finally {
        send.textContent = t('form.send');
      }
    });
  });
  const promise = texts('form.promise').map(([title, text]) => h('li', {}, h('strong', {}, title), h('span', {}, text)));
  const element = h('div', { class: 'request' },
    h('div', { class: 'heading' }, h('h1', {}, t('form.title', { provider })), h('p', { class: 'lead' }, t('form.lead'))),
    h('ol', { class: 'promise' }, promise), form);
  return { element, title: t('page.title', { provider }) };
}

/** Makes the request, sends the file, and goes to the request's own view. */
async function make(own, drop) {
  const bytes = own.way === 'many' ? drop.bytes() : null;
  const body = order(own, bytes && await announced(bytes), language());
  const made = await api.create(body, orderKey(own, body), session.permit());
  draft = null;
  // The request is there now, whatever becomes of its file: it can be sent from its view too.
  if (made.upload) await api.upload(made.upload, bytes).catch(() => announce(t('form.upload_failed')));
  session.open(made.id, made.token);
}

function checkContact(contact) {
  const text = contact.value().trim();
  const fault = text === '' ? t('form.needed') : !isAddress(text) && t('form.bad_address');
  contact.fault(fault || null);
  return fault ? [{ text: `${contact.label}: ${fault}`, focus: () => contact.control.focus() }] : [];
}

function checkFile(drop) {
  if (!drop.file()) return [{ text: t('form.file.none'), focus: drop.focus }];
  return drop.file().faults.length > 0 ? [{ text: t('form.file.unsound'), focus: drop.focus }] : [];
}
