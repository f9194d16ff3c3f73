// Which request is looked at. Its token comes in the fragment of a link, which browsers keep to themselves, and leaves
// the address bar at once; after that it lasts as long as the tab does.

import { Request } from './api.js';

const PERMIT_KEY = 'mailvan-permit';
const PERMIT_LINK = /^#p=([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/;
const KEY = (id) => `mailvan-token-${id}`;
const LINK = /^#r=([0-9a-z]{26})(?:\.([A-Za-z0-9._~+/=-]{1,128}))?$/;

/** The parts of a fragment, or null where it is none of ours. */
export function parse(fragment) {
  const found = LINK.exec(fragment);
  return found && { id: found[1], token: found[2] ?? null };
}

/** The provider's permit to order, or null. It comes in the fragment of the provider's link, and leaves the address bar at once. */
export function permit() {
  const [, given] = PERMIT_LINK.exec(location.hash) ?? [];
  if (!given) return recall(PERMIT_KEY);
  keep(PERMIT_KEY, given);
  history.replaceState(null, '', location.pathname + location.search);
  return given;
}

/** The ticket that a permit names, or null. To be shown only: the service reads the permit itself. */
export function ticketOf(permit) {
  try {
    const payload = permit.split('.')[0].replaceAll('-', '+').replaceAll('_', '/');
    const { ticket } = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (byte) => byte.charCodeAt(0))));
    return typeof ticket === 'string' && ticket.trim() !== '' ? ticket.trim() : null;
  } catch {
    return null;
  }
}

/** The request that the address names: undefined where it names none, null where its token is not known here. */
export function current() {
  const named = parse(location.hash);
  if (!named) return undefined;
  if (named.token) {
    keep(KEY(named.id), named.token);
    history.replaceState(null, '', `#r=${named.id}`);
  }
  const token = named.token ?? recall(KEY(named.id));
  return token ? new Request(named.id, token) : null;
}

/** Goes to a request that has just been made. */
export function open(id, token) {
  keep(KEY(id), token);
  location.hash = `r=${id}`;
}

/** The link that brings the customer back; whoever has it can see and steer the request. */
export function link(request) {
  const url = new URL(document.baseURI);
  url.hash = `r=${request.id}.${request.token}`;
  return url.href;
}

const held = new Map();

function keep(key, secret) {
  held.set(key, secret);
  try {
    sessionStorage.setItem(key, secret);
  } catch {
    // A browser may keep nothing; then it lasts as long as the page.
  }
}

function recall(key) {
  try {
    return held.get(key) ?? sessionStorage.getItem(key);
  } catch {
    return held.get(key) ?? null;
  }
}
