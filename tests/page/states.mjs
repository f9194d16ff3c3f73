// Statuses as the service gives them (infra/openapi.yaml), for every state there is.

const ID = '01kavz6t5t8vd3z6s7m9p0q1r2';
const NONE = { include: [], exclude: [], since: null, before: null, repair: true, carry_deletions: false, tell_owners: false };
const STATES = ['waiting', 'planning', 'copying', 'awaiting_cutover', 'certifying', 'completed', 'completed_with_exceptions', 'failed', 'cancelled'];

export const TOKEN = '2Vn0m3nB6V3xQy3eP1nH0cW8t4k5J7l9aBcDeFgHiJk';
export { ID };

function status(state, mailboxes, more = {}) {
  const counts = Object.fromEntries(STATES.map((name) => [name, mailboxes.filter((mailbox) => mailbox.state === name).length]));
  return {
    id: ID, state, state_since: '2026-11-25T21:00:04Z', created_at: '2026-11-24T09:00:00Z', next: 'In words.', contact_email: 'office@example.org',
    ticket: 'T-20261124-7', window: null, options: NONE, counts: { mailboxes: mailboxes.length, ...counts }, mailboxes, rows_refused: [], ...more,
  };
}

function mailbox(row, email, state, pass, [messages, copied] = [0, 0], more = {}) {
  const size = 38_417;
  return {
    row, email, state, pass, folders: messages > 0 ? 14 : 0, messages_total: messages, messages_copied: copied,
    bytes_total: messages * size, bytes_copied: copied * size, exceptions: 0, notes: 0, ...more,
  };
}

const certificate = (row) => ({ url: `/v1/requests/${ID}/mailboxes/${row}/certificate`, made_at: '2026-11-26T04:12:09Z', agrees: true });
const login = { code: 'source_login_refused', message: 'at the previous provider: the server refused the user name or the password' };
const wrongPassword = {
  code: 'source_wrong_password', message: 'at the previous provider: the server refused the user name or the password',
  remedy: 'Check the password by logging in to its webmail, and write it here.',
};
const wrongHost = {
  code: 'source_unknown_host', message: 'at the previous provider: there is no server of this name', remedy: 'Check its name.', suggestion: 'imap.example.org',
};
const people = ['anna', 'bert', 'carla.von-der-heide-langenfeld', 'dieter', 'office'].map((name) => `${name}@example.org`);
const frame = { start: '2026-11-25T22:00:00+01:00', end: '2026-11-26T06:00:00+01:00', time_zone: 'Europe/Berlin' };
const waiting = people.map((email, at) => mailbox(at + 2, email, 'waiting', null));

const estimate = { from: '2026-11-25T23:10:00+01:00', until: '2026-11-26T02:40:00+01:00', seconds_low: 4_200, seconds_high: 16_800 };

const doing = (step, folder, [messages, bytes] = []) => ({ doing: { step, folder, messages_per_minute: messages, bytes_per_minute: bytes, at: '2026-11-25T23:04:10Z' } });
const through = (done, folders) => ({ progress: { folders_done: done, folders } });

const note = 'Gmail gives out 2500 MB of a mailbox a day: 2 mailboxes have more, and the largest takes 5 days at least.';

