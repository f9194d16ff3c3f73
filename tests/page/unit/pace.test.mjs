import assert from 'node:assert/strict';
import test from 'node:test';

import { Speed, afterFailure, nextLook } from '../../../functions/page/assets/pace.js';
import { doingOf, shareOf, totalPace } from '../../../functions/page/assets/doing.js';
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
  assert.equal(share({ state: 'first_pass', mailboxes: [{ state: 'planning' }] }), null);
});

const nearly = (found, wanted) => assert.ok(Math.abs(found - wanted) < 1e-9, `${found} is not ${wanted}`);

test('the final pass has a progress of its own: fetching is half of it, comparing the other half', () => {
  // One is done, one has compared 9 of 14 folders, of one nobody knows how many, one has gone through 2 of 5, and one waits.
  nearly(share(states.final_pass), (1 + (1 + 9 / 14) / 2 + 1 / 2 + 2 / 5 / 2 + 0) / 5);
  const failed = { state: 'failed', pass: 'first' };
  nearly(share({ state: 'final_pass', mailboxes: [failed, { state: 'failed', pass: 'final' }, { state: 'cancelled', pass: 'first' }] }), 2 / 3);
});

test('a later look has a progress of its own, in which the passes before do not count', () => {
  nearly(share(states.later_pass), (1 + 0 + 0 + (1 + 3 / 4) / 2 + 0) / 5);
});

test('a mailbox is told of by what is copied the first time, and by its folders after that', () => {
  const [, copied, unnamed] = states.first_pass.mailboxes;
  nearly(shareOf(copied), 17_204 / 30_412);
  nearly(shareOf(unnamed), 912 / 8_120);
  assert.deepEqual(states.final_pass.mailboxes.slice(1).map(shareOf), [9 / 14, null, 2 / 5, null]);
});

test('nothing is said of what is not known to be done', () => {
  assert.equal(doingOf({ state: 'certifying', pass: 'final' }), '');
  assert.deepEqual(totalPace([...states.final_pass.mailboxes, {}]), { messages_per_minute: 10_460, bytes_per_minute: 398_000_000 });
});
