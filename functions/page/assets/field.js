// Fields of forms: a label, a control, a hint and the place for a fault, tied together for screen readers.

import { fill, h, newId } from './dom.js';
import { t } from './language.js';

/** A field around a control that is made here. `kind` is the type of the input, or `select` with `choices`, or `textarea`. */
export function field({ label, kind = 'text', hint, optional = false, value = '', wide = false, choices = [], attributes = {}, onInput }) {
  const id = newId('field');
  const control = makeControl(kind, { id, value, choices, attributes });
  const fault = h('p', { class: 'fault', id: `${id}-fault`, hidden: true });
  const hintLine = hint && h('p', { class: 'hint', id: `${id}-hint` }, hint);
  const describe = (faulty) => {
    const ids = [faulty && `${id}-fault`, hint && `${id}-hint`].filter(Boolean);
    if (ids.length > 0) control.setAttribute('aria-describedby', ids.join(' '));
    else control.removeAttribute('aria-describedby');
  };
  describe(false);
  if (!optional && kind !== 'select') control.setAttribute('aria-required', 'true');
  const element = h('div', { class: wide ? 'field wide' : 'field' },
    h('label', { for: id }, label, optional && h('span', { class: 'optional' }, ` ${t('form.optional')}`)),
    kind === 'password' ? withReveal(control, label) : control, fault, hintLine);
  const self = {
    element,
    control,
    label,
    value: () => control.value,
    /** Shows a fault, or takes it away where there is none. */
    fault(text) {
      fault.hidden = !text;
      fill(fault, text && h('span', {}, text));
      if (text) control.setAttribute('aria-invalid', 'true');
      else control.removeAttribute('aria-invalid');
      describe(Boolean(text));
    },
  };
  control.addEventListener('input', () => {
    self.fault(null);
    onInput?.(control.value);
  });
  return self;
}

function makeControl(kind, { id, value, choices, attributes }) {
  if (kind === 'select') {
    return h('select', { id, ...attributes }, choices.map(([name, text]) => h('option', { value: name, selected: name === value }, text)));
  }
  if (kind === 'textarea') return h('textarea', { id, value, ...attributes });
  return h('input', { id, type: kind, value, spellcheck: 'false', autocapitalize: 'off', ...attributes });
}

/** A password that can be looked at, because it is copied from somewhere else more often than known by heart. */
function withReveal(control, label) {
  const button = h('button', { type: 'button', class: 'button', 'aria-pressed': 'false', 'aria-label': `${t('form.mailboxes.show_label')}: ${label}` }, t('form.mailboxes.show'));
  button.addEventListener('click', () => {
    const hidden = control.type === 'password';
    control.type = hidden ? 'text' : 'password';
    button.setAttribute('aria-pressed', String(hidden));
    button.textContent = t(hidden ? 'form.mailboxes.hide' : 'form.mailboxes.show');
  });
  return h('div', { class: 'with-button' }, control, button);
}

/** Two or more choices of which one is taken, each with a line that explains it. */
export function choices({ name, legend, options, value, onChange }) {
  const group = newId(name);
  const cards = options.map(([key, title, hint]) => {
    const input = h('input', { type: 'radio', name: group, value: key, checked: key === value });
    input.addEventListener('change', () => input.checked && onChange(key));
    return h('label', { class: 'choice' }, input, h('span', {}, h('strong', {}, title), h('small', {}, hint)));
  });
  return h('div', { class: 'choices', role: 'radiogroup', 'aria-label': legend }, cards);
}

/** A box to tick. */
export function tick(label, value, onChange) {
  const input = h('input', { type: 'checkbox', checked: value });
  input.addEventListener('change', () => onChange(input.checked));
  return h('label', { class: 'check' }, input, h('span', {}, label));
}

/** A numbered part of a form. */
export function step(number, title, hint, ...children) {
  const id = newId('step');
  return h('section', { class: 'step', 'aria-labelledby': id },
    h('h2', { id }, h('span', { class: 'step-number', 'aria-hidden': 'true' }, String(number)), title),
    hint && h('p', { class: 'step-hint' }, hint), ...children);
}

/** Everything that has to be mended, above the form; each line leads to its field. */
export function summary(faults) {
  const id = newId('summary');
  const lead = ({ text, focus }) => h('li', {}, focus ? h('button', { type: 'button', on: { click: focus } }, text) : text);
  return h('div', { class: 'note bad summary', role: 'group', tabindex: '-1', 'aria-labelledby': id },
    h('h2', { id }, t('form.summary')), h('ul', {}, faults.map(lead)));
}
