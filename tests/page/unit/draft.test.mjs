import assert from 'node:assert/strict';
import test from 'node:test';

import { newDraft, orderKey } from '../../../functions/page/assets/draft.js';

test('an order that is sent again has the same key, and another order another', () => {
  const draft = newDraft('Europe/Berlin');
  const key = orderKey(draft, { contact_email: 'a@example.org' });
  assert.match(key, /^[A-Za-z0-9_-]{32}$/);
  assert.equal(orderKey(draft, { contact_email: 'a@example.org' }), key);
  assert.notEqual(orderKey(draft, { contact_email: 'b@example.org' }), key);
  assert.notEqual(orderKey(newDraft('Europe/Berlin'), { contact_email: 'a@example.org' }), key);
});
