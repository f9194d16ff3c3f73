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

async function call(method, path, { token, body } = {}) {
  const sent = {};
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

/** Makes a request, under the provider's permit where there is one. */
export const create = (order, permit) => json('POST', 'requests', { token: permit, body: order });

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

  renewUpload(bytes) {
    return this.json('POST', '/upload', { body: { csv_bytes: bytes } });
  }

  mend(row, changes) {
    return this.json('PATCH', `/mailboxes/${row}`, { body: changes });
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

  askPreview() {
    return this.json('POST', '/preview');
  }

  preview(fromRow) {
    return this.json('GET', fromRow ? `/preview?from_row=${fromRow}` : '/preview');
  }
}

/** Sends a file where an upload says. The browser itself writes the length. */
export async function upload({ url, method, headers }, bytes) {
  const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-length'));
  let answer;
  try {
    answer = await fetch(url, { method, headers: sent, body: bytes, credentials: 'omit', referrerPolicy: 'no-referrer' });
  } catch (cause) {
    throw new Unreachable('no answer', { cause });
  }
  if (!answer.ok) throw new Refusal(answer.status, { code: 'upload_refused' });
}
