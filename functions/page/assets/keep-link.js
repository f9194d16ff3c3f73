// The link that brings the customer back. It holds the token, which nobody can give out again.

import { announce, fill, h, save } from './dom.js';
import { t } from './language.js';
import { link } from './session.js';

export function linkPanel({ request, settings }) {
  const copy = h('button', { type: 'button', class: 'button' }, t('request.copy'));
  const keep = h('button', { type: 'button', class: 'button' }, t('request.save'));
  const fallback = h('div', {});
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(link(request));
      copy.textContent = `${t('request.copied')} ✓`;
      announce(t('request.copied'));
    } catch {
      const field = h('input', { type: 'text', readonly: true, value: link(request), 'aria-label': t('request.link') });
      fill(fallback, h('p', { class: 'hint' }, t('request.copy_failed')), field);
      field.select();
    }
  });
  keep.addEventListener('click', () => {
    const text = t('request.save_text', { provider: settings.provider.name, link: link(request) });
    save(t('request.save_name'), 'text/plain', text);
  });
  const element = h('section', {},
    h('h2', {}, t('request.link')), h('p', { class: 'soft small' }, t('request.link_text')), h('div', { class: 'actions' }, copy, keep), fallback);
  return { element, update() {} };
}
