// The view of a request: where it stands, what to do now, and how far each mailbox is.

import { attachmentsPanel } from './attachments.js';
import { announce, fill, h } from './dom.js';
import { dnsPanel } from './dns.js';
import { laterPanel } from './later.js';
import { linkPanel } from './keep-link.js';
import { faultList } from './faults.js';
import { donePanel } from './done.js';
import { factsPanel } from './facts.js';
import { t } from './language.js';
import { mailboxList } from './mailboxes.js';
import { nowPanel } from './now.js';
import { nextLook } from './pace.js';
import { previewPanel } from './preview.js';
import { progressPanel } from './progress.js';
import { failureText, refusalText } from './refusals.js';
import { stages } from './stages.js';
import { Watch } from './watch.js';

/** The view; it watches the request until it is closed. */
export function requestView(request, settings) {
  const heading = h('h1', {}, t('request.title_plain', { provider: settings.provider.name }));
  const lost = h('p', { class: 'note warn', role: 'status', hidden: true }, t('request.lost'));
  const failure = h('div', { class: 'note bad', hidden: true });
  let last = null;
  const watch = new Watch({
    load: () => request.status(),
    pace: ({ state, later_looks: looks }, unchanged) => nextLook(state, unchanged, Boolean(looks?.passwords_until)),
    apply: (status) => {
      const before = last?.state;
      last = status;
      parts.forEach((part) => part.update(status));
      heading.textContent = title(status, settings);
      document.title = heading.textContent;
      // Where none could be copied, each of the mailboxes says why.
      failure.hidden = !status.error || status.error.code === 'none_copied';
      if (!failure.hidden) fill(failure, h('h3', {}, t('request.error')), h('p', {}, failureText(status.error)));
      if (before && before !== status.state) announce(nowTexts());
    },
    fail: (refusal, final) => {
      lost.hidden = refusal === null;
      if (refusal) lost.textContent = final ? refusalText(refusal) : t('request.lost');
    },
  });
  const context = { request, settings, watch, status: () => last };
  const now = nowPanel(context);
  const nowTexts = () => now.element.querySelector('h2')?.textContent ?? '';
  const parts = [
    stages(), now, progressPanel(), faultList(), dnsPanel(context), donePanel(settings), laterPanel(context), mailboxList(context), attachmentsPanel(context),
    previewPanel(context), linkPanel(context), factsPanel(context),
  ];
  const [stageBar, , progress, faults, dns, done, later, mailboxes, attachments, preview, link, facts] = parts.map(({ element }) => element);
  const element = h('div', { class: 'request' },
    h('div', { class: 'heading' }, heading, stageBar),
    h('div', {}, lost, h('section', { class: 'sheet now' }, now.element, failure, progress, faults), dns, done, later, mailboxes, attachments, preview),
    h('aside', { class: 'aside' }, link, facts));
  watch.now();
  const close = () => {
    watch.close();
    parts.forEach((part) => part.close?.());
  };
  return { element, title: heading.textContent, close };
}

function title({ state, counts }, settings) {
  const provider = settings.provider.name;
  const count = counts.mailboxes;
  if (count === 0 || ['cancelled', 'failed', 'completed_with_exceptions'].includes(state)) return t('request.title_plain', { provider });
  return t(['completed', 'later_pass'].includes(state) ? 'request.title_done' : 'request.title', { count });
}
