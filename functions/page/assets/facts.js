// What the request is, beside how it goes; and the way to end it.

import { ask } from './ask.js';
import { fill, h, whileBusy } from './dom.js';
import { shortMoment, span, zoneName } from './format.js';
import { t, worded } from './language.js';
import { ENDED, MOVED } from './pace.js';
import { refusalText } from './refusals.js';

export function factsPanel({ request, watch }) {
  const facts = h('dl', { class: 'facts' });
  const failed = h('p', { class: 'fault', role: 'alert', hidden: true });
  const cancel = h('button', { type: 'button', class: 'button danger' }, t('action.cancel'));
  const cancelLine = h('div', { class: 'stack-tight', hidden: true }, cancel, failed);
  cancel.addEventListener('click', () => ask({
    title: t('action.cancel_title'), text: t('action.cancel_text'), yes: t('action.cancel_yes'), no: t('action.back'), danger: true,
    then: () => whileBusy(cancel, async () => {
      failed.hidden = true;
      try {
        watch.take(await request.act('cancel'));
      } catch (refusal) {
        failed.textContent = refusalText(refusal);
        failed.hidden = false;
      }
    }),
  }));
  let shown = '';
  const update = (status) => {
    cancelLine.hidden = ENDED.has(status.state) || MOVED.has(status.state);
    const rows = list(status);
    const key = JSON.stringify(rows);
    if (key === shown) return;
    shown = key;
    fill(facts, rows.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
  };
  const element = h('section', {}, h('h2', {}, t('request.facts')), facts, cancelLine);
  return { element, update };
}

function list({ id, state, created_at: created, contact_email: contact, contact_trouble: trouble, ticket, window: frame, options, estimate }) {
  const rows = [[t('request.id'), id], [t('request.created'), shortMoment(created)], [t('request.contact'), contact]];
  if (trouble) rows.push([t('request.trouble'), t(`request.trouble_${trouble.kind}`)]);
  if (ticket) rows.push([t('request.ticket'), ticket]);
  if (frame) {
    const zone = frame.time_zone;
    const parts = [t('request.window_from', { start: shortMoment(frame.start, zone) }), frame.end && t('request.window_until', { end: shortMoment(frame.end, zone) })];
    rows.push([t('request.window'), `${parts.filter(Boolean).join(' ')} (${zoneName(zone)})`]);
  }
  if (estimate?.note) rows.push([t('request.note'), worded(estimate.note)]);
  if (options.include.length > 0) rows.push([t('request.only'), options.include.join(', ')]);
  if (estimate && state === 'scheduled') rows.push([t('request.estimate'), span(estimate.from, estimate.until, frame?.time_zone)]);
  if (options.exclude.length > 0) rows.push([t('request.options'), options.exclude.join(', ')]);
  if (options.since) rows.push([t('request.since'), options.since]);
  if (options.before) rows.push([t('request.before'), options.before]);
  if (options.tell_owners) rows.push([t('request.owners'), t('request.owners_told')]);
  return rows;
}
