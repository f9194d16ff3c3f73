// Each mailbox with its state. Of thousands only some are in the page at a time.

import { applePart } from './apple.js';
import { certificatePart } from './certificate.js';
import { doingOf, shareOf } from './doing.js';
import { fill, h, newId, put } from './dom.js';
import { foundIn, number, ofAll, shortMoment } from './format.js';
import { t } from './language.js';
import { mendPart } from './mend.js';
import { failureText } from './refusals.js';
import { tooLarge } from './too-large.js';

const AT_ONCE = 25;
const KINDS = {
  waiting: 'idle', planning: 'running', copying: 'running', awaiting_cutover: 'good', certifying: 'running',
  completed: 'good', completed_with_exceptions: 'warn', failed: 'bad', cancelled: 'idle',
};
const GROUPS = {
  all: () => true,
  open: ({ state }) => ['idle', 'running'].includes(KINDS[state]) && state !== 'cancelled',
  failed: ({ state, error, exceptions, check }) => (
    ['bad', 'warn'].includes(KINDS[state]) || Boolean(error) || exceptions > 0 || (state === 'waiting' && check?.state === 'failed')),
  finished: ({ state }) => state.startsWith('completed') || state === 'awaiting_cutover',
};

export function mailboxList(context) {
  const id = newId('mailboxes');
  const list = h('ul', { class: 'mailboxes' });
  const choice = h('select', { 'aria-label': t('list.show') });
  const more = h('button', { type: 'button', class: 'button' });
  const moreLine = h('p', {}, more);
  const element = h('section', { class: 'sheet', 'aria-labelledby': id, hidden: true },
    h('div', { class: 'list-head' }, h('h2', { id }, t('list.title')), choice), list, moreLine);
  const rows = new Map();
  let group = 'all';
  let limit = AT_ONCE;
  let status = null;
  const draw = () => {
    const { mailboxes } = status;
    const wanted = mailboxes.filter(GROUPS[group]);
    const shown = wanted.slice(0, limit);
    for (const mailbox of shown) {
      // A corrected file may have another mailbox in the same row.
      if (rows.get(mailbox.row)?.email !== mailbox.email) rows.set(mailbox.row, { email: mailbox.email, ...line(mailbox, context) });
      rows.get(mailbox.row).update(mailbox, status);
    }
    const elements = shown.map(({ row }) => rows.get(row).element);
    const same = elements.length === list.children.length && elements.every((one, at) => one === list.children[at]);
    if (!same) fill(list, elements.length > 0 ? elements : h('li', { class: 'soft' }, t('list.none')));
    moreLine.hidden = wanted.length <= limit;
    put(more, t('list.more', { count: Math.min(wanted.length - limit, AT_ONCE) }));
  };
  choice.addEventListener('change', () => {
    group = choice.value;
    limit = AT_ONCE;
    draw();
  });
  more.addEventListener('click', () => {
    const before = list.children.length;
    limit += AT_ONCE;
    draw();
    const first = list.children[before];
    first?.setAttribute('tabindex', '-1');
    first?.focus();
  });
  const update = (next) => {
    status = next;
    element.hidden = next.mailboxes.length === 0;
    if (element.hidden) return;
    choice.hidden = next.mailboxes.length < 2;
    options(choice, next.mailboxes, group);
    draw();
  };
  return { element, update };
}

/** Counts in the choice change while it goes on; its options stay the same elements, so that an open list stays open. */
function options(choice, mailboxes, group) {
  const wanted = Object.entries(GROUPS).map(([name, belongs]) => [name, mailboxes.filter(belongs).length]);
  if (choice.options.length === 0) fill(choice, wanted.map(([name]) => h('option', { value: name, selected: name === group })));
  wanted.forEach(([name, count], at) => put(choice.options[at], t(`list.${name}`, { count: number(count) })));
}

