// What a person waits for, measured: how soon the front page is there, beside the very same page without any script, whether it
// moves while it comes, and how soon an order that is confirmed is seen to be. Fails where a figure is over its limit.
import { createServer } from 'node:http';
import { Browser, logIn, Mall, until } from './mall.mjs';

/** Of each page; the median counts. */
const RUNS = 7;
/** Largest contentful paint, as a multiple of the static page's. */
const MOST_TIMES = 2;
/** Cumulative layout shift. */
const MOST_SHIFT = 0.02;
/** From when the fact was stored until it is on the screen, in milliseconds, at the median. */
const MOST_BEHIND_MS = 50;
const ORDERS = 9;
/** Longer than the page of an order takes to come. */
const PROVIDER_MS = 1_500;

const mall = await Mall.up();
const browser = await Browser.open();
const over = [];
try {
  const frozen = await freeze(`${mall.url}/`);
  const ours = await paints(mall.url);
  const plain = await paints(frozen.url);
  frozen.server.close();
  const times = ours.paint / plain.paint;
  say(
    'largest contentful paint',
    `${ours.paint.toFixed(0)} ms, the same page without script ${plain.paint.toFixed(0)} ms: ${times.toFixed(2)} times`,
    times <= MOST_TIMES,
  );
  say('layout shift', ours.shift.toFixed(4), ours.shift <= MOST_SHIFT);
  const behind = median(await lateness());
  say(
    'an order that is confirmed is seen so',
    `${behind.toFixed(0)} ms later (median of ${ORDERS})`,
    behind <= MOST_BEHIND_MS,
  );
} finally {
  await browser.close();
  await mall.down();
}
if (over.length > 0) {
  console.error(`over the limit: ${over.join(', ')}`);
  process.exit(1);
}

function say(what, figure, holds) {
  console.log(`pages: ${what}: ${figure}`);
  if (!holds) over.push(what);
}

function median(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}

/** The front page as it looks at last, with its style and without its scripts. */
async function freeze(url) {
  const { page, context } = await browser.person();
  await page.goto(url, { waitUntil: 'networkidle' });
  const html = (await page.content()).replaceAll(/<script[\s\S]*?<\/script>|<link rel="modulepreload"[^>]*>/g, '');
  await context.close();
  const styles = new Map();
  for (const [, href] of html.matchAll(/<link rel="stylesheet" href="([^"]+)"/g))
    styles.set(href, await (await fetch(new URL(href, url))).text());
  const server = createServer((request, response) => {
    const style = styles.get(request.url);
    response.setHeader('content-type', style === undefined ? 'text/html; charset=utf-8' : 'text/css');
    response.end(style ?? html);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

/** Each time as somebody who was never here. */
async function paints(url) {
  const seen = [];
  for (let run = 0; run < RUNS; run += 1) {
    const { page, context } = await browser.person();
    await page.addInitScript(() => {
      window.seen = { paint: 0, shift: 0 };
      new PerformanceObserver((list) =>
        list.getEntries().forEach(({ startTime }) => (window.seen.paint = startTime)),
      ).observe({ type: 'largest-contentful-paint', buffered: true });
      new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => (window.seen.shift += value))).observe(
        { type: 'layout-shift', buffered: true },
      );
    });
    await page.goto(url, { waitUntil: 'networkidle' });
    seen.push(await page.evaluate(() => window.seen));
    await context.close();
  }
  return { paint: median(seen.map(({ paint }) => paint)), shift: Math.max(...seen.map(({ shift }) => shift)) };
}

/** How long after an order was confirmed its page says so. */
async function lateness() {
  const { page, context } = await browser.person();
  await logIn(page, mall, '1@uengine.org', '1 may buy here');
  // The provider takes its time, so that an order's page is there before it is confirmed.
  await mall.asKeeper('PUT', '/behaviour', { mode: 'slow', delay_ms: PROVIDER_MS });
  await page.addInitScript(() => {
    new MutationObserver(() => {
      if (document.querySelector('article[data-state=CONFIRMED]')) window.confirmed ??= Date.now();
    }).observe(document, { subtree: true, childList: true, attributes: true });
  });
  const late = [];
  for (let run = 0; run < ORDERS; run += 1) {
    await page.goto(`${mall.url}/goods/CLOCK`);
    await page.getByRole('button', { name: '바로 구매' }).click();
    await page.getByLabel('주소').fill('서울시 12번가 7');
    await page.getByRole('button', { name: '주문 확정하기' }).click();
    await page.waitForURL(/\/order\//);
    await until('it is seen to be confirmed', () => page.evaluate(() => window.confirmed !== undefined));
    const id = new URL(page.url()).pathname.split('/').pop();
    let fact;
    await until('my page has heard of it', async () => {
      const { told } = await page.evaluate(async (order) => (await fetch(`/mypage/orders/${order}`)).json(), id);
      return (fact = told.find((one) => one.fact === 'order-confirmed')) !== undefined;
    });
    const seen = await page.evaluate(() => window.confirmed);
    late.push(seen - Date.parse(fact.at));
  }
  await context.close();
  return late;
}