export const states = {
  awaiting_upload: status('awaiting_upload', []),
  checking: status('checking', []),
  needs_attention: status('needs_attention', waiting.slice(0, 3), {
    rows_refused: [
      { row: 5, column: 'port', code: 'bad_port', message: 'this is not a port: write a number from 1 to 65535, or leave it empty for the usual 993.' },
      { row: 6, column: 'password', code: 'empty_value', message: 'this is missing: write the password of the mailbox at the previous provider.' },
    ],
  }),
  to_mend: status('needs_attention', [
    { ...waiting[0], source: { host: 'imap.example.org', port: 993, security: 'tls', found_by: 'autoconfig' }, check: { state: 'passed', folders: 14, messages: 12_841, bytes: 493_312_000, message_limit_bytes: 52_428_800, too_large: { messages: 3, folders: [{ folder: 'Projekte/2024/Angebote', messages: 2 }, { folder: 'INBOX', messages: 1 }] } } },
    { ...waiting[1], check: { state: 'failed', fault: wrongPassword, faults: [wrongPassword] } },
    { ...waiting[2], check: { state: 'failed', fault: wrongHost, faults: [wrongHost] } },
  ]),
  scheduled: status('scheduled', waiting, { window: frame, estimate: { ...estimate, note }, contact_trouble: { kind: 'unreachable' }, options: { ...NONE, include: ['INBOX', 'Projekte/**'], exclude: ['Junk', 'Archive/2009'], since: '2020-01-01', before: '2026-11-01' } }),
  stopped: status('needs_attention', [mailbox(2, people[0], 'failed', 'first', [12_841, 7_000], { error: login })], {
    error: { code: 'none_copied', message: 'none of the mailboxes could be copied; each says why' },
  }),
  no_room: status('needs_attention', waiting, {
    window: { ...frame, after_end: 'next_night' }, error: { code: 'frame_full', message: 'this frame has no room' },
  }),
  paused: status('first_pass', [mailbox(2, people[0], 'copying', 'first', [12_841, 7_000])], {
    window: { ...frame, after_end: 'next_night', paused_until: '2026-11-26T22:00:00+01:00' },
  }),
  first_pass: status('first_pass', [
    mailbox(2, people[0], 'awaiting_cutover', 'first', [12_841, 12_841]),
    mailbox(3, people[1], 'copying', 'first', [30_412, 17_204], { estimate, ...doing('copying', 'Projekte/2024/Angebote und Rechnungen/Eingang', [1_240, 46_300_000]), ...through(5, 14) }),
    mailbox(4, people[2], 'copying', 'first', [8_120, 912], doing('copying', 'INBOX')),
    mailbox(5, people[3], 'failed', 'first', [0, 0], { error: login }),
    mailbox(6, people[4], 'planning', 'first'),
  ], { window: frame, estimate }),
  awaiting_cutover: status('awaiting_cutover', people.map((email, at) => mailbox(at + 2, email, 'awaiting_cutover', 'first', [9_120 + at * 811, 9_120 + at * 811]))),
  final_pass: status('final_pass', people.map((email, at) => mailbox(at + 2, email, ...[
    ['completed', 'final', [9_120, 9_120], { certificate: certificate(2) }],
    ['certifying', 'final', [9_120, 9_120], { ...doing('comparing', 'Projekte/2026/Angebote', [10_400, 398_000_000]), ...through(9, 14) }],
    ['certifying', 'final', [9_120, 9_120]],
    ['copying', 'final', [9_131, 9_124], { ...doing('copying', 'INBOX', [60, 0]), ...through(2, 5) }],
    ['awaiting_cutover', 'first', [9_120, 9_120]],
  ][at]))),
  later_pass: status('later_pass', people.map((email, at) => mailbox(at + 2, email, ...[
    ['completed', 'later_1', [9_120, 9_120], {}],
    ['copying', 'later_1', [9_123, 9_121], { ...doing('copying', 'INBOX', [180, 7_100_000]), ...through(0, 1) }],
    ['planning', 'later_1', [9_120, 9_120], {}],
    ['certifying', 'later_1', [9_123, 9_123], { ...doing('comparing', 'INBOX', [9_800, 377_000_000]), ...through(3, 4) }],
    ['completed', 'final', [9_120, 9_120], {}],
  ][at].map((part, place) => (place === 3 ? { certificate: certificate(at + 2), ...part } : part)))), {
    later_looks: { passes: 1, fetched: 0, passwords_until: '2026-11-28T04:12:09Z' },
  }),
  looked_again: status('completed', people.map((email, at) => mailbox(at + 2, email, 'completed', 'later_1', [9_123, 9_123], {
    certificate: certificate(at + 2), later: at === 4 ? { pass: 'later_1', fetched: 0, trouble: login, expected: true } : { pass: 'later_1', fetched: at },
  })), { later_looks: { passes: 1, fetched: 6 } }),
  completed: status('completed', people.map((email, at) => mailbox(at + 2, email, 'completed', 'final', [9_120, 9_120], { certificate: certificate(at + 2), notes: at, owner_mail: [{ told_at: '2026-11-27T02:00:00Z' }, { told_at: '2026-11-27T02:00:00Z', trouble: 'bounced' }, { trouble: 'not_sent' }][at] })), {
    options: { ...NONE, tell_owners: true }, later_looks: { passes: 0, fetched: 0, next: '2026-11-27T04:12:09Z', passwords_until: '2026-11-28T04:12:09Z' },
  }),
  completed_with_exceptions: status('completed_with_exceptions', [
    mailbox(2, people[0], 'completed', 'final', [12_841, 12_841], { certificate: certificate(2) }),
    mailbox(3, people[1], 'completed_with_exceptions', 'final', [30_412, 30_409], { certificate: { ...certificate(3), agrees: false }, exceptions: 3 }),
    mailbox(4, people[2], 'failed', 'final', [0, 0], { error: login }),
  ]),
  cancelled: status('cancelled', waiting.map((one) => ({ ...one, state: 'cancelled' }))),
  failed: status('failed', [mailbox(2, people[0], 'failed', 'first', [0, 0], { error: login })]),
  many: status('first_pass', Array.from({ length: 5000 }, (_, at) => mailbox(at + 2, `user${at + 1}@example.org`, at < 400 ? 'awaiting_cutover' : at < 404 ? 'copying' : 'waiting', at < 404 ? 'first' : null, at < 404 ? [2_000, at < 400 ? 2_000 : 760] : [0, 0]))),
};

