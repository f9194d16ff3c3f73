// Numbers, sizes, durations and times as people write them.

import { region, t } from './language.js';

/** A count, `12,345`. */
export function number(value, language = region()) {
  return new Intl.NumberFormat(language).format(value);
}

/** Several names in a row, `a, b and c`. */
export function list(names, language = region()) {
  return new Intl.ListFormat(language).format(names);
}

/** A share from 0 to 1 in whole percent, never 100 before it is all. */
export function percent(share, language = region()) {
  const whole = share >= 1 ? 1 : Math.min(Math.floor(share * 100), 99) / 100;
  return new Intl.NumberFormat(language, { style: 'percent' }).format(whole);
}

/** A size in bytes, `12.4 MB`. */
export function size(bytes, language = region()) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit < 2 || value >= 100 ? 0 : 1;
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value)} ${units[unit]}`;
}

/** A length of time in its one or two largest units, `1 h 20 min`. */
export function duration(seconds, language = region()) {
  const unit = (value, name) => new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'short' }).format(value);
  if (seconds < 90) return unit(Math.max(Math.round(seconds), 1), 'second');
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return unit(minutes, 'minute');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${unit(hours, 'hour')} ${unit(minutes % 60, 'minute')}` : unit(hours, 'hour');
  return unit(Math.round(hours / 24), 'day');
}

/** A moment with its day of the week, in a zone or the visitor's own. */
export function moment(iso, zone, language = region()) {
  const shown = { weekday: 'long', day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit', timeZone: zone };
  return new Intl.DateTimeFormat(language, shown).format(new Date(iso));
}

/** A day and a time, short. */
export function shortMoment(iso, zone, language = region()) {
  const shown = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', timeZone: zone };
  return new Intl.DateTimeFormat(language, shown).format(new Date(iso));
}

/** From one moment to another, each part once: `25 Nov, 22:00 – 23:30`. */
export function span(from, until, zone, language = region()) {
  const shown = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', timeZone: zone };
  return new Intl.DateTimeFormat(language, shown).formatRange(new Date(from), new Date(until));
}

/** What a field of date and time shows for a moment, as the clock in a zone does: `2026-11-25T22:00`. */
export function wallTime(iso, zone) {
  const parts = new Intl.DateTimeFormat('en-GB', { dateStyle: 'short', timeStyle: 'short', timeZone: zone, hourCycle: 'h23' }).formatToParts(new Date(iso));
  const of = (type) => parts.find((part) => part.type === type).value;
  return `${of('year')}-${of('month')}-${of('day')}T${of('hour')}:${of('minute')}`;
}

/** `Europe/Berlin` as people read it. */
export function zoneName(zone) {
  return zone.replaceAll('_', ' ');
}

/** What a check found in a mailbox. */
export function foundIn({ messages, bytes }) {
  return [t('list.whole', { count: messages }), bytes > 0 && size(bytes)].filter(Boolean).join(' · ');
}

/** How many messages and how much of them is there. */
export function ofAll(mailbox) {
  if (mailbox.messages_copied === mailbox.messages_total) {
    return [t('list.whole', { count: mailbox.messages_total }), mailbox.bytes_total > 0 && size(mailbox.bytes_total)].filter(Boolean).join(' · ');
  }
  const sizes = mailbox.bytes_total > 0 ? t('list.sizes', { copied: size(mailbox.bytes_copied), total: size(mailbox.bytes_total) }) : '';
  const counts = t('list.counts', { copied: mailbox.messages_copied, count: mailbox.messages_total });
  return [counts, sizes].filter(Boolean).join(' · ');
}
