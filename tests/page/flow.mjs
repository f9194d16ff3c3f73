// A customer at the deployed service: one mailbox by the keyboard alone, the others by a file that has to be mended, a third
// request that is called off. The mail servers are real, and so is the cross-origin upload.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { launch, look, open } from './browser.mjs';

const PAGE = process.env.PAGE_URL;
const PORT = process.env.SOURCE_PORT;
const [first, ...others] = JSON.parse(process.env.LOGINS);
const PASS = { timeout: 120_000 };

const browser = await launch();
const { context, page, faults } = await open(browser);
const asked = [];
context.on('request', (request) => asked.push(request.url()));
await context.grantPermissions(['clipboard-read', 'clipboard-write']);
const heading = (text) => page.locator('.now h2', { hasText: text });

async function headers() {
  const answer = await page.goto(PAGE);
  const sent = answer.headers();
  assert.match(sent['content-security-policy'], /^default-src 'none'; script-src 'self'; style-src 'self';/);
  assert.equal(sent['x-content-type-options'], 'nosniff');
  assert.equal(sent['referrer-policy'], 'no-referrer');
}

/** Presses the key until what is wanted has the focus. */
async function tabTo(locator, key = 'Tab') {
  await locator.waitFor();
  for (let presses = 0; presses < 80; presses += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`no key leads to ${locator}`);
}

async function byKeyboard() {
  const type = async (label, text) => {
    await tabTo(page.getByLabel(label, { exact: true }));
    await page.keyboard.type(text);
  };
  // Sent empty: the first fault leads to its field.
  await tabTo(page.getByRole('button', { name: 'Start the request' }));
  await page.keyboard.press('Enter');
  await tabTo(page.locator('.summary button').first());
  await page.keyboard.press('Enter');
  await page.keyboard.type('customer@example.org');
  await type('Address', first.user);
  await type('Password at the old provider', first.password);
  await tabTo(page.getByLabel('Incoming mail server (IMAP) of the old provider'));
  await page.keyboard.press('Control+A');
  await page.keyboard.type('127.0.0.1');
  await tabTo(page.locator('summary', { hasText: 'More about this mailbox' }));
  await page.keyboard.press('Enter');
  await type('Port (optional)', PORT);
  await tabTo(page.getByLabel('Encryption'));
  await page.keyboard.type('None');
  await tabTo(page.getByRole('button', { name: 'Start the request' }));
  await page.keyboard.press('Enter');
  await heading('Now switch over').waitFor(PASS);
  assert.ok(!page.url().includes('.', page.url().indexOf('#')), 'the token is in the address bar');
  await tabTo(page.getByRole('button', { name: 'I have changed the DNS' }));
  await page.keyboard.press('Enter');
  await tabTo(page.getByRole('button', { name: 'Yes, start the final copy' }));
  await page.keyboard.press('Enter');
  await heading('All done').waitFor(PASS);
}

async function whatIsLeft() {
  const [report] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download the report' }).click()]);
  assert.match(await readFile(await report.path(), 'utf8'), new RegExp(`mailbox,1,${first.user},.*,completed,final`));
  await page.locator('.mailboxes summary').click();
  await page.locator('.mailboxes .state.good', { hasText: 'the same on both sides' }).waitFor();
  faults.push(...(await look(page, 'flow-done')));
  await page.getByRole('button', { name: 'Copy the link' }).click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  // Another browser, which knows nothing yet, and in German.
  const elsewhere = await open(browser, { locale: 'de-DE' });
  elsewhere.context.on('request', (request) => asked.push(request.url()));
  await elsewhere.page.goto(link);
  await elsewhere.page.locator('.now h2', { hasText: 'Alles fertig' }).waitFor();
  await elsewhere.page.reload();
  await elsewhere.page.locator('.now h2', { hasText: 'Alles fertig' }).waitFor();
  await elsewhere.page.locator('#language').selectOption('en');
  await elsewhere.page.locator('.now h2', { hasText: 'All done' }).waitFor();
  faults.push(...elsewhere.faults);
  await elsewhere.context.close();
  const token = link.split('.').at(-1);
  assert.match(token, /^[A-Za-z0-9_-]{43}$/);
  assert.ok(asked.every((url) => !url.includes(token)), 'the token was in a URL that was asked for');
}

const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
const line = ({ user, password }, more = '') => [user, quoted(password), '127.0.0.1', PORT, 'none', more].join(',');
const HEAD = 'email,password,source_host,port,security,destination_email';
const table = (lines, head = HEAD) => [head, ...lines, ''].join('\r\n');

