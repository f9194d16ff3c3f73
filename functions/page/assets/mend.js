// Mending one mailbox whose check found something, without a new file.

import { isHost, isPort } from './cell.js';
import { fill, h, whileBusy } from './dom.js';
import { field } from './field.js';
import { own, said, sentence, t } from './language.js';
import { refusalText } from './refusals.js';

const LOGIN = ['username', 'password'];
// Another server gets no password that was given for the one before.
const SERVER = ['source_host', 'port', 'security', 'password'];

/** Which values a fault is about. */
export function columnsFor(code) {
  if (/^destination_(wrong_password|login_refused)$/.test(code)) return ['destination_password'];
  if (/^source_(wrong_password|app_password_needed|oauth_needed|login_blocked|imap_disabled|login_refused)$/.test(code)) return LOGIN;
  if (/^source_(folders|mailbox|too_many|busy)/.test(code)) return LOGIN;
  if (code.startsWith('source_')) return SERVER;
  return [...SERVER, ...LOGIN];
}

/** Whether what the copying failed for may be mended by other values. */
const isMended = (code = '') => code.startsWith('source_') || code === 'destination_login_refused';

/** What was found, and the place to mend it. */
export function mendPart({ request, watch, settings }, mailbox) {
  const element = h('div', { class: 'why stack-tight', hidden: true });
  let shown = '';
  const update = (next, status) => {
    const found = next.check?.faults ?? (next.check?.fault ? [next.check.fault] : []);
    // Why it could not be copied stands above.
    const why = next.state === 'failed' && isMended(next.error?.code) ? [next.error] : [];
    const faults = found.length > 0 ? found : why;
    const mendable = ['checking', 'needs_attention', 'scheduled', 'awaiting_cutover'].includes(status.state) && ['waiting', 'failed'].includes(next.state);
    element.hidden = faults.length === 0 || !mendable;
    const key = element.hidden ? '' : JSON.stringify(faults);
    if (key === shown) return;
    shown = key;
    if (element.hidden) fill(element);
    else fill(element, found.map(words), form(faults, next.check?.state === 'running'));
  };

  const form = (faults, running) => {
    if (running) return h('p', { class: 'soft small' }, t('mend.running'));
    const columns = [...new Set(faults.flatMap(({ code }) => columnsFor(code)))];
    const provider = settings.provider.name;
    const fields = Object.fromEntries(columns.map((name) => [name, make(name, provider)]));
    const suggestion = faults.find((fault) => fault.suggestion)?.suggestion;
    if (suggestion && fields.source_host) fields.source_host.control.value = suggestion;
    const failed = h('p', { class: 'fault', role: 'alert', hidden: true });
    const send = h('button', { type: 'submit', class: 'button' }, t('mend.send'));
    const body = h('form', { novalidate: true }, h('div', { class: 'fields' }, columns.map((name) => fields[name].element)), failed, h('p', { class: 'actions mend-send' }, send));
    body.addEventListener('submit', (event) => {
      event.preventDefault();
      whileBusy(send, async () => {
        failed.hidden = true;
        const changes = read(fields);
        const tell = (text) => {
          fill(failed, h('span', {}, text));
          failed.hidden = false;
        };
        if (changes === null) return;
        if (Object.keys(changes).length === 0) return tell(t('mend.nothing'));
        try {
          watch.take(await request.mend(mailbox.row, changes));
        } catch (refusal) {
          const faulty = refusal.problem?.faults?.[0] ?? refusal.problem?.rows_refused?.[0];
          tell(faulty ? sentence(said('fault', faulty.code, faulty.message)) : refusalText(refusal));
        }
      });
    });
    const details = h('details', {}, h('summary', {}, t('mend.title')), body);
    return details;
  };
  return { element, update };
}

const full = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** What is wrong and what to do, in the visitor's language where there are words for the code. */
function words({ code, message, remedy }) {
  return h('p', { class: 'small' }, h('strong', {}, own(`check.${code}.0`) ?? full(sentence(message))), ' ', own(`check.${code}.1`) ?? full(sentence(remedy)));
}

function make(name, provider) {
  const label = { username: t('form.mailboxes.source_user'), source_host: t('form.mailboxes.source_host') }[name] ?? t(`form.mailboxes.${name}`, { provider });
  const security = ['', 'tls', 'starttls', 'none'].map((value) => [value, t(`form.mailboxes.security_${value || 'auto'}`)]);
  const kind = name.endsWith('password') ? 'password' : name === 'security' ? 'select' : 'text';
  return field({ label, kind, optional: true, choices: security, wide: name === 'source_host', attributes: { autocomplete: 'off' } });
}

/** What was filled in; null where something of it cannot be. */
function read(fields) {
  const changes = {};
  let good = true;
  for (const [name, { control, fault }] of Object.entries(fields)) {
    const value = name.endsWith('password') ? control.value : control.value.trim();
    const wrong = (name === 'port' && value !== '' && !isPort(value) && t('form.bad_port')) || (name === 'source_host' && value !== '' && !isHost(value) && t('form.bad_host'));
    fault(wrong || null);
    if (wrong) good = false;
    else if (value !== '') changes[name] = name === 'port' ? Number(value) : value;
  }
  return good ? changes : null;
}
