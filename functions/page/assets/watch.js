// Looks at something again and again, slower the less happens, and not at all while nobody sees the page.

import { Refusal } from './api.js';
import { afterFailure } from './pace.js';

export class Watch {
  #timer = null;
  #closed = false;
  #running = false;
  #unchanged = 0;
  #failures = 0;
  #last = '';
  #visible = () => {
    if (!document.hidden && this.#timer === null && !this.#running) this.now();
  };

  /**
   * `load` gets what is looked at, `apply` gets each look, `fail` gets what a look ended with, or null when the next one was
   * well. `pace` says how many seconds until the next, after so many without a change; null for never.
   */
  constructor({ load, apply, fail, pace }) {
    this.pace = pace;
    this.load = load;
    this.apply = apply;
    this.fail = fail;
    document.addEventListener('visibilitychange', this.#visible);
  }

  /** Looks at once. */
  async now() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#running || this.#closed) return;
    this.#running = true;
    let wait;
    try {
      wait = this.#take(await this.load());
      this.#failures = 0;
      this.fail(null);
    } catch (refusal) {
      const final = refusal instanceof Refusal && [401, 404].includes(refusal.status);
      this.#failures += 1;
      this.fail(refusal, final);
      wait = final ? null : afterFailure(this.#failures, refusal.retryAfter);
    } finally {
      this.#running = false;
    }
    this.#plan(wait);
  }

  /** Takes a status that another call has brought. */
  take(status) {
    clearTimeout(this.#timer);
    this.#plan(this.#take(status));
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    document.removeEventListener('visibilitychange', this.#visible);
  }

  #take(status) {
    const text = JSON.stringify(status);
    this.#unchanged = text === this.#last ? this.#unchanged + 1 : 0;
    this.#last = text;
    if (!this.#closed) this.apply(status);
    return this.pace(status, this.#unchanged);
  }

  #plan(wait) {
    this.#timer = null;
    if (wait === null || this.#closed || document.hidden) return;
    this.#timer = setTimeout(() => this.now(), wait * 1000);
  }
}
