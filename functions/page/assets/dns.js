// The DNS guide: what to set, beside what is there now.

import { announce, fill, h, newId, whileBusy } from './dom.js';
import { duration, shortMoment } from './format.js';
import { own, sentence, t } from './language.js';
import { MOVED } from './pace.js';

const SHOWN_IN = new Set(['scheduled', 'first_pass', 'awaiting_cutover', 'final_pass', ...MOVED]);
const CHIPS = { right: 'good', wrong: 'bad', missing: 'bad', unknown: 'idle' };
const DOMAIN_CHIPS = { changed: 'good', waiting_for_caches: 'running', partly_changed: 'warn', not_changed: 'idle' };
const AGAIN_SECONDS = 60;

export function dnsPanel({ request, status }) {
  const id = newId('dns');
  const place = h('div', {});
  const again = h('button', { type: 'button', class: 'button' }, t('dns.again'));
  const element = h('section', { class: 'sheet', 'aria-labelledby': id, hidden: true },
    h('div', { class: 'list-head' }, h('h2', { id }, t('dns.title')), again), h('p', { class: 'soft' }, t('dns.text')), place);
  let shown = '';
  let looked = 0;
  const look = async () => {
    looked = Date.now();
    // A guide that cannot be had just now is no reason for an alarm: the one before stays.
    const { domains } = await request.dns().catch(() => ({ domains: null }));
    if (!domains) return;
    element.hidden = domains.length === 0 || !SHOWN_IN.has(status().state);
    const key = JSON.stringify(domains);
    if (key === shown) return;
    shown = key;
    fill(place, domains.map((domain) => domainPart(domain, status().state)));
  };
  again.addEventListener('click', () => whileBusy(again, look));
  const update = ({ state, counts }) => {
    const wanted = SHOWN_IN.has(state) && counts.mailboxes > 0;
    if (!wanted) {
      element.hidden = true;
      return;
    }
    const waits = state === 'awaiting_cutover' && Date.now() - looked > AGAIN_SECONDS * 1000;
    if (looked === 0 || waits) look();
  };
  return { element, update };
}

function domainPart(domain, state) {
  const { records } = domain;
  const due = records.filter((record) => record.state !== 'right' && !record.optional);
  const later = records.filter((record) => record.state !== 'right' && record.optional);
  const right = records.filter((record) => record.state === 'right');
  const facts = [
    domain.final_pass_after && domain.state === 'waiting_for_caches' && t('dns.after', { when: shortMoment(domain.final_pass_after) }),
    domain.old_ttl_seconds > 3600 && ['scheduled', 'first_pass'].includes(state) && t('dns.ttl', { time: duration(domain.old_ttl_seconds) }),
    domain.looked_at && t('dns.looked', { when: shortMoment(domain.looked_at) }),
  ].filter(Boolean);
  const group = (title, list, open) => list.length > 0 && h('details', { class: 'records', open }, h('summary', {}, t(title, { count: list.length })), list.map(recordPart));
  return h('section', { class: 'domain' },
    h('div', { class: 'mailbox-line' }, h('h3', {}, domain.domain), h('span', { class: `state ${DOMAIN_CHIPS[domain.state] ?? 'bad'}` }, t(`dns.state.${domain.state}`))),
    facts.map((fact) => h('p', { class: 'soft small' }, fact)),
    domain.problems.map(({ code, message }) => h('p', { class: 'small' }, own(`dns_problem.${code}`) ?? sentence(message))),
    due.map(recordPart),
    group('dns.optional', later, false), group('dns.right', right, false));
}

function recordPart(record) {
  const { purpose, name, type, wanted, found, state, advice } = record;
  const values = (list, copies) => (list.length === 0 ? h('span', { class: 'soft' }, t('dns.nothing'))
    : list.map((value) => h('div', { class: 'value' }, h('span', { class: 'cell' }, value), copies && copyButton(value))));
  const same = state === 'right';
  return h('div', { class: 'record' },
    h('div', { class: 'mailbox-line' }, h('strong', {}, t(`dns.purpose.${purpose}`)), h('span', { class: `state ${CHIPS[state]}` }, t(`dns.is.${state}`))),
    h('dl', { class: 'record-values' },
      h('dt', {}, t('dns.name')), h('dd', {}, h('span', { class: 'cell' }, name), ' ', h('span', { class: 'soft' }, type)),
      h('dt', {}, t('dns.wanted')), h('dd', {}, values(wanted, !same)),
      !same && [h('dt', {}, t('dns.found')), h('dd', {}, values(found, false))]),
    !same && h('p', { class: 'soft small' }, own(`dns_advice.${record.advice_code}`) ?? sentence(advice)));
}

function copyButton(text) {
  const button = h('button', { type: 'button', class: 'button quiet copy', 'aria-label': `${t('dns.copy')}: ${text}` }, t('dns.copy'));
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text).then(() => {
      button.textContent = `${t('request.copied')} ✓`;
      announce(t('request.copied'));
    }, () => button.remove());
  });
  return button;
}
