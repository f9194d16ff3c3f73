// Every view in every state, in both languages, with answers of the service that are made here: what is looked at is the
// page. Each is photographed at both widths and in both schemes, and checked by axe.

import { fileURLToPath } from 'node:url';

import { launch, look, open } from './browser.mjs';
import { ID, TOKEN, attachments, certificateOf, dns, preview, states } from './states.mjs';

const INVITED = process.env.PAGE_URL;
const at = (fragment) => new URL(`#${fragment}`, INVITED).href;
const RULE = 'A migration is ordered 24 hours ahead, and 48 hours before a start on a Saturday, a Sunday or a public holiday (Europe/Berlin).';
const CORPUS = new URL('../fixtures/intake/', import.meta.url);
const ONLY = process.env.ONLY?.split(',');

/** Answers the calls of the API; the page itself comes from where it is served. */
async function stand(page, status, files) {
  await page.route('**/v1/**', (route) => {
    const path = new URL(route.request().url()).pathname.split('/v1/')[1];
    const answer = (json, code = 200) => route.fulfill({ status: code, contentType: 'application/json', body: JSON.stringify(json) });
    if (path === `requests/${ID}`) return answer(status);
    if (path.endsWith('/certificate')) return answer(certificateOf(2));
    if (path.endsWith('/dns')) return answer(dns);
    if (path === 'earliest-start') return answer({ earliest: '2026-11-25T10:00:00+01:00', rule: RULE });
    if (path.endsWith('/attachments')) return answer({ attachments: files });
    if (path.endsWith('/preview')) return answer(preview, route.request().method() === 'POST' ? 202 : 200);
    return answer({ code: 'no_such_path', detail: 'There is no such path.' }, 404);
  });
}

const csv = 'email,password,source_host,port\r\nanna@example.org,secret,imap.example.org,993\r\nbert@example,,imap.example.org,99300\r\ncarla@example.org,secret,imap.example.org,\r\nanna@example.org,secret,imap.example.org,\r\n';

const german = 'Name;E-Mail-Adresse;Passwort;Telefon;Abteilungsnr;Neue Adresse\r\nAnna;anna@alt.example;"ge;heim";1;2;anna@example.org\r\nBert;bert@alt.example;geheim;1;2;\r\nCarla;carla@alt.example;;1;2;\r\n';

const views = {
  'form': async () => {},
  'form-faults': async (page) => {
    await page.locator('form button[type=submit]').click();
    await page.locator('.summary').waitFor();
  },
  'form-file': async (page) => {
    await page.locator('input[type=radio][value=many]').check();
    await page.locator('input[type=file]').setInputFiles({ name: 'mailboxes.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
    await page.locator('.mend').first().waitFor();
    await page.locator('input[type=radio][value=later]').check();
  },
  'form-workbook': async (page) => {
    await page.locator('input[type=radio][value=many]').check();
    await page.locator('input[type=file]').setInputFiles(fileURLToPath(new URL('workbook_formulas.xlsx', CORPUS)));
    await page.locator('.mend').first().waitFor();
    await page.locator('input[type=file]').setInputFiles(fileURLToPath(new URL('workbook_german.xlsx', CORPUS)));
    await page.locator('.verdict-good').waitFor();
    // Of a password not even the length is shown.
    const told = await page.locator('.verdict').innerHTML();
    if (told.includes('wörd') || !told.includes('müller.example')) throw new Error(told);
    await page.locator('summary', { hasText: /Everything, unless|Alles, wenn/ }).click();
  },
  'form-columns': async (page) => {
    await page.locator('input[type=radio][value=many]').check();
    await page.locator('input[type=file]').setInputFiles({ name: 'postfächer.csv', mimeType: 'text/csv', buffer: Buffer.from(german) });
    await page.locator('.tasks button').first().click();
    await page.locator('.tasks button').waitFor();
    await page.locator('.rows summary').click();
  },
  'not-invited': async (page) => {
    await page.evaluate(() => sessionStorage.clear());
    await page.reload();
    await page.locator('form').waitFor({ state: 'detached' });
    await page.locator('h1').waitFor();
  },
  'unknown': async (page) => {
    await page.goto(at(`r=${ID}`));
    await page.reload();
    await page.locator('h1').waitFor();
  },
};
const inRequest = {
  awaiting_cutover: async (page) => {
    await page.locator('.record').first().waitFor();
  },
  completed_with_exceptions: async (page) => {
    await page.locator('.files summary').first().click();
  },
  first_pass: async (page) => {
    await page.locator('.files > li').nth(2).waitFor();
  },
  to_mend: async (page) => {
    for (const summary of await page.locator('.mailboxes form').all()) await summary.locator('xpath=../summary').click();
  },
  scheduled: async (page) => {
    await page.locator('.now summary').click();
    await page.getByRole('button', { name: /Show the folders|Ordner zeigen/ }).click();
    await page.locator('.left-out').waitFor();
  },
  completed: async (page) => {
    await page.locator('.mailboxes summary').first().click();
    await page.locator('.digest').waitFor();
  },
};

const faults = [];
const wanted = (name) => !ONLY || ONLY.some((one) => name.startsWith(one));
const browser = await launch();
const inLanguage = async ([language, locale]) => {
  // The words differ, the colours and most of the shapes do not.
  const schemes = language === 'en' ? undefined : ['light'];
  const shots = async (name, status, prepare) => {
    if (!wanted(name)) return;
    const { context, page, faults: broken } = await open(browser, { locale });
    await stand(page, status, attachments[name.replace('request-', '')] ?? []);
    await page.goto(status ? at(`r=${ID}.${TOKEN}`) : INVITED);
    await page.locator(status ? '.now h2' : 'h1').first().waitFor();
    await prepare(page);
    faults.push(...(await look(page, `${name}-${language}`, { schemes })));
    faults.push(...broken.map((fault) => `${name}, ${language}: ${fault}`));
    await context.close();
  };
  for (const [name, prepare] of Object.entries(views)) await shots(name, null, prepare);
  for (const [name, status] of Object.entries(states)) await shots(`request-${name}`, status, inRequest[name] ?? (async () => {}));
};
await Promise.all([['en', 'en-GB'], ['de', 'de-DE']].map(inLanguage));
await browser.close();
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exit(1);
}
