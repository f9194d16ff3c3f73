// The wanted time frame.

import * as api from './api.js';
import { h } from './dom.js';
import { choices, field } from './field.js';
import { moment, wallTime, zoneName } from './format.js';
import { t, worded } from './language.js';

/** An empty choice of a frame. */
export const emptyFrame = (zone) => ({ when: 'soon', start: '', end: '', after_end: 'next_night', time_zone: zone });

/** The frame of a request, to be changed. */
export function frameOf(window, zone) {
  if (!window) return emptyFrame(zone);
  const { start, end, after_end: after, time_zone: own } = window;
  return { when: 'later', start: wallTime(start, own), end: end ? wallTime(end, own) : '', after_end: after ?? 'next_night', time_zone: own };
}

/** What the service gets of it; null for as soon as possible. */
export function windowOf({ when, start, end, after_end: after, time_zone: zone }) {
  if (when !== 'later') return null;
  return end === '' ? { start, time_zone: zone } : { start, end, after_end: after, time_zone: zone };
}

/** The choice between "soon" and a frame; `check()` returns the faults found. */
export function windowForm(draft, settings) {
  let earliest = new Date(settings.earliest_start) > new Date() ? settings.earliest_start : new Date().toISOString();
  let rule = '';
  let shortest = 0;
  const start = field({
    label: t('form.when.start'), kind: 'datetime-local', value: draft.start, onInput: (value) => { draft.start = value; },
  });
  const end = field({
    label: t('form.when.end'), kind: 'datetime-local', optional: true, value: draft.end,
    onInput: (value) => {
      draft.end = value;
      after.element.hidden = value === '';
    },
  });
  const after = field({
    label: t('form.when.after'), kind: 'select', wide: true, value: draft.after_end,
    choices: ['next_night', 'continue'].map((name) => [name, t(`form.when.after_${name}`)]), onInput: (value) => { draft.after_end = value; },
  });
  after.element.hidden = draft.end === '';
  const zones = new Set([draft.time_zone, settings.provider.time_zone, ...(Intl.supportedValuesOf?.('timeZone') ?? [])]);
  const zone = field({
    label: t('form.when.zone'), kind: 'select', wide: true, value: draft.time_zone,
    choices: [...zones].sort().map((name) => [name, zoneName(name)]),
    onInput: (value) => {
      draft.time_zone = value;
      tell();
    },
  });
  const told = h('p', { class: 'hint wide' });
  const tell = () => {
    const when = t('form.when.earliest', { when: `${moment(earliest, draft.time_zone)} (${zoneName(draft.time_zone)})` });
    told.textContent = [when, rule && worded(rule)].filter(Boolean).join(' ');
    start.control.min = wallTime(earliest, draft.time_zone);
    end.control.min = start.control.min;
  };
  tell();
  const details = h('div', { class: 'fields' }, start.element, end.element, after.element, zone.element, told);
  // The page may have been open for long; without an answer what it began with has to do.
  const ask = () => api.earliestStart().then((answer) => {
    ({ earliest, rule, shortest_frame_minutes: shortest } = answer);
    tell();
  }, () => {});
  const change = (value) => {
    draft.when = value;
    details.hidden = value !== 'later';
    if (value !== 'later') return;
    ask();
    if (draft.start === '') {
      draft.start = wallTime(earliest, draft.time_zone);
      start.control.value = draft.start;
    }
  };
  change(draft.when);
  const element = h('div', {},
    choices({
      name: 'when', legend: t('form.when.title'), value: draft.when, onChange: change,
      options: [['soon', t('form.when.soon'), t('form.when.soon_hint')], ['later', t('form.when.later'), t('form.when.later_hint')]],
    }), details);
  const check = () => {
    if (draft.when !== 'later') return [];
    const faults = [];
    const add = (target, text) => {
      target.fault(text);
      faults.push({ text: `${target.label}: ${text}`, focus: () => target.control.focus() });
    };
    if (draft.start === '') add(start, t('form.when.missing'));
    else if (draft.end !== '' && draft.end <= draft.start) add(end, t('form.when.order'));
    else if (draft.end !== '' && new Date(draft.end) - new Date(draft.start) < shortest * 60_000) add(end, t('form.when.short', { minutes: shortest }));
    return faults;
  };
  // The fields by the names under which the service finds faults in them.
  return { element, check, named: { 'window.start': start, 'window.end': end, 'window.time_zone': zone } };
}
