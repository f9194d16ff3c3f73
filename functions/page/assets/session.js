// Which request is looked at. Its token comes in the fragment of a link, which browsers keep to themselves, and leaves
// the address bar at once; after that it lasts as long as the tab does.

import { Request } from './api.js';

const KEY = (id) => `mailvan-token-${id}`;
const LINK = /^#r=([0-9a-z]{26})(?:\.([A-Za-z0-9._~+/=-]{1,128}))?$/;

/** The parts of a fragment, or null where it is none of ours. */
export function parse(fragment) {
  const found = LINK.exec(fragment);
  return found && { id: found[1], token: found[2] ?? null };
}

/** The request that the address names: undefined where it names none, null where its token is not known here. */
export function current() {
  const named = parse(location.hash);
  if (!named) return undefined;
  if (named.token) {
    keep(named.id, named.token);
    history.replaceState(null, '', `#r=${named.id}`);
  }
  const token = named.token ?? recall(named.id);
  return token ? new Request(named.id, token) : null;
}

/** Goes to a request that has just been made. */
export function open(id, token) {
  keep(id, token);
  location.hash = `r=${id}`;
}

/** The link that brings the customer back; whoever has it can see and steer the request. */
export function link(request) {
  const url = new URL(document.baseURI);
  url.hash = `r=${request.id}.${request.token}`;
  return url.href;
}

const held = new Map();

function keep(id, token) {
  held.set(id, token);
  try {
    sessionStorage.setItem(KEY(id), token);
  } catch {
    // A browser may keep nothing; then the token lasts as long as the page.
  }
}

function recall(id) {
  try {
    return held.get(id) ?? sessionStorage.getItem(KEY(id));
  } catch {
    return held.get(id) ?? null;
  }
}
