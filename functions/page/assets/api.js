// The calls of the service, as infra/openapi.yaml describes them.

/** What the service refused: its problem details (RFC 9457), or what can be said without any. */
export class Refusal extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? problem.message ?? String(status));
    this.status = status;
    this.problem = problem;
    this.code = problem.code ?? (status === 429 ? 'too_many_calls' : 'internal');
    this.retryAfter = retryAfter;
  }
}

/** No answer came at all. */
export class Unreachable extends Error {}

const base = () => new URL('v1/', document.baseURI);

async function call(method, path, { token, body, headers = {} } = {}) {
  const sent = { ...headers };
  if (token) sent.authorization = `Bearer ${token}`;
  if (body !== undefined) sent['content-type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(new URL(path, base()), {
      method,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
  } catch (cause) {
    throw new Unreachable('no answer', { cause });
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refusal(answer.status, problem, Number(answer.headers.get('retry-after')) || null);
  }
  return answer;
}

const json = async (...parameters) => (await call(...parameters)).json();

/** The provider's side of the page. */
export async function settings() {
  const answer = await fetch(new URL('assets/settings.json', document.baseURI), { credentials: 'omit' });
  if (!answer.ok) throw new Unreachable(`settings: ${answer.status}`);
  return answer.json();
}

/** Makes a request, under the provider's permit where there is one; the same order under the same key is the same request. */
export const create = (order, key, permit) => json('POST', 'requests', { token: permit, body: order, headers: { 'idempotency-key': key } });

/** When a copy may begin that is ordered now: `{ earliest, rule }`. */
export const earliestStart = () => json('GET', 'earliest-start');

/** A request as the page holds it: its id and the token that opens it. */
export class Request {
  constructor(id, token) {
    this.id = id;
    this.token = token;
  }

  call(method, path, more = {}) {
    return call(method, `requests/${this.id}${path}`, { token: this.token, ...more });
  }

  async json(method, path, more) {
    return (await this.call(method, path, more)).json();
  }

  /** The whole status. Of very many mailboxes an answer has only the first; the others are asked for once a minute. */
  async status() {
    const first = await this.json('GET', '');
    if (!first.next_row) return first;
    if (!this.rest || Date.now() - this.rest.at > 60_000) this.rest = await this.#following(first.next_row);
    const { mailboxes, faults } = this.rest;
    return { ...first, mailboxes: [...first.mailboxes, ...mailboxes], rows_refused: [...first.rows_refused, ...faults] };
  }

  async #following(row) {
    const rest = { at: Date.now(), mailboxes: [], faults: [] };
    for (let next = row; next;) {
      const page = await this.json('GET', `?from_row=${next}`);
      rest.mailboxes.push(...page.mailboxes);
      rest.faults.push(...page.rows_refused);
      next = page.next_row;
    }
    return rest;
  }

  act(action) {
    return this.json('POST', `/${action}`);
  }

  deletePasswords() {
    return this.json('DELETE', '/passwords');
  }

  renewUpload(file) {
    return this.json('POST', '/upload', { body: file });
  }

  mend(row, changes) {
    return this.json('PATCH', `/mailboxes/${row}`, { body: changes });
  }

  /** Another time frame; null for as soon as possible. */
  reschedule(window) {
    return this.json('POST', '/window', { body: { window } });
  }

  dns() {
    return this.json('GET', '/dns');
  }

  async report() {
    return (await this.call('GET', '/report.csv')).text();
  }

  certificate(row) {
    return this.json('GET', `/mailboxes/${row}/certificate`);
  }

  async appleProfile(row) {
    return (await this.call('GET', `/mailboxes/${row}/settings.mobileconfig`)).text();
  }

  askPreview() {
    return this.json('POST', '/preview');
  }

  preview(fromRow) {
    return this.json('GET', fromRow ? `/preview?from_row=${fromRow}` : '/preview');
  }

  attachments() {
    return this.json('GET', '/attachments');
  }

  announce(file) {
    return this.json('POST', '/attachments', { body: file });
  }

  takeBack(attachment) {
    return this.json('DELETE', `/attachments/${attachment}`);
  }
}

/** Sends a file where an upload says; `progress` gets the share that is out. The browser itself writes the length. */
export function upload({ url, method, headers }, body, progress = () => {}) {
  // fetch does not tell how much has been sent.
  const call = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    call.open(method, url);
    for (const [name, value] of Object.entries(headers)) {
      if (name.toLowerCase() !== 'content-length') call.setRequestHeader(name, value);
    }
    call.upload.addEventListener('progress', ({ loaded, total }) => progress(total > 0 ? loaded / total : 0));
    call.addEventListener('load', () => (call.status < 300 ? resolve() : reject(new Refusal(call.status, { code: 'upload_refused' }))));
    call.addEventListener('error', () => reject(new Unreachable('no answer')));
    call.send(body);
  });
}
