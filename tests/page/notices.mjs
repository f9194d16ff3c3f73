// Every notice as a mail program shows it: the snapshots of the pages that customers, owners and staff get, at the widths of a phone
// and of a reading pane. Each is photographed, and checked by axe; nothing may stick out. Pictures are not loaded, as in
// most mail programs at first.

import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accessibility, launch } from './browser.mjs';

const SNAPSHOTS = '../../shared/src/notify/snapshots';
const WIDTHS = [360, 600];
const AT_ONCE = 2;
const ONLY = process.env.ONLY?.split(',');

/** A snapshot without what its tool writes above it. */
const read = async (name) => (await readFile(join(SNAPSHOTS, name), 'utf8')).replace(/^---\n.*?\n---\n/s, '');

const folder = join(process.env.SCREENSHOTS, 'notices');
await mkdir(folder, { recursive: true });
const all = (await readdir(SNAPSHOTS)).filter((name) => name.endsWith('_html.snap')).sort();
const names = all.filter((name) => !ONLY || ONLY.some((one) => name.startsWith(one)));
const faults = names.length === 0 ? ['there are no snapshots'] : [];
const browser = await launch();
const context = await browser.newContext({ reducedMotion: 'reduce' });
await context.route('**/*', (route) => route.abort());

const show = async (page, name) => {
  const about = name.replace('_html.snap', '');
  await page.setContent(await read(name));
  const painted = () => page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 780 });
    await painted();
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    // All of it in view: where it is put together of several views, one of them may be shown twice.
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width, height });
    await painted();
    await page.screenshot({ path: join(folder, `${about}-${width}.png`) });
    if (over > 0) faults.push(`${about}, ${width}: ${over} px wider than the window`);
  }
  faults.push(...(await accessibility(page, ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])).map((fault) => `${about}: ${fault}`));
  // What a template leaves empty.
  const empty = await page.locator('h1, h2, li, p, ul, ol').evaluateAll((all) => all.filter((one) => one.textContent.trim() === '' && !one.querySelector('img')).map((one) => one.tagName));
  faults.push(...empty.map((tag) => `${about}: an empty ${tag.toLowerCase()}`));
};

const rest = [...names];
const inOnePage = async () => {
  const page = await context.newPage();
  for (let name = rest.shift(); name; name = rest.shift()) await show(page, name);
};
await Promise.all(Array.from({ length: AT_ONCE }, inOnePage));
await browser.close();
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exit(1);
}
