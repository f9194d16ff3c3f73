// What is being filled in. It outlives a change of language, and never leaves the memory of the page.

import { emptyFrame, windowOf } from './window-form.js';

export const emptyMailbox = () => ({
  email: '', password: '', source_host: '', port: '', security: '', source_user: '', destination_email: '', destination_password: '',
});

export const newDraft = (zone) => ({
  contact_email: '', ticket: '',
  way: 'one', mailboxes: [emptyMailbox()], file: null,
  ...emptyFrame(zone),
  include: '', exclude: '', since: '', before: '', repair: true, carry_deletions: false, tell_owners: false,
  sent: null,
});

/**
 * The name under which an order is sent, so that one whose answer was lost is not made twice. It stays while the order
 * does; a changed one is another. Whoever has name and order can open the request, so it is as secret as a token.
 */
export function orderKey(draft, body) {
  const text = JSON.stringify(body);
  if (draft.sent?.text !== text) {
    const bytes = crypto.getRandomValues(new Uint8Array(24));
    draft.sent = { text, key: btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_') };
  }
  return draft.sent.key;
}

/** The body of the call that makes a request; `file` says how long the uploaded file is and what its digest is. */
export function order(draft, file, language) {
  const body = { contact_email: draft.contact_email.trim(), language, options: options(draft) };
  if (draft.ticket.trim() !== '') body.ticket = draft.ticket.trim();
  const window = windowOf(draft);
  if (window) body.window = window;
  if (draft.way === 'many') Object.assign(body, file);
  else body.mailboxes = draft.mailboxes.map(mailbox);
  return body;
}

function options({ include, exclude, since, before, repair, carry_deletions, tell_owners }) {
  const patterns = (lines) => lines.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  return { include: patterns(include), exclude: patterns(exclude), since: since || null, before: before || null, repair, carry_deletions, tell_owners };
}

/** Only what was filled in: the rest is the service's to decide. */
function mailbox(filled) {
  const body = {};
  for (const [name, value] of Object.entries(filled)) {
    const bare = name.endsWith('password') ? value : value.trim();
    if (bare !== '') body[name] = name === 'port' ? Number(bare) : bare;
  }
  return { email: '', password: '', ...body };
}
