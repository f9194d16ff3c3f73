// The browser of the tests: Debian's Chromium, axe in every page, a screenshot at both widths and in both schemes.

import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// The modules lie under target/, where NODE_PATH says; only `require` looks there.
const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const WIDTHS = { narrow: { width: 360, height: 780 }, wide: { width: 1440, height: 900 } };
export const SCHEMES = ['light', 'dark'];

/** Starts Chromium; as root, as in most containers, it has no sandbox. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM, args: process.getuid() === 0 ? ['--no-sandbox'] : [] });
}

/** A page that ends the test at any error or broken rule of its own. */
export async function open(browser, { locale = 'en-GB', ...options } = {}) {
  const context = await browser.newContext({ locale, timezoneId: 'Europe/Berlin', viewport: WIDTHS.wide, acceptDownloads: true, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // What the service refuses is logged by the browser too; the page says it in words.
    const isAnswer = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isAnswer) faults.push(`console: ${message.text()}`);
  });
  return { context, page, faults };
}

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds wrong, one line each. */
export async function accessibility(page, rules = RULES) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const { violations } = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), rules);
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, any }) => `${id}: ${help}: ${target.join(' ')} ${any[0]?.message ?? ''}`));
}

/** Looks at the page in every width and scheme: a screenshot, axe, and nothing that sticks out of the page. Returns the faults. */
export async function look(page, name, { schemes = SCHEMES, widths = Object.keys(WIDTHS) } = {}) {
  const folder = process.env.SCREENSHOTS;
  await mkdir(folder, { recursive: true });
  const faults = [];
  for (const width of widths) {
    await page.setViewportSize(WIDTHS[width]);
    for (const scheme of schemes) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.screenshot({ path: join(folder, `${name}-${width}-${scheme}.png`), fullPage: true });
      const found = await accessibility(page);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 0) found.push(`the page is ${over} px wider than the window`);
      faults.push(...found.map((fault) => `${name}, ${width}, ${scheme}: ${fault}`));
    }
  }
  return faults;
}
