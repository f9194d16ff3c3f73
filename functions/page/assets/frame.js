// Another time frame for a request whose first copy has not begun.

import { fill, h, whileBusy } from './dom.js';
import { summary } from './field.js';
import { t } from './language.js';
import { faultsOf, refusalText } from './refusals.js';
import { frameOf, windowForm, windowOf } from './window-form.js';

/** The part that changes the frame; `open` where the frame is what has to be mended. */
export function framePart({ request, settings, watch }, { window }, open) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? settings.provider.time_zone;
  const draft = frameOf(window, zone);
  const form = windowForm(draft, settings);
  const place = h('div', {});
  const send = h('button', { type: 'submit', class: 'button' }, t('frame.send'));
  const shown = (faults) => {
    const note = summary(faults);
    fill(place, note);
    note.focus();
  };
  const body = h('form', { novalidate: true }, form.element, place, h('p', { class: 'actions' }, send));
  body.addEventListener('submit', (event) => {
    event.preventDefault();
    whileBusy(send, async () => {
      fill(place);
      const faults = form.check();
      if (faults.length > 0) return shown(faults);
      try {
        watch.take(await request.reschedule(windowOf(draft)));
      } catch (refusal) {
        const told = faultsOf(refusal, form.named, () => null);
        shown(told.length > 0 ? told : [{ text: refusalText(refusal) }]);
      }
    });
  });
  return h('details', { class: 'other-way', open }, h('summary', {}, t('frame.title')), body);
}
