// A file with contacts or calendars: how far it is, what it brought, what is wrong in it, and taking it back.

import { ask } from './ask.js';
import { announce, fill, h, put, whileBusy } from './dom.js';
import { list, number } from './format.js';
import { sentence, t, worded } from './language.js';
import { failureText, refusalText } from './refusals.js';

/** How many problems are shown of a file; the report has more of them. */
const SHOWN = 50;
const COUNTS = ['imported', 'existing', 'updated', 'kept', 'failed'];
const KINDS = { importing: 'running', completed: 'good', completed_with_exceptions: 'warn', failed: 'bad', undoing: 'running', undone: 'idle' };
const PHASES = { waits: 'idle', reading: 'running', sending: 'running', sent: 'running', broken: 'bad' };

/** The kind of a file's state, and the key of the words for it. `entry` is the page's own part in it, if it has one. */
export function stateOf(attachment, entry) {
  if (attachment && attachment.state !== 'awaiting_upload') return [KINDS[attachment.state], attachment.state];
  return entry ? [PHASES[entry.phase], entry.phase] : ['idle', 'awaiting_upload'];
}

/** What became of its entries, one part each. */
export function outcome(attachment) {
  const { state, removed, changed_since: changed } = attachment;
  if (['undoing', 'undone'].includes(state)) {
    return [removed > 0 && ['removed', removed], changed > 0 && ['changed_since', changed]].filter(Boolean);
  }
  return COUNTS.filter((name) => attachment[name] > 0).map((name) => [name, attachment[name]]);
}

/** How much of it is done, from 0 to 1; null where there is nothing to show. */
export function shareOf(attachment, entry) {
  if (attachment?.state === 'importing') return attachment.objects > 0 ? attachment.done / attachment.objects : 0;
  return entry?.phase === 'sending' ? entry.share : null;
}

/** Whether there is something to take back, or to take off the list. */
export function canUndo({ state, imported }, entry) {
  if (state === 'awaiting_upload') return !['sending', 'sent'].includes(entry?.phase);
  return state === 'importing' || (imported > 0 && !['undoing', 'undone'].includes(state));
}

export function attachmentLine({ takeBack, forget }) {
  const name = h('span', { class: 'name' });
  const state = h('span', { class: 'state' });
  const owner = h('p', { class: 'soft small', hidden: true });
  const inner = h('span', {});
  const bar = h('div', { class: 'bar thin', role: 'progressbar', 'aria-valuemin': '0', 'aria-valuemax': '100', hidden: true }, inner);
  const counts = h('p', { class: 'small number', hidden: true });
  const places = h('p', { class: 'soft small', hidden: true });
  const why = h('p', { class: 'small why', hidden: true });
  const kept = h('p', { class: 'soft small', hidden: true }, t('attachments.kept_text'));
  const problems = h('ul', { class: 'faults' });
  const summary = h('summary', {});
  const details = h('details', { hidden: true }, summary, problems);
  const failed = h('p', { class: 'fault', role: 'alert', hidden: true });
  const undo = h('button', { type: 'button', class: 'button', hidden: true });
  const element = h('li', {}, h('div', { class: 'mailbox-line' }, name, state), owner, bar, counts, places, kept, why, details, failed, h('p', { class: 'actions' }, undo));
  let now = {};
  let shown = '';
  let told = null;

  undo.addEventListener('click', () => {
    const { attachment, entry } = now;
    if (!attachment) return forget(entry);
    const wasRead = attachment.state !== 'awaiting_upload';
    const go = () => whileBusy(undo, async () => {
      failed.hidden = true;
      try {
        await takeBack(attachment.id);
      } catch (refusal) {
        fill(failed, h('span', {}, refusalText(refusal)));
        failed.hidden = false;
      }
    });
    if (!wasRead) return go();
    const text = [t('attachments.undo_text'), attachment.updated > 0 && t('attachments.undo_replaced'), attachment.collections.some(({ made }) => made) && t('attachments.undo_places')];
    return ask({
      title: t('attachments.undo_title', { name: attachment.name }), text: text.filter(Boolean).join(' '),
      yes: t('attachments.undo_yes'), no: t('action.back'), danger: true, then: go,
    });
  });

  const update = (next) => {
    now = next;
    const { attachment, entry, email, takes } = next;
    const [kind, word] = stateOf(attachment, entry);
    state.className = `state ${kind}`;
    put(name, attachment?.name ?? entry.name);
    put(state, t(`attachments.state.${word}`));
    text(owner, email);
    const share = shareOf(attachment, entry);
    bar.hidden = share === null;
    bar.setAttribute('aria-label', t('attachments.bar', { name: name.textContent }));
    bar.setAttribute('aria-valuenow', String(Math.floor((share ?? 0) * 100)));
    inner.style.width = `${(share ?? 0) * 100}%`;
    const parts = attachment ? outcome(attachment).map(([key, count]) => t(`attachments.${key}`, { count })) : [];
    if (attachment?.state === 'importing' && attachment.objects > 0) {
      parts.unshift(t('progress.of', { done: number(attachment.done), all: number(attachment.objects) }));
    }
    text(counts, parts.join(' · '));
    const wasUndone = ['undoing', 'undone'].includes(attachment?.state);
    text(places, !wasUndone && attachment ? placesOf(attachment) : '');
    kept.hidden = wasUndone || !(attachment?.kept > 0);
    text(why, entry?.fault ?? (attachment?.error ? failureText(attachment.error) : ''));
    drawProblems(wasUndone ? null : attachment);
    undo.hidden = !(attachment ? takes && canUndo(attachment, entry) : entry.phase === 'broken');
    put(undo, t(attachment && attachment.state !== 'awaiting_upload' ? 'attachments.undo' : 'attachments.remove'));
    undo.setAttribute('aria-label', `${undo.textContent}: ${name.textContent}`);
    if (told !== null && told !== word && !['importing', 'undoing', 'sending', 'sent', 'reading'].includes(word)) {
      announce([name.textContent, state.textContent, ...parts].join(', '));
    }
    told = word;
  };
  const drawProblems = (attachment) => {
    details.hidden = !(attachment?.problems_found > 0);
    const key = details.hidden ? '' : JSON.stringify(attachment.problems);
    if (key === shown) return;
    shown = key;
    put(summary, t('attachments.problems', { count: attachment?.problems_found ?? 0 }));
    const first = (attachment?.problems ?? []).slice(0, SHOWN);
    const more = (attachment?.problems_found ?? 0) - first.length;
    fill(problems, first.map(problem), more > 0 && h('li', { class: 'soft' }, t('attachments.more', { count: more })));
  };
  return { element, update };
}

function text(line, words) {
  line.hidden = !words;
  put(line, words || '');
}

/** Where its entries are. */
function placesOf({ collections }) {
  const names = collections.map(({ kind, name, made }) => {
    const shown = name ?? t(`attachments.${kind}`);
    return made ? t('attachments.made', { name: shown }) : shown;
  });
  return names.length > 0 ? t('attachments.into', { places: list(names) }) : '';
}

function problem({ file, line, reason }) {
  const place = [file, line > 0 && t('attachments.line', { line: String(line) })].filter(Boolean).join(', ');
  return h('li', {}, h('strong', {}, place || t('attachments.whole')), h('div', { class: 'soft' }, sentence(worded(reason))));
}
