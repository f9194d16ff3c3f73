// A customer's file with many mailboxes, before it leaves the machine. What it is, is told by its content.

import { readCsv } from './csv.js';
import { unusable } from './table.js';
import { readWorkbook } from './workbook.js';

export const MAX_MIB = 20;
export const MAX_BYTES = MAX_MIB * 1024 * 1024;

/** What is said of a file that is larger than is read. */
export const tooLarge = () => unusable('file_too_large', { limit: MAX_MIB });

const begins = (bytes, ...start) => start.every((byte, at) => bytes[at] === byte);

/** Reads a file, as `check` gives it. With `unread` it is left to the service. */
export async function readFile(bytes, inflate) {
  if (bytes.length > MAX_BYTES) return tooLarge();
  if (begins(bytes, 0x50, 0x4b, 3, 4) || begins(bytes, 0x50, 0x4b, 5, 6)) return readWorkbook(bytes, inflate);
  if (begins(bytes, 0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1)) return unusable('encrypted_workbook');
  return readCsv(bytes);
}
