// The shelves: what is found, in which order, and what a page of a product shows as it changes.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Browser, logIn, Mall, order, until } from './mall.mjs';

describe('the shelves', () => {
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

  const goods = (page) => page.getByRole('main').locator('li.item');

  test('two hundred goods in ten categories, in both languages', async () => {
    const { page, context, complaints } = await browser.person();
    await page.goto(mall.url);
    await page.getByRole('navigation', { name: '갈래' }).getByRole('link').nth(9).waitFor();
    await page.getByRole('link', { name: /^패션/ }).click();
    await page.getByRole('heading', { level: 1, name: '패션' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/category/fashion');
    await page.getByRole('status').getByText('20 개').waitFor();
    await page.getByRole('button', { name: 'EN' }).click();
    await page.getByRole('heading', { level: 1, name: 'Fashion' }).waitFor();
    await page.getByRole('link', { name: /^Cotton T-shirt S/ }).waitFor();
    await page.getByRole('link', { name: /^All/ }).last().click();
    await page.getByRole('status').getByText('205 goods').waitFor();
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('Korean is found by any part of a word, narrowed by category, and the address says all of it', async () => {
    const { page, context, complaints } = await browser.person();
    await page.goto(mall.url);
    await page.getByRole('searchbox').fill('탁상알람');
    await page.getByRole('searchbox').press('Enter');
    await page.getByRole('status').getByText('4 개').waitFor();
    await page.getByRole('searchbox').fill('시계');
    await page.getByRole('searchbox').press('Enter');
    await page.getByRole('status').getByText('8 개').waitFor();
    await page.getByRole('navigation', { name: '갈래' }).getByRole('link', { name: /^집안/ }).click();
    await page.getByRole('status').getByText('4 개').waitFor();
    await page.reload();
    await page.getByRole('status').getByText('4 개').waitFor();
    const asked = new URL(page.url()).searchParams;
    assert.deepEqual([asked.get('q'), asked.get('category')], ['시계', 'home']);
    await page.goBack();
    await page.getByRole('status').getByText('8 개').waitFor();
    await page.getByRole('searchbox').fill('"없는" OR *');
    await page.getByRole('searchbox').press('Enter');
    await page.getByText('찾는 상품이 없습니다.').waitFor();
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('more is shown when it is asked for, and still after a reload', async () => {
    const { page, context, complaints } = await browser.person();
    await page.goto(`${mall.url}/search`);
    await goods(page).nth(23).waitFor();
    assert.equal(await goods(page).count(), 24);
    await page.getByRole('button', { name: '더 보기' }).click();
    await goods(page).nth(47).waitFor();
    await page.reload();
    await goods(page).nth(47).waitFor();
    const names = await goods(page).locator('.name').allTextContents();
    assert.equal(new Set(names).size, 48, 'none twice');
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('an option is a product of its own, one click away', async () => {
    const { page, context, complaints } = await browser.person();
    await page.goto(`${mall.url}/goods/FASHION-4A`);
    const options = page.getByRole('navigation', { name: '고르기' });
    await options.getByRole('link', { name: 'XL' }).click();
    await page.getByRole('heading', { level: 1, name: '가죽 운동화 XL' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/goods/FASHION-4D');
    await options.locator('[aria-current=page]').getByText('XL').waitFor();
    assert.equal(await options.getByRole('link').count(), 4);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('what a product cost is on its page', async () => {
    await mall.asKeeper(
      'PUT',
      '/products/CLOCK',
      { name: 'CLOCK', price: { minor: 45_000, currency: 'KRW' } },
      { 'if-match': '*' },
    );
    const { page, context, complaints } = await browser.person();
    await page.goto(`${mall.url}/goods/CLOCK`);
    const rows = page.locator('.history tbody tr');
    await rows.nth(1).waitFor();
    assert.match(await rows.nth(0).textContent(), /₩45,000/);
    assert.match(await rows.nth(1).textContent(), /₩50,000/);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('what is bought most comes first, and what was looked at is remembered on this device alone', async () => {
    const { page, context, complaints } = await browser.person();
    await logIn(page, mall, '1@uengine.org', '1 may buy here');
    await order(page, mall, 'PLANTS-2B', 1);
    await page.locator('article[data-state=CONFIRMED], article[data-state=COMPLETED]').waitFor();
    await until('it is first', async () => {
      await page.goto(mall.url);
      return /키 큰 동백/.test(await page.locator('ol .name').first().textContent());
    });
    const seen = page.locator('section').filter({ has: page.getByRole('heading', { name: '최근 본 상품' }) });
    await seen.getByRole('link', { name: /키 큰 동백/ }).waitFor();
    await context.close();
    const other = await browser.person();
    await other.page.goto(mall.url);
    await other.page.locator('ol .name').first().waitFor();
    assert.equal(await other.page.getByText('최근 본 상품').count(), 0);
    assert.deepEqual([complaints, other.complaints], [[], []]);
    await other.context.close();
  });

  test('a search is the same after product was killed', async () => {
    const before = await (await fetch(`${mall.url}/products/search?q=clock&limit=200`)).json();
    assert.equal(before.total, 9);
    await mall.bongsu('kill', 'product');
    await until('product is back', async () => (await fetch(`${mall.url}/products/TV`)).ok);
    const behind = await (await fetch(`${mall.url}/products/search?q=clock&limit=200`)).json();
    assert.deepEqual(behind, before);
  });

  test('a hidden tab lets go of its stream, and is told how things are when it is seen again', async () => {
    const { page, context, complaints } = await browser.person();
    const show = (state) =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'visibilityState', { get: () => value, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, state);
    const receive = (quantity) =>
      mall.asKeeper('POST', '/stock/MASK/receipts', { quantity }, { 'idempotency-key': crypto.randomUUID() });
    await page.goto(`${mall.url}/goods/MASK`);
    await page.getByText('재고 20 개').waitFor();
    await receive(5);
    await page.getByText('재고 25 개').waitFor();
    await show('hidden');
    await receive(7);
    await until(
      'the stock is another one',
      async () => (await (await fetch(`${mall.url}/stock/MASK`)).json()).available === 32,
    );
    assert.equal(await page.getByText('재고 25 개').count(), 1, 'nobody told it');
    await show('visible');
    await page.getByText('재고 32 개').waitFor();
    assert.deepEqual(complaints, []);
    await context.close();
  });
});
