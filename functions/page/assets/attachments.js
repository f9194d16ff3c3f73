// Contacts and calendars: files for a mailbox, sent one after the other, and what became of each.

import { Refusal, upload } from './api.js';
import { attachmentLine } from './attachment-line.js';
import { dropZone } from './drop-zone.js';
import { announce, fill, h, newId } from './dom.js';
import { ACCEPT, HEAD, digestOf, faultOf, kindOf, plainName } from './export-file.js';
import { field, tick } from './field.js';
import { t } from './language.js';
import { MOVED, nextLookAtFiles } from './pace.js';
import { refusalText } from './refusals.js';
import { Watch } from './watch.js';

const TAKEN_IN = new Set(['scheduled', 'first_pass', 'awaiting_cutover', 'final_pass', ...MOVED]);
const DAYS_AFTER_END = 30;

/** Whether the request takes files now, as far as its status tells; the service has the last word. */
export function takesFiles({ state, state_since: since, completed_at: completed = since }, settings, now = Date.now()) {
  if (!TAKEN_IN.has(state)) return false;
  if (!MOVED.has(state)) return true;
  return !settings.needs_destination_password && now - Date.parse(completed) < DAYS_AFTER_END * 86_400_000;
}

export function attachmentsPanel(context) {
  const { request, settings } = context;
  const id = newId('attachments');
  const list = h('ul', { class: 'files' });
  const closed = h('p', { class: 'soft' }, t('attachments.closed'));
  const own = [];
  const lines = new Map();
  let known = null;
  let status = null;
  let replace = false;

  const watch = new Watch({
    load: () => request.attachments(),
    apply: ({ attachments }) => {
      known = attachments;
      draw();
    },
    // The request's own watch tells when the line is down.
    fail: () => {},
    pace: ({ attachments }, unchanged) => nextLookAtFiles(attachments.some(isOpen), unchanged),
  });
  // One that was announced elsewhere may never be sent, so only those that this page has sent are waited for.
  const isOpen = ({ id: name, state }) => ['importing', 'undoing'].includes(state) || (state === 'awaiting_upload' && own.some((file) => file.id === name && file.phase === 'sent'));

  const choice = field({ label: t('attachments.mailbox'), kind: 'select' });
  const zone = dropZone({ label: t('attachments.label'), title: t('attachments.drop'), accept: ACCEPT, multiple: true, take: (files) => add(files) });
  const update = settings.needs_destination_password && tick(t('attachments.replace'), false, (value) => { replace = value; });
  const form = h('div', { class: 'file-form' }, choice.element, zone.element, h('p', { class: 'hint' }, t('attachments.hint')), update);
  const element = h('section', { class: 'sheet', 'aria-labelledby': id, hidden: true },
    h('h2', { id }, t('attachments.title')), h('p', { class: 'soft' }, t('attachments.text')), form, closed, list);

  let last = Promise.resolve();
  const add = (files) => {
    const row = Number(choice.control.value);
    for (const file of files) {
      const entry = { file, name: plainName(file.name), row, update: replace, id: null, phase: 'waits', share: 0, fault: null };
      own.push(entry);
      // One at a time: a file is whole in memory while it is digested.
      last = last.then(() => send(entry));
    }
    draw();
  };
  const send = async (entry) => {
    const step = (phase, share = 0) => {
      entry.phase = phase;
      entry.share = share;
      draw();
    };
    try {
      step('reading');
      const kind = kindOf(entry.name, await entry.file.slice(0, HEAD).arrayBuffer());
      const fault = faultOf(entry.file.size, kind);
      if (fault) throw new Refusal(0, { code: `attachment_${fault}` });
      const sha256 = await digestOf(await entry.file.arrayBuffer());
      const announced = { mailbox: entry.row, kind, bytes: entry.file.size, sha256, name: entry.name };
      if (entry.update) announced.on_conflict = 'update';
      const made = await request.announce(announced);
      entry.id = made.id;
      lines.set(made.id, lines.get(entry));
      step('sending');
      await upload(made.upload, entry.file, (share) => step('sending', share));
      step('sent');
      await watch.now();
    } catch (refusal) {
      // A file that has been changed or taken away meanwhile cannot be read any more.
      entry.fault = refusal instanceof DOMException ? t('problem.attachment_unread') : refusalText(refusal);
      step('broken');
      announce(`${entry.name}: ${entry.fault}`);
    } finally {
      entry.file = null;
    }
  };

  const takeBack = async (name) => {
    await request.takeBack(name);
    await watch.now();
  };
  const forget = (entry) => {
    own.splice(own.indexOf(entry), 1);
    lines.delete(entry);
    draw();
    zone.focus();
  };
  const lineOf = (key) => {
    if (!lines.has(key)) lines.set(key, attachmentLine({ takeBack, forget }));
    return lines.get(key);
  };
  const draw = () => {
    if (!status) return;
    const emails = new Map(status.mailboxes.map(({ row, email }) => [row, email]));
    const several = emails.size > 1;
    // Of a file that never came nothing is left to tell once it has been removed.
    const announced = (known ?? []).filter(({ state, objects }) => state !== 'undone' || objects > 0);
    const takes = takesFiles(status, settings);
    const shown = [...announced].sort((a, b) => a.mailbox - b.mailbox || a.created_at.localeCompare(b.created_at));
    const elements = shown.map((attachment) => {
      const line = lineOf(attachment.id);
      line.update({ attachment, entry: own.find((entry) => entry.id === attachment.id), email: several && emails.get(attachment.mailbox), takes });
      return line.element;
    });
    for (const entry of own.filter((one) => !(known ?? []).some(({ id: name }) => name === one.id))) {
      const line = lineOf(entry.id ?? entry);
      line.update({ entry, email: several && emails.get(entry.row), takes });
      elements.push(line.element);
    }
    if (elements.length !== list.children.length || elements.some((one, at) => one !== list.children[at])) fill(list, elements);
    form.hidden = !takes;
    closed.hidden = takes;
    element.hidden = emails.size === 0 || (!takes && elements.length === 0);
  };
  let rows = '';
  return {
    element,
    close: () => watch.close(),
    update(next) {
      status = next;
      if (!settings.contacts_and_calendars || next.mailboxes.length === 0) return;
      const offered = JSON.stringify(next.mailboxes.map(({ row, email }) => [row, email]));
      if (offered !== rows) {
        rows = offered;
        const chosen = choice.control.value;
        choice.element.hidden = next.mailboxes.length < 2;
        fill(choice.control, next.mailboxes.map(({ row, email }) => h('option', { value: String(row), selected: String(row) === chosen }, email)));
      }
      if (known === null) {
        known = [];
        watch.now();
      }
      draw();
    },
  };
}