const collection = (kind, name, made, imported, more = {}) => ({ kind, name, made, imported, existing: 0, updated: 0, kept: 0, failed: 0, ...more });
const file = (at, row, kind, name, state, counts, more = {}) => ({
  id: `00000000000000a${at}`, mailbox: row, kind, name, state, state_since: '2026-11-26T08:12:00Z', created_at: `2026-11-26T08:1${at}:00Z`,
  objects: 0, done: 0, imported: 0, existing: 0, updated: 0, kept: 0, failed: 0, removed: 0, changed_since: 0, collections: [], problems: [], problems_found: 0, ...counts, ...more,
});
const families = 'Takeout/Calendar/Familie.ics';

/** The files of a request, by the name of its state here; none where it is not named. */
export const attachments = {
  first_pass: [
    file(1, 2, 'contacts', 'contacts.vcf', 'completed', { objects: 412, done: 412, imported: 412 }, { collections: [collection('contacts', 'Kontakte', false, 412)] }),
    file(2, 3, 'calendar', 'a-very-long-name-of-an-export-without-any-blank-2026-11-24T09-00-00.ics', 'importing', { objects: 20_112, done: 7_300, imported: 7_288, existing: 12 }),
    file(3, 4, 'contacts', 'Kontakte.csv', 'awaiting_upload', {}),
  ],
  completed_with_exceptions: [
    file(1, 2, 'calendar', 'takeout.zip', 'completed_with_exceptions', { objects: 1_530, done: 1_530, imported: 1_518, existing: 4, updated: 3, kept: 2, failed: 3 }, {
      collections: [collection('calendar', 'Familie', true, 1_102), collection('calendar', null, false, 4), collection('contacts', 'Kontakte', false, 412)],
      problems: [
        { file: families, line: 1_204, reason: 'this line has no name and no value' },
        { file: families, line: 3_310, reason: 'another entry with the same UID on line 3290 is newer or stands first; that one was taken' },
        { file: 'Takeout/Contacts/All.vcf', line: 88, reason: 'another version of it is there already, and was kept' },
        { file: 'Takeout/Contacts/photo.jpg', line: 0, reason: 'it holds neither contacts nor a calendar, and was left out' },
      ],
      problems_found: 54,
    }),
    file(2, 2, 'contacts', 'old.vcf', 'undone', { objects: 80, done: 80, imported: 80, removed: 79, changed_since: 1 }),
    file(3, 3, 'contacts', 'letter.vcf', 'failed', {}, {
      error: { code: 'file_not_readable', message: "the file holds neither contacts (.vcf, or Google's .csv) nor a calendar (.ics), nor is it a .zip of such files" },
    }),
  ],
};

