// Messages that the new server will not take, told before anything is copied.

import { list, number, size } from './format.js';
import { t } from './language.js';

/** How many there are and where; null where there are none, or the mailbox has been planned: then the report tells. */
export function tooLarge({ check, messages_total: planned }) {
  const found = planned === 0 && check?.too_large;
  if (!found) return null;
  const folders = list(found.folders.map(({ folder, messages }) => `${folder} (${number(messages)})`));
  return t('list.too_large', { count: found.messages, limit: size(check.message_limit_bytes), folders });
}
