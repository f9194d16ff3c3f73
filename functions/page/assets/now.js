// What happens at the moment, in plain words, and what the customer can do about it.

import { upload } from './api.js';
import { ask } from './ask.js';
import { announce, fill, h, save, whileBusy } from './dom.js';
import { announced, fileDrop } from './file-drop.js';
import { framePart } from './frame.js';
import { moment, zoneName } from './format.js';
import { t, texts } from './language.js';
import { refusalText } from './refusals.js';

const NO_ROOM = new Set(['frame_full', 'frame_too_short']);

export function nowPanel(context) {
  const { request, settings, watch, status } = context;
  const element = h('div', {});
  const failed = h('p', { class: 'note bad', role: 'alert', hidden: true });
  const attempt = async (work) => {
    failed.hidden = true;
    try {
      await work();
    } catch (refusal) {
      failed.textContent = refusalText(refusal);
      failed.hidden = false;
    }
  };
  const act = (button, action) => whileBusy(button, () => attempt(async () => watch.take(await request.act(action))));
  const uploads = uploadPart({ request, watch, attempt });
  const build = {
    awaiting_upload: () => [uploads(t('action.upload'), t('form.file.template_hint'))],
    needs_attention: (shown) => [
      good(shown) > 0 && actions(button(t(isStopped(shown) ? 'action.again' : 'action.proceed', { count: good(shown) }), (self) => act(self, 'proceed'))),
      // Where only checks found something, it is mended row by row more easily.
      (shown.window || isNoRoom(shown)) && framePart(context, shown, isNoRoom(shown)),
      shown.rows_refused.length > 0 ? uploads(t('action.corrected'), t('action.corrected_hint'))
        : h('details', { class: 'other-way' }, h('summary', {}, t('action.corrected')), uploads(t('action.corrected'), t('action.corrected_hint'))),
    ],
    scheduled: (shown) => [framePart(context, shown, false)],
    awaiting_cutover: () => [actions(button(t('action.cutover'), (self) => confirmed('cutover', () => act(self, 'cutover'))))],
    later_pass: () => [actions(report())],
    completed: () => [actions(report())],
    completed_with_exceptions: () => [actions(report())],
    cancelled: () => [actions(again())],
    failed: () => [actions(report(), again())],
  };
  const report = () => button(t('action.report'), (self) => whileBusy(self, () => attempt(async () => {
    save(t('action.report_name', { id: request.id }), 'text/csv', await request.report());
  })));
  const again = () => h('a', { class: 'button', href: './' }, t('action.new'));
  let shownFor = '';
  const update = (next) => {
    // Rebuilt only when something else is to be said, so that nothing is lost that is being filled in.
    const key = JSON.stringify([next.state, next.window, good(next), next.rows_refused.length > 0, wordsFor(next)]);
    if (key === shownFor) return;
    shownFor = key;
    const { provider } = settings;
    const at = (instant) => instant && `${moment(instant, next.window.time_zone)} (${zoneName(next.window.time_zone)})`;
    const [title, text] = texts(`now.${wordsFor(next)}`, {
      provider: provider.name, start: at(next.window?.start), paused: at(next.window?.paused_until),
    });
    failed.hidden = true;
    fill(element, h('h2', {}, title), h('p', { class: 'soft' }, text), rule(next), (build[next.state] ?? (() => []))(next), failed);
  };
  return { element, update, status };
}

/** Which words belong to a status. */
export function wordsFor({ state, window, error }) {
  if (state === 'scheduled' && !window) return 'scheduled_soon';
  if (state === 'first_pass' && window?.paused_until) return 'paused';
  if (state === 'needs_attention' && error?.code === 'none_copied') return 'stopped';
  return state === 'needs_attention' && NO_ROOM.has(error?.code) ? 'no_room' : state;
}

/** What the final copy does on both sides, told before it begins. */
const rule = ({ state, options }) => state === 'awaiting_cutover'
  && h('p', { class: 'soft' }, t(options.carry_deletions ? 'rule.with_deletions' : 'rule.without_deletions'));

const isNoRoom = (status) => wordsFor(status) === 'no_room';
const isStopped = (status) => wordsFor(status) === 'stopped';

/** How many mailboxes can be copied, as far as their checks tell. */
function good({ counts, mailboxes }) {
  return counts.mailboxes - mailboxes.filter(({ check }) => check?.state === 'failed').length;
}

function button(text, click) {
  const self = h('button', { type: 'button', class: 'button primary' }, text);
  self.addEventListener('click', () => click(self));
  return self;
}

const actions = (...buttons) => h('div', { class: 'actions' }, buttons);

const confirmed = (name, then) => ask({
  title: t(`action.${name}_title`), text: t(`action.${name}_text`), yes: t(`action.${name}_yes`), no: t('action.back'), then,
});

/** Choosing a file and sending it, for a first time or in place of another. */
function uploadPart({ request, watch, attempt }) {
  return (label, hint) => {
    const send = h('button', { type: 'button', class: 'button primary', hidden: true }, label);
    const drop = fileDrop(null, () => { send.hidden = false; });
    send.addEventListener('click', () => whileBusy(send, () => attempt(async () => {
      if (drop.file().faults.length > 0) {
        announce(t('form.file.unsound'));
        drop.focus();
        return;
      }
      const bytes = drop.bytes();
      const renewed = await request.renewUpload(await announced(bytes));
      await upload(renewed.upload, bytes);
      await watch.now();
    })));
    return h('div', { class: 'form' }, drop.element,
      h('p', { class: 'hint' }, h('a', { href: 'v1/template.xlsx', download: '' }, t('form.file.template')), `. ${hint}`), h('div', { class: 'actions' }, send));
  };
}
