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
const table = (lines) => ['email,password,source_host,port,security,source_user', ...lines, ''].join('\r\n');

/** Drops a file onto the page as a hand would. */
async function drop(name, text) {
  const transfer = await page.evaluateHandle(([file, content]) => {
    const data = new DataTransfer();
    data.items.add(new File([content], file, { type: 'text/csv' }));
    return data;
  }, [name, text]);
  await page.locator('.drop').dispatchEvent('drop', { dataTransfer: transfer });
}

async function byFile() {
  await page.locator('.wordmark').click();
  await page.getByLabel('Your e-mail address').fill('customer@example.org');
  await page.getByRole('radio', { name: 'Many, from a file' }).check();
  // Two mistakes that the page finds: one is mended in place, one row is left out.
  const [good, ...rest] = others;
  const last = others.at(-1);
  await drop('mailboxes.csv', table([line(good).replace(`,${PORT},`, ',port?,'), ...rest.map((login) => line(login, 'x'.repeat(2000))), line(good)]));
  await page.getByText('2 mistakes to mend').waitFor();
  faults.push(...(await look(page, 'flow-mending', { schemes: ['light'] })));
  await page.getByRole('button', { name: 'Leave this row out' }).last().click();
  await page.locator('.mend').getByLabel('Port').fill(PORT);
  await page.locator('.mend').getByLabel('Port').blur();
  await page.locator('.verdict-good').waitFor();
  await page.getByRole('button', { name: 'Start the request' }).click();
  // Those that only the service finds: a corrected file takes the place of this one.
  await heading('Something has to be mended').waitFor(PASS);
  assert.equal(await page.locator('.faults > li').count(), rest.length);
  faults.push(...(await look(page, 'flow-attention', { schemes: ['light'] })));
  await page.locator('input[type=file]').setInputFiles({ name: 'mended.csv', mimeType: 'text/csv', buffer: Buffer.from(table([line({ ...last, password: 'not this one' }), ...others.slice(0, -1).map((login) => line(login))])) });
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
  await page.getByRole('button', { name: 'Start the request' }).click();
  await heading('All is ready').waitFor(PASS);
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
  await calledOff();
  assert.deepEqual(faults, []);
} catch (error) {
  await page.screenshot({ path: `${process.env.SCREENSHOTS}/flow-broken.png`, fullPage: true }).catch(() => {});
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