/** Drops files onto the page as a hand would. */
async function drop(files) {
  const transfer = await page.evaluateHandle((dropped) => {
    const data = new DataTransfer();
    for (const [name, text] of dropped) data.items.add(new File([text], name));
    return data;
  }, files);
  await page.locator('.drop').dispatchEvent('drop', { dataTransfer: transfer });
}

async function byFile() {
  await page.locator('.wordmark').click();
  await page.getByLabel('Your e-mail address').fill('customer@example.org');
  await page.getByRole('radio', { name: 'Many, from a file' }).check();
  // Two mistakes that the page finds: one is mended in place, one row is left out.
  const [good, ...rest] = others;
  const last = others.at(-1);
  await drop([['mailboxes.csv', table([line(good).replace(`,${PORT},`, ',port?,'), ...rest.map((login, at) => line(login, `box${at}@elsewhere.example`)), line(good)])]]);
  await page.getByText('2 mistakes to mend').waitFor();
  faults.push(...(await look(page, 'flow-mending', { schemes: ['light'] })));
  await page.getByRole('button', { name: 'Leave this row out' }).last().click();
  await page.locator('.mend').getByLabel('Port').fill(PORT);
  await page.locator('.mend').getByLabel('Port').blur();
  await page.locator('.verdict-good').waitFor();
  const sent = page.waitForRequest((request) => request.method() === 'PUT');
  await page.getByRole('button', { name: 'Start the request' }).click();
  assert.match((await sent).headers()['x-amz-checksum-sha256'], /^[\w+/]{43}=$/, 'the upload is held to this very file');
  // One that only the service finds, which knows the permit: a corrected file takes the place of this one, with names in German.
  await heading('Something has to be mended').waitFor(PASS);
  assert.equal(await page.locator('.faults > li').count(), rest.length);
  faults.push(...(await look(page, 'flow-attention', { schemes: ['light'] })));
  await page.locator('.now input[type=file]').setInputFiles({ name: 'mended.csv', mimeType: 'text/csv', buffer: Buffer.from(table([line({ ...last, password: 'not this one' }), ...others.slice(0, -1).map((login) => line(login))], 'E-Mail-Adresse,Passwort,IMAP-Server,Port,Verschlüsselung,Neue Adresse')) });
  await page.locator('.now .rows').getByRole('cell', { name: last.user }).waitFor();
  await page.getByRole('button', { name: 'Send a corrected file' }).click();
  // A password that only the server knows to be wrong is mended in its row.
  await page.locator('.state.bad', { hasText: 'has something to mend' }).waitFor(PASS);
  await page.locator('summary', { hasText: 'Mend it here' }).click();
  faults.push(...(await look(page, 'flow-password')));
  await page.locator('.mailboxes').getByLabel('Password at the old provider (optional)', { exact: true }).fill(last.password);
  await page.getByRole('button', { name: 'Check it again' }).click();
  await heading('Now switch over').waitFor(PASS);
  assert.equal(await page.locator('h1').textContent(), `Your ${others.length} mailboxes are moving`);
  faults.push(...(await look(page, 'flow-switch')));
  await page.getByRole('button', { name: 'I have changed the DNS' }).click();
  await page.getByRole('button', { name: 'Yes, start the final copy' }).click();
  await heading('All done').waitFor(PASS);
}

/** Another pass that brings nothing, and the end of the passwords. */
async function comesLate() {
  const panel = page.locator('section', { hasText: 'Mail that comes late' }).last();
  await panel.getByText('we look there once more, and fetch what has arrived').waitFor();
  await panel.getByRole('button', { name: 'Look once more now' }).click();
  await panel.getByText('We look at the old provider once more.').waitFor(PASS);
  await panel.getByText('Nothing had arrived there so far.').waitFor(PASS);
  await panel.getByRole('button', { name: 'Look once more now' }).waitFor(PASS);
  faults.push(...(await look(page, 'flow-later')));
  await panel.getByRole('button', { name: 'Delete the passwords now' }).click();
  faults.push(...(await look(page, 'flow-passwords-question', { schemes: ['light'] })));
  await page.getByRole('button', { name: 'Yes, delete them' }).click();
  await panel.getByText('your passwords have been destroyed').waitFor(PASS);
  assert.equal(await panel.getByRole('button').count(), 0);
}

const crlf = (...lines) => `${lines.join('\r\n')}\r\n`;
const card = (name) => crlf('BEGIN:VCARD', 'VERSION:3.0', `FN:${name}`, 'END:VCARD');
const event = (uid, summary) => crlf('BEGIN:VEVENT', `UID:${uid}@example.org`, 'DTSTART:20260101T100000Z', `SUMMARY:${summary}`, 'END:VEVENT');
const calendar = (...events) => crlf('BEGIN:VCALENDAR', 'VERSION:2.0', 'X-WR-CALNAME:Familie', ...events.map((one) => one.trimEnd()), 'END:VCALENDAR');
const fileLine = (name) => page.locator('.files > li', { hasText: name });

