// When to look again, and how fast it goes. Pure, but for the clock that is passed in.

const RUNNING = new Set(['checking', 'first_pass', 'final_pass', 'later_pass']);
/** In which everything has been copied once; it may be that what arrived since is fetched. */
export const MOVED = new Set(['completed', 'completed_with_exceptions', 'later_pass']);
/** In which a request or a mailbox has come to its end. */
export const ENDED = new Set(['completed', 'completed_with_exceptions', 'cancelled', 'failed']);

/**
 * How many seconds until the next look: 3 while something is being done, slower the longer nothing changes; half a minute
 * and more while the customer or the calendar is waited for; null when nothing will change any more. `more` tells that it is
 * looked at once more after its end.
 */
export function nextLook(state, unchanged, more = false) {
  if (ENDED.has(state) && !more) return null;
  const [least, most] = RUNNING.has(state) ? [3, 15] : [10, 60];
  return Math.min(least * 1.25 ** unchanged, most);
}

/** The same for files that are imported; `open` tells whether any is under way. */
export function nextLookAtFiles(open, unchanged) {
  return open ? Math.min(1.5 * 1.25 ** unchanged, 30) : null;
}

/** How many seconds to wait after a call that failed for the n-th time in a row, n from 1. */
export function afterFailure(times, retryAfter) {
  return Math.max(retryAfter ?? 0, Math.min(3 * 2 ** (times - 1), 60));
}

/** Measures a speed over the last minute. */
export class Speed {
  #samples = [];

  /** Bytes copied so far, at this time in seconds. */
  add(bytes, at) {
    const last = this.#samples.at(-1);
    if (last && bytes < last.bytes) this.#samples = [];
    this.#samples.push({ bytes, at });
    this.#samples = this.#samples.filter((sample) => at - sample.at <= 60);
  }

  /** Bytes a second; null as long as too little is known. */
  perSecond() {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!first || last.at - first.at < 5 || last.bytes === first.bytes) return null;
    return (last.bytes - first.bytes) / (last.at - first.at);
  }
}
