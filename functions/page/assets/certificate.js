// The certificate of a mailbox as people read it; the document itself can be saved.

import { fill, h, save } from './dom.js';
import { moment, number, size } from './format.js';
import { t } from './language.js';
import { refusalText } from './refusals.js';

const EXPLAINED = new Set(['too_large', 'over_quota', 'invalid']);

export function certificatePart({ request, settings }, mailbox) {
  const body = h('div', { class: 'stack-tight' });
  const details = h('details', { hidden: true }, h('summary', {}, t('certificate.title')), body);
  let loaded = false;
  details.addEventListener('toggle', async () => {
    if (!details.open || loaded) return;
    loaded = true;
    fill(body, h('p', { class: 'soft' }, t('certificate.loading')));
    try {
      fill(body, document_(await request.certificate(mailbox.row), settings));
    } catch (refusal) {
      loaded = false;
      fill(body, h('p', { class: 'fault' }, refusalText(refusal)));
    }
  });
  return { element: details, update: (next) => { details.hidden = !next.certificate; } };
}

// What a server said, after what it means: its own words are for those who know it.
function reasonOf(folder, exception, settings) {
  const means = EXPLAINED.has(exception.class) && t(`certificate.refused.${exception.class}`, { count: exception.messages, provider: settings.provider.name });
  return [folder.source, means, exception.text].filter(Boolean).join(': ');
}

function document_(certificate, settings) {
  const { totals, folders } = certificate;
  const side = totals.destination_side;
  const exceptions = folders.flatMap((folder) => folder.exceptions.map((exception) => h('li', {}, reasonOf(folder, exception, settings))));
  const keep = h('button', { type: 'button', class: 'button' }, t('certificate.save'));
  keep.addEventListener('click', () => save(t('certificate.save_name', { email: certificate.mailbox }), 'application/json', JSON.stringify(certificate, null, 2)));
  const verdict = certificate.agrees
    ? h('p', { class: 'state good' }, t('certificate.agrees', { count: side.messages, size: size(side.bytes) }))
    : h('p', { class: 'state warn' }, t('certificate.differs'));
  const row = (folder) => h('tr', {},
    h('td', {}, folder.source === folder.destination ? folder.source : [folder.source, h('span', { class: 'arrow', 'aria-hidden': 'true' }, '→'), folder.destination]),
    h('td', { class: 'right number' }, number(folder.source_side.messages)), h('td', { class: 'right number' }, number(folder.destination_side.messages)));
  return [
    verdict,
    exceptions.length > 0 && h('ul', { class: 'tasks' }, exceptions.slice(0, 20)),
    totals.gone_since > 0 && h('p', { class: 'soft' }, t('certificate.gone', { count: totals.gone_since })),
    h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('certificate.folder') }, h('table', {},
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('certificate.folder')), h('th', { scope: 'col', class: 'right' }, t('certificate.there')),
        h('th', { scope: 'col', class: 'right' }, t('certificate.here', { provider: settings.provider.name })))),
      h('tbody', {}, folders.map(row)))),
    h('p', { class: 'soft' }, t('certificate.made', { when: moment(certificate.made_at) })),
    h('p', {}, h('span', { class: 'soft' }, `${t('certificate.digest')}: `), h('span', { class: 'digest' }, side.digest)),
    h('p', {}, keep),
  ];
}
