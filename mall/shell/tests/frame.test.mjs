// What holds before anybody logs in: the frame, its policy, its weight, and what it does when a part of the shop is away.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Browser, faults, Mall, MALL, until, WIDTHS } from './mall.mjs';

/** What a first view may cost. */
const MOST_SCRIPT_BYTES = 120 * 1024;
const MOST_REQUESTS = 12;
const OPEN_PAGES = [
  '/',
  '/search',
  '/search?q=TV',
  '/category/fashion',
  '/goods/TV',
  '/goods/FASHION-1A',
  '/basket',
  '/checkout',
  '/my',
  '/nowhere',
  '/desk/goods',
];

describe('the frame', () => {
  let mall;
  let browser;
  before(async () => {
    mall = await Mall.up();
    browser = await Browser.open();
  });
  after(async () => {
    await browser?.close();
    await mall?.down();
  });

  test('a visitor sees goods, and finds one', async () => {
    const { page, complaints, context } = await browser.person();
    await page.goto(mall.url);
    await page.getByRole('link', { name: /TV/ }).first().click();
    await page.getByRole('heading', { level: 1, name: 'TV' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/goods/TV');
    await page.getByText('재고 10 개').waitFor();
    await page.getByRole('searchbox').fill('clock');
    await page.getByRole('searchbox').press('Enter');
    await page.getByRole('link', { name: /CLOCK/ }).waitFor();
    // And the eight generated ones that are a clock in English.
    await page.getByRole('status').getByText('9 개').waitFor();
    assert.equal(new URL(page.url()).search, '?q=clock');
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('one policy, one copy of what is shared, and nothing from elsewhere', async () => {
    const { page, complaints, context } = await browser.person();
    const asked = [];
    page.on('request', (request) => asked.push(request.url()));
    const answer = await page.goto(mall.url);
    const policy = answer.headers()['content-security-policy'];
    assert.match(policy, /script-src 'self' 'sha256-[^']+';/);
    assert.doesNotMatch(policy, /unsafe|data:|https?:/);
    for (const path of ['/goods/TV', '/basket', '/my', '/search']) {
      await page.goto(mall.url + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
    }
    const scripts = new Set(
      asked
        .map((url) => new URL(url))
        .filter(({ pathname }) => pathname.endsWith('.js'))
        .map(({ pathname }) => pathname),
    );
    for (const shared of ['vue', 'vue-router', 'design']) {
      assert.equal([...scripts].filter((path) => new RegExp(`/${shared}-(?!router)`).test(path)).length, 1, shared);
    }
    const texts = await Promise.all(
      [...scripts].map(async (path) => [path, await (await fetch(mall.url + path)).text()]),
    );
    const carrying = (mark) => texts.filter(([, text]) => text.includes(mark)).map(([path]) => path);
    assert.equal(carrying('__v_isReactive').length, 1, 'vue is there once');
    assert.equal(carrying('NAVIGATION_').length <= 1, true, 'vue-router is there once');
    assert.deepEqual(
      asked.filter((url) => new URL(url).origin !== mall.url),
      [],
    );
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('an inline script, an inline style and a picture that holds itself are refused', async () => {
    const { page, complaints, context } = await browser.person();
    await page.goto(mall.url);
    await page.evaluate(() => {
      document.head.append(Object.assign(document.createElement('script'), { textContent: 'window.broke = true' }));
      document.body.insertAdjacentHTML(
        'beforeend',
        '<p style="color: red">x</p><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">',
      );
    });
    await until('three complaints', () => complaints.filter((text) => text.includes('policy: ')).length >= 3);
    assert.equal(await page.evaluate(() => window.broke), undefined);
    await context.close();
  });

  test('a first view is light', async () => {
    const { page, context } = await browser.person();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    const kinds = new Map();
    let script = 0;
    cdp.on('Network.responseReceived', ({ requestId, type, response }) =>
      kinds.set(requestId, { type, url: response.url }),
    );
    cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      if (kinds.get(requestId)?.type === 'Script') script += encodedDataLength;
    });
    await page.goto(mall.url, { waitUntil: 'networkidle' });
    const asked = [...kinds.values()].filter(({ type, url }) => type !== 'Image' && !url.endsWith('.svg'));
    console.log(`# first view: ${asked.length} requests, ${(script / 1024).toFixed(1)} KB of script`);
    assert.ok(asked.length <= MOST_REQUESTS, asked.map(({ url }) => url).join('\n'));
    assert.ok(script > 0 && script <= MOST_SCRIPT_BYTES, `${script} bytes`);
    await context.close();
  });

  for (const width of WIDTHS) {
    for (const locale of ['ko', 'en']) {
      test(`every page for visitors can be used by everybody: ${locale}, ${width} wide`, async () => {
        const { page, complaints, context } = await browser.person({ locale, width });
        for (const path of OPEN_PAGES) {
          await page.goto(mall.url + path);
          await page.getByRole('heading', { level: 1 }).waitFor();
          await page.waitForFunction(() => document.querySelector('.skeleton') === null);
          assert.equal(await page.evaluate(() => document.documentElement.lang), locale);
          assert.deepEqual(await faults(page), [], path);
        }
        assert.deepEqual(complaints, []);
        await context.close();
      });
    }
  }

  test('at 200 % nothing has to be scrolled sideways', async () => {
    // A desk of 1 280 points at twice the size.
    const { page, context } = await browser.person({ width: 640, height: 450, deviceScaleFactor: 2 });
    for (const path of OPEN_PAGES) {
      await page.goto(mall.url + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(wide <= 0, `${path} is ${wide} px too wide`);
    }
    await context.close();
  });

  test('한글 is drawn and not boxed', async () => {
    const { page, context } = await browser.person();
    await page.goto(`${mall.url}/search`);
    const drawn = await page.evaluate(() => {
      const ink = (text) => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 60, height: 60 });
        const pen = canvas.getContext('2d');
        pen.font = `40px ${getComputedStyle(document.body).fontFamily}`;
        pen.fillText(text, 5, 45);
        return pen.getImageData(0, 0, 60, 60).data.join();
      };
      // What no font has is drawn as a box: two different letters would look alike.
      return ['가', '힣', '번'].map(ink);
    });
    assert.equal(new Set(drawn).size, 3);
    await context.close();
  });

  test('everything is reached by the keyboard, and the focus is seen', async () => {
    const { page, context } = await browser.person();
    await page.goto(mall.url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), '본문으로');
    const seen = new Set();
    for (let step = 0; step < 40; step += 1) {
      await page.keyboard.press('Tab');
      const { name, outline } = await page.evaluate(() => {
        const { activeElement } = document;
        // Behind the last one the browser's own things come.
        if (activeElement === document.body) return { name: '' };
        return {
          name: activeElement.getAttribute('aria-label') ?? activeElement.textContent.trim(),
          outline: getComputedStyle(activeElement).outlineStyle,
        };
      });
      if (name !== '' && outline === 'none') assert.fail(`no focus is seen on ${name}`);
      seen.add(name);
    }
    for (const name of ['12번가, 첫 화면', '상품 찾기', '모든 상품', '가게 둘러보기'])
      assert.ok(seen.has(name), `${name}: ${[...seen].join(' | ')}`);
    await context.close();
  });

  test('whoever wants less motion gets none', async () => {
    const { page, context } = await browser.person({ reducedMotion: 'reduce' });
    await page.goto(mall.url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const moving = await page.evaluate(() => document.getAnimations().length);
    assert.equal(moving, 0);
    await context.close();
  });

  test('a part of the shop that is away leaves a page that can be used, and comes back', async () => {
    const expected = [/Failed to load resource/];
    const { page, context } = await browser.person({ expected });
    await page.goto(mall.url);
    await page.getByRole('link', { name: /TV/ }).first().waitFor();
    await mall.bongsu('stop', 'product');
    // Whoever was here before has its code; what he asks for is answered by nobody.
    await page.goto(`${mall.url}/goods/TV`);
    await page.getByRole('alert').getByText('지금은 답할 수 없습니다.').waitFor();
    // Whoever comes now has not even that.
    const stranger = await browser.person({ expected });
    await stranger.page.goto(`${mall.url}/goods/TV`);
    await stranger.page.getByRole('alert').getByRole('heading', { name: '이 화면은 지금 쉬고 있습니다' }).waitFor();
    await stranger.page.getByRole('link', { name: '장바구니' }).click();
    await stranger.page.getByRole('heading', { level: 1, name: '장바구니' }).waitFor();
    await stranger.page.goBack();
    await stranger.page.getByRole('alert').waitFor();
    await mall.bongsu('start', 'product');
    await until('product is back', async () => (await fetch(`${mall.url}/web/product/manifest.json`)).ok);
    for (const one of [page, stranger.page]) {
      await one.getByRole('button', { name: '다시 시도' }).first().click();
      await one.getByRole('heading', { level: 1, name: 'TV' }).waitFor();
      await one.getByRole('button', { name: '장바구니에 담기' }).waitFor();
    }
    await context.close();
    await stranger.context.close();
  });
});

test('a tab that was open over three redeploys loads itself anew once, and goes where it was going', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dist-'));
  await cp(join(MALL, 'ordering', 'web', 'dist'), folder, { recursive: true });
  const mall = await Mall.up((text) => text.replace(/^pages = ".*ordering\/web\/dist"$/m, `pages = "${folder}"`));
  const browser = await Browser.open();
  try {
    const { page, context } = await browser.person({
      expected: [/Failed to (load resource|fetch)/, /warning: ordering basket/],
    });
    await page.goto(mall.url);
    await page.getByRole('link', { name: '장바구니' }).waitFor();
    await renamed(folder);
    let loads = 0;
    page.on('load', () => (loads += 1));
    await page.getByRole('link', { name: '장바구니' }).click();
    await page.getByRole('heading', { level: 1, name: '장바구니' }).waitFor();
    assert.equal(loads, 1, 'once');
    assert.equal(new URL(page.url()).pathname, '/basket');
    // Gone for good: it says so and does not load itself again and again.
    for (const name of (await readdir(folder)).filter((name) => name.startsWith('CheckoutPage')))
      await rm(join(folder, name));
    await page.goto(`${mall.url}/checkout`);
    await page.getByRole('alert').getByRole('heading').waitFor();
    await context.close();
  } finally {
    await browser.close();
    await mall.down();
    await rm(folder, { recursive: true });
  }
});

/** As if every file had been built anew, and the old ones were long gone. */
async function renamed(folder) {
  const names = (await readdir(folder)).filter((name) => /-[\w-]{8}\.(js|css)$/.test(name));
  const fresh = (name) => name.replace(/\.(js|css)$/, 'new.$1');
  for (const name of await readdir(folder)) if (/\.(br|gz)$/.test(name)) await rm(join(folder, name));
  for (const name of names) {
    let text = await readFile(join(folder, name), 'utf8');
    for (const other of names) text = text.replaceAll(other, fresh(other));
    await writeFile(join(folder, fresh(name)), text);
  }
  const manifest = await readFile(join(folder, 'manifest.json'), 'utf8');
  const changed = names
    .reduce((text, name) => text.replaceAll(name, fresh(name)), manifest)
    .replace(/"build":"/, '"build":"new');
  await writeFile(join(folder, 'manifest.json'), changed);
  for (const name of names) await rm(join(folder, name));
}

test('where nobody built the pages everything else starts, and the front page says so', async () => {
  const mall = await Mall.up((text) => text.replaceAll(/^pages = ".*"$/gm, 'pages = "/nowhere/at/all"'));
  try {
    const front = await fetch(mall.url, { headers: { accept: 'text/html' } });
    const text = await front.text();
    assert.equal(front.status, 200);
    assert.match(text, /Node\.js 22\.13/);
    assert.match(text, /make up/);
    assert.equal((await fetch(`${mall.url}/products`)).status, 200);
    const { fragments, missing } = await (await fetch(`${mall.url}/web/fragments.json`)).json();
    assert.deepEqual(fragments, []);
    assert.ok(missing.length > 5, 'each is named');
  } finally {
    await mall.down();
  }
});
