// How far all mailboxes together are.

import { paceOf, totalPace } from './doing.js';
import { fill, h, newId, put } from './dom.js';
import { duration, number, percent, size, span } from './format.js';
import { t } from './language.js';
import { ENDED, Speed } from './pace.js';

/** What is copied in all: `{ messages, allMessages, bytes, allBytes }`. */
export function totals(mailboxes) {
  const sum = (name) => mailboxes.reduce((total, mailbox) => total + mailbox[name], 0);
  return { messages: sum('messages_copied'), allMessages: sum('messages_total'), bytes: sum('bytes_copied'), allBytes: sum('bytes_total') };
}

/** The pass that is running, where it is not the first: in it little is copied, and what is gone through counts. */
export function finishing({ state, later_looks: looks }) {
  if (state === 'final_pass') return 'final';
  return state === 'later_pass' && looks ? `later_${looks.passes}` : null;
}

/** How much of the running pass a mailbox is through with, from 0 to 1: half of it is fetching, the other half comparing. */
export function shareOfPass({ state, pass, progress }, running) {
  if (state === 'cancelled') return 1;
  if (pass !== running) return 0;
  if (ENDED.has(state)) return 1;
  const done = progress ? progress.folders_done / progress.folders : 0;
  if (state === 'certifying') return (1 + done) / 2;
  return state === 'copying' ? done / 2 : 0;
}

/** The share that is done, from 0 to 1: bytes while copying for the first time, then what is gone through; null while unknown. */
export function share(status) {
  const { mailboxes } = status;
  const running = finishing(status);
  if (running) return mailboxes.reduce((sum, mailbox) => sum + shareOfPass(mailbox, running), 0) / Math.max(mailboxes.length, 1);
  const failed = mailboxes.filter(({ state }) => state === 'failed').length;
  const unread = mailboxes.filter(({ state }) => state === 'waiting' || state === 'planning').length;
  const read = mailboxes.length - failed - unread;
  if (read === 0) return null;
  // Mailboxes whose folders have not been read yet are taken to be as large as the others are on average.
  const whole = 1 + unread / read;
  const { bytes, allBytes, messages, allMessages } = totals(mailboxes);
  if (allBytes > 0) return Math.min(bytes / (allBytes * whole), 1);
  return allMessages > 0 ? Math.min(messages / (allMessages * whole), 1) : null;
}

export function progressPanel() {
  const id = newId('progress');
  const label = h('span', { id });
  const figure = h('span', { class: 'percent' });
  const inner = h('span', {});
  const bar = h('div', { class: 'bar', role: 'progressbar', 'aria-labelledby': id, 'aria-valuemin': '0', 'aria-valuemax': '100' }, inner);
  const measures = h('dl', { class: 'measures' });
  const element = h('div', { class: 'progress', hidden: true }, h('div', { class: 'progress-head' }, label, figure), bar, measures);
  const speed = new Speed();
  const update = (status) => {
    const pass = finishing(status);
    element.hidden = status.state !== 'first_pass' && !pass;
    if (element.hidden) return;
    const all = totals(status.mailboxes);
    const done = share(status);
    speed.add(all.bytes, Date.now() / 1000);
    put(label, done === null ? t('progress.looking') : t(`progress.${pass ? status.state : 'copied'}`));
    put(figure, done === null ? '' : percent(done));
    bar.classList.toggle('unknown', done === null);
    inner.style.width = `${(done ?? 0) * 100}%`;
    if (done === null) bar.removeAttribute('aria-valuenow');
    else bar.setAttribute('aria-valuenow', String(Math.floor(done * 100)));
    fill(measures, rows(status, all, speed.perSecond(), pass).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
  };
  return { element, update };
}

function rows(status, all, perSecond, pass) {
  const finished = status.mailboxes.filter((mailbox) => (pass ? shareOfPass(mailbox, pass) === 1
    : ENDED.has(mailbox.state) || mailbox.state === 'awaiting_cutover')).length;
  const of = (done, whole) => t('progress.of', { done, all: whole });
  const shown = [];
  if (status.mailboxes.length > 1) shown.push([t('progress.mailboxes'), of(number(finished), number(status.mailboxes.length))]);
  if (pass) {
    const pace = paceOf(totalPace(status.mailboxes));
    return pace ? [...shown, [t('progress.speed'), pace]] : shown;
  }
  if (all.allMessages > 0) shown.push([t('progress.messages'), of(number(all.messages), number(all.allMessages))]);
  if (all.allBytes > 0) shown.push([t('progress.size'), of(size(all.bytes), size(all.allBytes))]);
  if (perSecond) {
    shown.push([t('progress.speed'), t('progress.per_second', { size: size(perSecond) })]);
    const left = (all.allBytes - all.bytes) / perSecond;
    if (left > 5 && !status.estimate) shown.push([t('progress.left'), t('progress.about', { time: duration(left) })]);
  }
  if (status.estimate) shown.push([t('progress.done_at'), span(status.estimate.from, status.estimate.until, status.window?.time_zone)]);
  return shown;
}