async function contactsAndCalendars() {
  // Contacts stay, of which one cannot be read; a calendar is chosen by mistake and taken back; a letter is not sent at all.
  await page.getByLabel('For which mailbox?').selectOption({ label: others[0].user });
  await drop([['contacts.vcf', card('Ada Example') + crlf('BEGIN:VCARD', 'VERSION:3.0', 'broken', 'END:VCARD') + card('Bea Example')], ['letter.pdf', '%PDF-1.7']]);
  await fileLine('letter.pdf').getByText('This is no export').waitFor(PASS);
  await fileLine('letter.pdf').getByRole('button', { name: 'Remove' }).click();
  await fileLine('contacts.vcf').getByText('2 entries imported · 1 not imported').waitFor(PASS);
  await fileLine('contacts.vcf').locator('summary', { hasText: '1 remark' }).click();
  await fileLine('contacts.vcf').getByText('line 7').waitFor();
  await page.getByLabel('Files with contacts or calendars').setInputFiles({ name: 'family.ics', mimeType: 'text/calendar', buffer: Buffer.from(calendar(event(1, 'One'), event(2, 'Two'))) });
  await fileLine('family.ics').getByText('2 entries imported').waitFor(PASS);
  await fileLine('family.ics').getByText('Familie (new)').waitFor();
  faults.push(...(await look(page, 'flow-files')));
  await fileLine('family.ics').getByRole('button', { name: 'Take back' }).click();
  faults.push(...(await look(page, 'flow-files-question', { schemes: ['light'] })));
  await page.getByRole('button', { name: 'Yes, take it back' }).click();
  await fileLine('family.ics').getByText('2 entries taken back').waitFor(PASS);
  assert.equal(await page.locator('.files > li').count(), 2);
}

async function calledOff() {
  await page.locator('.wordmark').click();
  await page.getByLabel('Your e-mail address').fill('customer@example.org');
  await page.getByLabel('Address', { exact: true }).fill(first.user);
  await page.getByLabel('Password at the old provider', { exact: true }).fill(first.password);
  await page.getByLabel('Incoming mail server').fill('127.0.0.1');
  await page.locator('summary', { hasText: 'More about this mailbox' }).click();
  await page.getByLabel('Port').fill(PORT);
  await page.getByLabel('Encryption').selectOption('none');
  await page.getByRole('radio', { name: 'In a time frame' }).check();
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  await page.getByLabel('Begins').fill(`${tomorrow}T22:00`);
  // The first answer is lost on its way: sent again, it is the same request.
  const orders = [];
  await page.route('**/v1/requests', async (route) => {
    const answer = await route.fetch();
    orders.push([route.request().headers()['idempotency-key'], await answer.json()]);
    return orders.length === 1 ? route.abort() : route.fulfill({ response: answer });
  });
  await page.getByRole('button', { name: 'Start the request' }).click();
  await page.locator('.summary', { hasText: 'The service does not answer' }).waitFor(PASS);
  await page.getByRole('button', { name: 'Start the request' }).click();
  await heading('All is ready').waitFor(PASS);
  await page.unroute('**/v1/requests');
  const [[key, lost], [again, made]] = orders;
  assert.equal(again, key);
  assert.deepEqual([made.id, made.token], [lost.id, lost.token]);
  await page.locator('.now summary', { hasText: 'Change the time frame' }).click();
  await page.locator('.now').getByText('The earliest start is').waitFor();
  await page.locator('.now').getByText('A migration is ordered').waitFor(PASS);
  await page.locator('.now').getByLabel('Begins').fill(`${tomorrow}T21:00`);
  await page.getByRole('button', { name: 'Take this time frame' }).click();
  await page.locator('.now > div > p', { hasText: '21:00' }).waitFor(PASS);
  await page.getByRole('button', { name: 'Show the folders' }).click();
  await page.getByRole('cell', { name: 'INBOX', exact: true }).first().waitFor(PASS);
  await page.getByRole('button', { name: 'Cancel the request' }).click();
  faults.push(...(await look(page, 'flow-cancel')));
  await page.getByRole('button', { name: 'Yes, cancel it' }).click();
  await heading('The request was cancelled').waitFor(PASS);
}

try {
  await headers();
  await byKeyboard();
  await whatIsLeft();
  await byFile();
  await comesLate();
  await contactsAndCalendars();
  await calledOff();
  assert.deepEqual(faults, []);
} catch (error) {
  await page.screenshot({ path: `${process.env.SCREENSHOTS}/flow-broken.png`, fullPage: true }).catch(() => {});
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
