// What the service refused, in words, and at the field it is about.

import { Unreachable } from './api.js';
import { moment } from './format.js';
import { own, said, sentence, t, worded } from './language.js';

/** One sentence or two about a call that did not succeed. */
export function refusalText(refusal) {
  if (refusal instanceof Unreachable) return t('page.unreachable');
  const { detail = '', next_window: next } = refusal.problem ?? {};
  const text = said('problem', refusal.code, detail) || t('problem.internal');
  return next ? `${text} ${nextFrame(next)}` : text;
}

/** The next time frame that has room. */
function nextFrame({ start, end, time_zone: zone }) {
  const at = (instant) => moment(instant, zone);
  return end ? t('frame.next', { start: at(start), end: at(end) }) : t('frame.next_start', { start: at(start) });
}

/** The faults that the service found in an order, each shown at its field where it has one. */
export function faultsOf(refusal, fields, showRow) {
  const problem = refusal.problem ?? {};
  const faults = (problem.faults ?? []).map(({ field: name, code, message }) => {
    const early = code === 'too_early' && problem.earliest_start;
    const text = early ? `${said('fault', code, '')} ${t('form.when.earliest', { when: moment(problem.earliest_start) })}`.trim() : sentence(said('fault', code, message));
    const target = fields[name];
    target?.fault(text);
    return { text: target ? `${target.label}: ${text}` : text, focus: target && (() => target.control.focus()) };
  });
  const rows = (problem.rows_refused ?? []).map(({ row, column, code, message }) => {
    const text = sentence(said('fault', code, message));
    const target = showRow(row, column, text);
    const place = [t('form.mailboxes.card', { count: row }), target?.label].filter(Boolean).join(', ');
    return { text: `${place}: ${text}`, focus: target && (() => target.control.focus()) };
  });
  return [...faults, ...rows];
}

/** Why a mailbox or a request failed. */
export function failureText({ code, message }) {
  const [, side, kind] = /^(source|destination)_(.+)$/.exec(code) ?? [null, null, code];
  const whole = own(`failure.${code}`);
  const what = own(`failure.${kind}`);
  if (whole || !what) return whole || sentence(worded(message || code));
  return side ? t(`failure.side.${side}`, { what }) : what;
}
