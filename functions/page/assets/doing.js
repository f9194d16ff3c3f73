// What is done with a mailbox at the moment, and how far its pass is.

import { number, size } from './format.js';
import { t } from './language.js';

/** How much of the copying or comparing of a mailbox is done, from 0 to 1; null while unknown, or while neither is under way. */
export function shareOf({ state, pass, progress, bytes_copied: bytes, bytes_total: allBytes, messages_copied: messages, messages_total: allMessages }) {
  if (state === 'copying' && pass === 'first') return allBytes > 0 ? bytes / allBytes : messages / Math.max(allMessages, 1);
  return progress ? progress.folders_done / progress.folders : null;
}

/** How fast all mailboxes together are, as far as each tells. */
export function totalPace(mailboxes) {
  const sum = (name) => mailboxes.reduce((total, { doing }) => total + (doing?.[name] ?? 0), 0);
  return { messages_per_minute: sum('messages_per_minute'), bytes_per_minute: sum('bytes_per_minute') };
}

/** A speed in words; nothing where none is known. */
export function paceOf({ messages_per_minute: messages, bytes_per_minute: bytes }) {
  if (!messages) return '';
  const text = t('list.whole', { count: messages });
  return bytes > 0 ? t('doing.per_minute_with_size', { messages: text, size: size(bytes) }) : t('doing.per_minute', { messages: text });
}

/** What is done with a mailbox now, in words; nothing where that is not known. */
export function doingOf({ doing, progress, pass }) {
  const counted = progress && !(doing?.step === 'copying' && pass === 'first');
  const folders = counted && t('doing.folders', { done: number(progress.folders_done), count: progress.folders });
  const place = doing && t(`doing.${doing.step}`, { folder: doing.folder });
  return [place, folders, doing && paceOf(doing)].filter(Boolean).join(' · ');
}
