// The file that sets up a mailbox on an iPhone, an iPad or a Mac.

import { h, save, whileBusy } from './dom.js';
import { t } from './language.js';
import { refusalText } from './refusals.js';

const KIND = 'application/x-apple-aspen-config';

export function applePart({ request, settings }, mailbox) {
  const button = h('button', { type: 'button', class: 'button' }, t('apple.get'));
  const fault = h('p', { class: 'fault', hidden: true });
  const element = h('div', { class: 'stack-tight', hidden: true }, h('p', {}, button), h('p', { class: 'soft small' }, t('apple.text')), fault);
  button.addEventListener('click', () => whileBusy(button, async () => {
    try {
      save(`${mailbox.email}.mobileconfig`, KIND, await request.appleProfile(mailbox.row));
      fault.hidden = true;
    } catch (refusal) {
      fault.textContent = refusalText(refusal);
      fault.hidden = false;
    }
  }));
  const update = ({ state }) => { element.hidden = !settings.apple_profiles || !state.startsWith('completed'); };
  return { element, update };
}
