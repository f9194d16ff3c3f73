// Which folders and days are copied, and how.

import { h } from './dom.js';
import { field, tick } from './field.js';
import { t } from './language.js';

/** The part of the form; `check()` returns the faults found, `named` has the fields by the names of the service. */
export function optionsForm(draft, provider) {
  const patterns = (name) => field({
    label: t(`form.what.${name}`), kind: 'textarea', optional: true, wide: true, hint: t(`form.what.${name}_hint`), value: draft[name],
    attributes: { spellcheck: 'false', rows: '3' }, onInput: (value) => { draft[name] = value; },
  });
  const day = (name, hint) => field({
    label: t(`form.what.${name}`), kind: 'date', optional: true, value: draft[name], hint, onInput: (value) => { draft[name] = value; },
  });
  const [include, exclude] = ['include', 'exclude'].map(patterns);
  const since = day('since');
  const before = day('before', t('form.what.before_hint'));
  const box = (name) => tick(t(`form.what.${name}`, { provider }), draft[name], (value) => { draft[name] = value; });
  const element = h('details', {}, h('summary', {}, t('form.what.all')),
    h('div', { class: 'fields' }, include.element, exclude.element, since.element, before.element,
      h('div', { class: 'wide stack-tight' }, box('repair'), box('carry_deletions'))));
  const check = () => {
    if (draft.since === '' || draft.before === '' || draft.since < draft.before) return [];
    element.open = true;
    before.fault(t('form.what.no_day'));
    return [{ text: `${before.label}: ${t('form.what.no_day')}`, focus: () => before.control.focus() }];
  };
  const show = () => { element.open = true; };
  const named = { 'options.include': include, 'options.exclude': exclude, 'options.since': since, 'options.before': before };
  return { element, check, named: Object.fromEntries(Object.entries(named).map(([name, one]) => [name, opening(one, show)])) };
}

/** A field that comes into sight when a fault is shown at it. */
const opening = (one, show) => ({ ...one, fault: (text) => {
  if (text) show();
  one.fault(text);
} });
