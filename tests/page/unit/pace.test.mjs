import assert from 'node:assert/strict';
import test from 'node:test';

import { Speed, afterFailure, nextLook } from '../../../functions/page/assets/pace.js';
import { share } from '../../../functions/page/assets/progress.js';
import { states } from '../states.mjs';

test('looks are close together while something happens, and rare while nothing does', () => {
  assert.equal(nextLook('first_pass', 0), 3);
  assert.equal(nextLook('first_pass', 100), 15);
  assert.equal(nextLook('scheduled', 0), 10);
  assert.equal(nextLook('awaiting_cutover', 100), 60);
});

test('nobody looks at what will not change any more', () => {
  for (const state of ['completed', 'completed_with_exceptions', 'cancelled', 'failed']) assert.equal(nextLook(state, 0), null);
  assert.deepEqual([nextLook('completed', 0, true), nextLook('completed', 100, true), nextLook('later_pass', 0)], [10, 60, 3]);
});

test('after failures it waits longer each time, and as long as the service says', () => {
  assert.deepEqual([1, 2, 3, 9].map((times) => afterFailure(times, null)), [3, 6, 12, 60]);
  assert.equal(afterFailure(1, 42), 42);
});

test('a speed is told once there is enough to tell it from', () => {
  const speed = new Speed();
  speed.add(0, 0);
  speed.add(1000, 4);
  assert.equal(speed.perSecond(), null);
  speed.add(2000, 10);
  assert.equal(speed.perSecond(), 200);
  speed.add(2000, 100);
  assert.equal(speed.perSecond(), null);
});

test('mailboxes that have not been read yet count as the others do on average', () => {
  const done = share(states.many);
  assert.ok(done > 0.075 && done < 0.085, String(done));
  assert.equal(share(states.final_pass), 0.4);
  assert.equal(share({ state: 'first_pass', mailboxes: [{ state: 'planning' }] }), null);
});
