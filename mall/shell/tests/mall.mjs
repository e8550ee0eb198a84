// A mall of its own, in a temporary folder, on free ports; and a browser in it as a person uses one.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);
export const MALL = join(import.meta.dirname, '..', '..');
const BONGSU = process.env.BONGSU ?? join(MALL, '..', 'target', 'debug', 'bongsu');
const CHROMIUM = found(process.env.CHROMIUM ?? 'chromium');
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** A phone and a desk. */
export const WIDTHS = [390, 1280];
/** Longer than a start takes on a busy machine. */
const PATIENCE_MS = 90_000;
/** Longer than anything a person would wait for takes on a busy machine. */
export const SOON_MS = 20_000;

/** A program by its whole path, as the shell would find it. */
function found(program) {
  if (program.includes('/')) return program;
  const places = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, program));
  return places.find((path) => existsSync(path)) ?? program;
}

export class Mall {
  /** Starts it; `change` may edit its description. */
  static async up(change = (text) => text) {
    const folder = await mkdtemp(join(tmpdir(), 'pages-'));
    const mall = Object.assign(new Mall(), { folder });
    const text = (await readFile(join(MALL, 'bongsu.toml'), 'utf8'))
      .replace('listen = "127.0.0.1:8080"', 'listen = "127.0.0.1:0"')
      .replaceAll(/^pages = "(.*)"$/gm, (_, path) => `pages = "${join(MALL, path)}"`);
    assert.ok(text.includes('127.0.0.1:0'), 'the mall says where its gateway listens');
    await writeFile(join(folder, 'bongsu.toml'), change(text));
    try {
      await mall.bongsu('up', '--detach');
      mall.url = (await mall.instances()).find(({ name }) => name === 'gateway').url;
    } catch (error) {
      await mall.down();
      throw error;
    }
    return mall;
  }

  async bongsu(...args) {
    const { stdout } = await run(BONGSU, [...args, '--data', join(this.folder, 'data')], {
      cwd: this.folder,
      timeout: PATIENCE_MS,
    });
    return stdout;
  }

  async instances() {
    return JSON.parse(await this.bongsu('ps', '--json'));
  }

  /** Asks as whoever keeps the mall. */
  async asKeeper(method, path, body, more = {}) {
    const token = (await this.bongsu('token', '--as', 'operator@uengine.org')).trim();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...more };
    const answer = await fetch(this.url + path, { method, headers, body: JSON.stringify(body) });
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer;
  }

  async down() {
    await this.bongsu('stop').catch(() => {}); // it may not have come up
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A browser whose every window complains of what no page may do: break the policy, or log an error. */
export class Browser {
  static async open() {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    return Object.assign(new Browser(), { browser });
  }

  /** A person's own browser: cookies of nobody else. `expected` are errors that this test provokes. */
  async person({ locale = 'ko', width = 1280, height = 900, expected = [], ...more } = {}) {
    const context = await this.browser.newContext({
      locale: locale === 'ko' ? 'ko-KR' : 'en-US',
      viewport: { width, height },
      ...more,
    });
    context.setDefaultTimeout(SOON_MS);
    const complaints = [];
    const note = (text) => expected.some((pattern) => pattern.test(text)) || complaints.push(text);
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    context.on(
      'console',
      (message) =>
        ['error', 'warning'].includes(message.type()) &&
        note(`${message.type()}: ${message.text()} ${message.location().url}`),
    );
    context.on('weberror', (error) => note(`thrown: ${error.error().stack}`));
    return { context, complaints, page: await context.newPage() };
  }

  async close() {
    await this.browser.close();
  }
}

/** Looks again and again until something is so. */
export async function until(what, look, patienceMs = SOON_MS) {
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`in vain: ${what}`);
}

/** Logs in as a person does, and is where that was begun. */
export async function logIn(page, mall, email, password, path = '/') {
  await page.goto(mall.url + path);
  await page
    .getByRole('button', { name: /^(로그인|Sign in)$/ })
    .first()
    .click();
  await page.locator('input[name=email]').fill(email);
  await page.locator('input[name=password]').fill(password);
  await page.locator('button[type=submit]').first().click();
  await page.waitForURL(mall.url + path);
  await page.getByRole('button', { name: /^(로그아웃|Sign out)$/ }).waitFor();
}

/** Buys so many of a product at once; the id of the order, whose page is open then. */
export async function order(page, mall, sku, quantity, address = '서울시 마포구 12번가 7') {
  await page.goto(`${mall.url}/goods/${sku}`);
  await page.locator('.buy input[type=number]').fill(String(quantity));
  await page.locator('.buy input[type=number]').blur();
  await page.getByRole('button', { name: /^(바로 구매|Buy now)$/ }).click();
  await page.getByLabel(/^(주소|Address)$/).fill(address);
  await page.getByRole('button', { name: /^(주문 확정하기|Place the order)$/ }).click();
  await page.waitForURL(/\/order\//);
  return new URL(page.url()).pathname.split('/').pop();
}

/** What axe finds, and what is too wide, in a line each. Injected by evaluation: the policy would refuse a script, and is not bypassed. */
export async function faults(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(
    (values) => window.axe.run(document, { runOnly: { type: 'tag', values } }),
    RULES,
  );
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary.replaceAll('\n', ' ')}`),
  );
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return wide > 0 ? [...found, `${wide} px too wide`] : found;
}
