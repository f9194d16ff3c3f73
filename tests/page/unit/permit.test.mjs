import assert from 'node:assert/strict';
import test from 'node:test';

import { ticketOf } from '../../../functions/page/assets/session.js';

const permit = (claims) => `${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2VhbA`;

test('the ticket of a permit is shown, and nothing of what is none', () => {
  assert.equal(ticketOf(permit({ for: ['customer.example'], until: '2026-12-01T00:00:00Z', ticket: 'Fäll > 4711?' })), 'Fäll > 4711?');
  for (const none of [null, '', 'x', '.', 'e30', permit({ for: [] }), permit({ ticket: 4711 }), permit({ ticket: ' ' }), permit(null)]) {
    assert.equal(ticketOf(none), null, String(none));
  }
});