/** The kind of a mailbox's state, and the words for it. One that waits is told by its check, if that says more. */
function stateOf({ state, check }) {
  if (state === 'waiting' && check?.state === 'failed') return ['bad', t('list.state.to_mend')];
  if (state === 'waiting' && check?.state === 'running') return ['running', t('list.state.checking')];
  if (state === 'waiting' && check?.state === 'passed') return ['good', t('list.state.checked')];
  return [KINDS[state], t(`list.state.${state}`)];
}

/** What became of the mail to the mailbox's owner, where there was one. */
const ownerMail = ({ owner_mail: mail }) => mail && t(`list.owner.${mail.trouble ?? 'told'}`);

function line(mailbox, context) {
  const state = h('span', { class: 'state' });
  const inner = h('span', {});
  const bar = h('div', {
    class: 'bar thin', role: 'progressbar', 'aria-valuemin': '0', 'aria-valuemax': '100', hidden: true,
  }, inner);
  const counts = h('p', { class: 'soft small number' });
  const doing = h('p', { class: 'soft small number doing', hidden: true });
  const why = h('p', { class: 'small why', hidden: true });
  const server = h('p', { class: 'soft small', hidden: true });
  const remarks = h('p', { class: 'small why soft', hidden: true });
  const mend = mendPart(context, mailbox);
  const certificate = certificatePart(context, mailbox);
  const apple = applePart(context, mailbox);
  const element = h('li', {},
    h('div', { class: 'mailbox-line' }, h('span', { class: 'name' }, mailbox.email), state), bar, counts, doing, server, why, remarks, mend.element, apple.element, certificate.element);
  const update = (next, status) => {
    const [kind, words] = stateOf(next);
    state.className = `state ${kind}`;
    put(state, words);
    bar.hidden = next.state !== 'copying' && next.state !== 'certifying';
    const share = shareOf(next);
    bar.classList.toggle('unknown', share === null);
    if (share === null) bar.removeAttribute('aria-valuenow');
    else bar.setAttribute('aria-valuenow', String(Math.floor(share * 100)));
    bar.setAttribute('aria-label', t(`list.bar.${next.state === 'certifying' ? 'compared' : next.pass === 'first' ? 'copied' : 'fetched'}`, next));
    inner.style.width = `${(share ?? 0) * 100}%`;
    const now = doingOf(next);
    doing.hidden = now === '';
    put(doing, now);
    const found = next.messages_total === 0 && next.check?.messages > 0;
    counts.hidden = next.messages_total === 0 && !found;
    const until = next.estimate && t('list.until', { when: shortMoment(next.estimate.until, status.window?.time_zone) });
    put(counts, [found ? foundIn(next.check) : ofAll(next), until].filter(Boolean).join(' · '));
    const by = next.source?.found_by;
    server.hidden = !by;
    if (by) put(server, `${t('list.source', { host: next.source.host })} (${t(`list.found_by.${by}`)})`);
    const trouble = next.later?.trouble;
    const amiss = trouble && !next.later.expected && !next.error && t('list.not_looked', { why: failureText(trouble) });
    const rests = next.resumes_at && t('list.rests', { when: shortMoment(next.resumes_at, status.window?.time_zone) });
    const reason = rests || (next.error ? failureText(next.error) : amiss || '');
    why.hidden = reason === '';
    put(why, reason);
    const late = next.later?.fetched > 0 && t('list.fetched', { count: next.later.fetched });
    const closed = trouble && next.later.expected
      && (trouble.code === 'source_login_refused' ? t('list.closed') : failureText(trouble));
    const notes = [late, closed, tooLarge(next), next.exceptions > 0 && t('list.exceptions', { count: next.exceptions }), next.notes > 0 && t('list.notes', { count: next.notes }), ownerMail(next)];
    const text = notes.filter(Boolean).join(' · ');
    remarks.hidden = text === '';
    put(remarks, text);
    mend.update(next, status);
    certificate.update(next);
    apple.update(next);
  };
  return { element, update };
}
