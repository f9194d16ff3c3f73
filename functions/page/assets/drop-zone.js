// The place where files are dropped, or chosen by a click or a key.

import { h, icon } from './dom.js';
import { t } from './language.js';

const TRAY = 'M12 15V4m0 0 4 4m-4-4-4 4M4 15v4a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-4';

/** A zone with a name for screen readers; `take` gets the files, always at least one. */
export function dropZone({ label, title, accept, multiple = false, take }) {
  const input = h('input', { type: 'file', accept, multiple, 'aria-label': label });
  const element = h('div', { class: 'drop' }, icon(TRAY), h('strong', {}, title), h('u', {}, t('form.file.choose')), input);
  const given = (files) => {
    const chosen = [...files];
    if (chosen.length > 0) take(multiple ? chosen : chosen.slice(0, 1));
  };
  input.addEventListener('change', () => {
    given(input.files);
    // The same file can be chosen again then.
    input.value = '';
  });
  element.addEventListener('dragover', (event) => {
    event.preventDefault();
    element.classList.add('over');
  });
  for (const name of ['dragleave', 'dragend', 'drop']) element.addEventListener(name, () => element.classList.remove('over'));
  element.addEventListener('drop', (event) => {
    event.preventDefault();
    given(event.dataTransfer.files);
  });
  return { element, focus: () => input.focus() };
}