const side = (messages) => ({ messages, bytes: messages * 38_417, digest: '5f2c9e01b7d4a6830f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978' });
const folder = (source, destination, messages) => ({
  source, destination, source_state: 'there', agrees: true, source_side: side(messages), destination_side: side(messages), exceptions: [], repaired: [],
  gone_since: { messages: 0, uids: '' }, unverified: { messages: 0, uids: '' }, gone_at_source: 0, arrived_since: 0, others: 0, late_copies_removed: [],
});

export const certificateOf = (row) => ({
  request: ID, job: `${ID}-1-0000${row}`, row, mailbox: people[row - 2], destination: people[row - 2], made_at: '2026-11-26T04:12:09Z', digest: 'sha256-sum-1', agrees: true,
  totals: { source_side: side(9120), destination_side: side(9120), exceptions: 0, exceptions_not_listed: 0, gone_since: 2, unverified: 0, gone_at_source: 0, arrived_since: 0, others: 0, late_copies_removed: 0 },
  folders: [folder('INBOX', 'INBOX', 4100), folder('Gesendet', 'Sent', 2020), folder('Projekte/2026/Angebote', 'Projekte/2026/Angebote', 3000)],
});

export const preview = {
  asked_at: '2026-11-24T09:00:00Z',
  mailboxes: [
    {
      row: 2, email: people[0], destination: people[0], state: 'ready', made_at: '2026-11-24T09:00:03Z',
      folders: [
        { source: 'INBOX', destination: 'INBOX', messages: 1044, bytes: 98_273_645, exists: true },
        { source: 'Gesendet', destination: 'Sent', messages: 310, exists: true, note: 'at the new provider it is Sent: that is the folder for sent mail there' },
        { source: 'Projekte/2026', destination: 'Projekte/2026', messages: 72, exists: false },
        { source: 'Junk', destination: null, messages: 88, exists: false, excluded: true },
      ],
    },
    { row: 3, email: people[1], destination: people[1], state: 'failed', error: login },
  ],
};

const record = (purpose, name, type, wanted, found, state, more = {}) => ({
  purpose, name, type, wanted, found, state, optional: false, ttl_seconds: 14_400, advice_code: state === 'right' ? 'leave' : 'replace', advice: 'What to do, in words.', ...more,
});

export const dns = {
  domains: [{
    domain: 'example.org', state: 'not_changed', looked_at: '2026-11-26T08:00:00Z', old_ttl_seconds: 14_400, servers: [],
    problems: [{ code: 'silent_server', message: 'one of the servers does not answer' }],
    records: [
      record('mx', 'example.org', 'MX', ['10 mx1.harbour-hosting.example', '20 mx2.harbour-hosting.example'], ['10 mx.previous.example'], 'wrong'),
      record('spf', 'example.org', 'TXT', ['v=spf1 include:_spf.harbour-hosting.example include:newsletter.example ~all'], ['v=spf1 include:newsletter.example ~all'], 'wrong', { advice_code: 'merge' }),
      record('dkim', 'hh1._domainkey.example.org', 'CNAME', ['hh1.dkim.harbour-hosting.example'], [], 'missing', { advice_code: 'add' }),
      record('dmarc', '_dmarc.example.org', 'TXT', ['v=DMARC1; p=none'], ['v=DMARC1; p=none'], 'right'),
      record('autodiscover', 'autodiscover.example.org', 'CNAME', ['autodiscover.harbour-hosting.example'], [], 'missing', { optional: true, advice_code: 'add' }),
    ],
  }],
};
