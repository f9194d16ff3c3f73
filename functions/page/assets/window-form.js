// The wanted time frame.

import { h } from './dom.js';
import { choices, field } from './field.js';
import { moment, wallTime, zoneName } from './format.js';
import { t } from './language.js';

/** The choice between "soon" and a frame; `check()` returns the faults found. */
export function windowForm(draft, settings) {
  const earliest = new Date(settings.earliest_start) > new Date() ? settings.earliest_start : new Date().toISOString();
  const start = field({
    label: t('form.when.start'), kind: 'datetime-local', value: draft.start, onInput: (value) => { draft.start = value; },
  });
  const end = field({
    label: t('form.when.end'), kind: 'datetime-local', optional: true, value: draft.end, onInput: (value) => { draft.end = value; },
  });
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
    told.textContent = t('form.when.earliest', { when: `${moment(earliest, draft.time_zone)} (${zoneName(draft.time_zone)})` });
    start.control.min = wallTime(earliest, draft.time_zone);
    end.control.min = start.control.min;
  };
  tell();
  const details = h('div', { class: 'fields' }, start.element, end.element, zone.element, told);
  const change = (value) => {
    draft.when = value;
    details.hidden = value !== 'later';
    if (value === 'later' && draft.start === '') {
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
    return faults;
  };
  return { element, check, start, end, zone };
}
