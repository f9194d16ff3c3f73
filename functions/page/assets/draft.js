// What is being filled in. It outlives a change of language, and never leaves the memory of the page.

export const emptyMailbox = () => ({
  email: '', password: '', source_host: '', port: '', security: '', source_user: '', destination_email: '', destination_password: '',
});

export const newDraft = (zone) => ({
  contact_email: '', ticket: '',
  way: 'one', mailboxes: [emptyMailbox()], file: null,
  when: 'soon', start: '', end: '', time_zone: zone,
  exclude: '', since: '', repair: true, carry_deletions: false,
});

/** The body of the call that makes a request. */
export function order(draft, csvBytes, language) {
  const body = { contact_email: draft.contact_email.trim(), language, options: options(draft) };
  if (draft.ticket.trim() !== '') body.ticket = draft.ticket.trim();
  if (draft.when === 'later') {
    body.window = { start: draft.start, time_zone: draft.time_zone };
    if (draft.end !== '') body.window.end = draft.end;
  }
  if (draft.way === 'many') body.csv_bytes = csvBytes;
  else body.mailboxes = draft.mailboxes.map(mailbox);
  return body;
}

function options({ exclude, since, repair, carry_deletions }) {
  const patterns = exclude.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  return { exclude: patterns, since: since === '' ? null : since, repair, carry_deletions };
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
