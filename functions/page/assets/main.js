// The start: settings and language, then the view that the address names.

import * as api from './api.js';
import { announce, fill, h } from './dom.js';
import { current as language, nameOf, start, t, use } from './language.js';
import { newRequest } from './new-request.js';
import { requestView } from './request.js';
import * as session from './session.js';

const content = document.getElementById('content');
let settings;
let shown = null;

function show(focus) {
  shown?.close?.();
  const permit = session.permit();
  const request = session.current();
  if (request === undefined) shown = settings.needs_permit && !permit ? notInvited() : newRequest(settings);
  else if (request === null) shown = unknown();
  else shown = requestView(request, settings);
  document.title = shown.title;
  fill(content, shown.element);
  if (focus) {
    const heading = content.querySelector('h1');
    heading?.setAttribute('tabindex', '-1');
    heading?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
    announce(shown.title);
  }
}

function unknown() {
  const element = h('div', { class: 'stack' },
    h('h1', {}, t('page.unknown_title')),
    h('p', { class: 'lead' }, t('page.unknown_text')),
    h('p', {}, h('a', { class: 'button', href: './' }, t('page.unknown_action'))));
  return { element, title: t('page.unknown_title') };
}

function notInvited() {
  const { name: provider } = settings.provider;
  const element = h('div', { class: 'stack' },
    h('h1', {}, t('page.permit_title', { provider })),
    h('p', { class: 'lead' }, t('page.permit_text', { provider })));
  return { element, title: t('page.permit_title', { provider }) };
}

function frame() {
  const skip = document.getElementById('skip');
  skip.hidden = false;
  skip.textContent = t('page.skip');
  skip.onclick = () => content.focus();
  const choice = h('select', { id: 'language', 'aria-label': t('page.language') },
    settings.languages.map((name) => h('option', { value: name, lang: name, selected: name === language() }, nameOf(name))));
  choice.addEventListener('change', async () => {
    await use(choice.value);
    frame();
    show(false);
    document.getElementById('language').focus();
  });
  fill(document.getElementById('languages'), settings.languages.length > 1 && choice);
  const { support } = settings.provider;
  fill(document.getElementById('footer'),
    support && h('p', {}, `${t('page.help')} `, h('a', { href: `mailto:${support}` }, support)));
}

async function begin() {
  try {
    settings = await api.settings();
  } catch {
    settings = null;
  }
  await start(settings?.languages ?? ['en', 'de']);
  if (!settings) {
    const again = h('button', { type: 'button', class: 'button', on: { click: () => location.reload() } }, t('page.retry'));
    fill(content, h('div', { class: 'note bad stack', role: 'alert' }, h('p', {}, t('page.unreachable')), again));
    return;
  }
  frame();
  show(false);
  // The way home is a new request, also where only the fragment differs.
  document.querySelector('.wordmark').addEventListener('click', (event) => {
    event.preventDefault();
    history.pushState(null, '', location.pathname);
    show(true);
  });
  window.addEventListener('hashchange', () => show(true));
  window.addEventListener('popstate', () => show(true));
}

await begin();
