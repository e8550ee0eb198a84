// The signature demonstration, as a person would do it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Browser, faults, logIn, Mall, order, until, WIDTHS } from './mall.mjs';

const ADDRESS = '서울시 마포구 12번가 7';

describe('a person in the shop', () => {
  let mall;
  let browser;
  let person;
  before(async () => {
    mall = await Mall.up();
    browser = await Browser.open();
    person = await browser.person();
  });
  after(async () => {
    await browser?.close();
    await mall?.down();
  });

  test('fills a basket as a guest, logs in, buys two TVs, and watches them arrive', async () => {
    const { page, complaints } = person;
    await page.goto(mall.url);
    await page.getByRole('link', { name: /^TV/ }).click();
    await page.getByText('재고 10 개').waitFor();
    await page.getByRole('button', { name: '하나 늘리기' }).click();
    await page.getByRole('button', { name: '장바구니에 담기' }).click();
    await page.getByText('장바구니에 담았습니다.').first().waitFor();
    await page.getByRole('link', { name: '장바구니', exact: false }).first().click();
    await page.getByText('₩20,000').first().waitFor();
    await page.getByRole('button', { name: '로그인하고 주문하기' }).click();
    await page.locator('input[name=email]').fill('1@uengine.org');
    await page.locator('input[name=password]').fill('1 may buy here');
    await page.locator('button[type=submit]').first().click();
    await page.waitForURL(`${mall.url}/checkout`);
    await page.getByLabel('주소').fill(ADDRESS);
    await page.getByText('₩20,000').first().waitFor();
    const sent = [];
    page.on(
      'request',
      (request) => request.method() !== 'GET' && sent.push(`${request.method()} ${new URL(request.url()).pathname}`),
    );
    await page.getByRole('button', { name: '주문 확정하기' }).dblclick();
    await page.waitForURL(/\/order\//);
    assert.deepEqual(sent, ['POST /cart/checkout'], 'one command for one intent');
    await page.locator('article[data-state=COMPLETED]').waitFor();
    await page.locator('.beacons .done').nth(4).waitFor();
    await page.getByText('무대 뒤').click();
    for (const fact of [
      '가주문됨',
      '재고 확보됨',
      '결제 처리됨',
      '최종 주문 완료됨',
      '배송 출발',
      '배송 완료',
      '재고 출고됨',
    ]) {
      await page.getByRole('cell', { name: fact, exact: true }).waitFor();
    }
    await page.goto(`${mall.url}/goods/TV`);
    await page.getByText('재고 8 개').waitFor();
    assert.deepEqual(complaints, []);
  });

  test('asks for a hundred and is told in words why not, and that nothing was taken', async () => {
    const { page, complaints } = person;
    await order(page, mall, 'TV', 100, ADDRESS);
    await page.locator('article[data-state=REJECTED]').waitFor();
    await page.getByText('재고가 모자랍니다. 결제하지 않았습니다.').waitFor();
    await page.getByText('필요 100 · 남음 8').waitFor();
    await page.locator('.beacons .failed').first().waitFor();
    await page.goto(`${mall.url}/goods/TV`);
    await page.getByText('재고 8 개').waitFor();
    assert.deepEqual(complaints, []);
  });

  test('orders while delivery is dead: the order and my page answer, and when it is back the parcel arrives', async () => {
    const { page, complaints } = await browser.person({ expected: [/503 \(Service Unavailable\)/] });
    await logIn(page, mall, '1@uengine.org', '1 may buy here');
    await mall.bongsu('stop', 'delivery');
    const id = await order(page, mall, 'CLOCK', 1, ADDRESS);
    await page.locator('article[data-state=CONFIRMED]').waitFor();
    await page.getByText('어디서 온 말인가').click();
    await page.getByRole('button', { name: '서비스마다 물어보기' }).click();
    await page.locator('[data-source=delivery][data-answered=false]').waitFor();
    await page.locator('[data-source=ordering][data-answered=true]').waitFor();
    await page.goto(`${mall.url}/my`);
    await page.locator(`a[href="/order/${id}"]`).getByText('배송 준비 중').waitFor();
    await page.locator(`a[href="/order/${id}"]`).click();
    await page.locator('article[data-state=CONFIRMED]').waitFor();
    await mall.bongsu('start', 'delivery');
    await page.locator('article[data-state=COMPLETED]').waitFor();
    await page.goto(`${mall.url}/my`);
    await page.locator(`a[href="/order/${id}"]`).getByText('배송 완료').waitFor();
    assert.deepEqual(complaints, []);
  });

  test('one basket in two tabs is one order, and both show it', async () => {
    const { context, page, complaints } = await browser.person({ expected: [/409 \(Conflict\)/] });
    await logIn(page, mall, '2@uengine.org', '2 may buy here');
    await page.goto(`${mall.url}/goods/NOTEBOOK`);
    await page.getByRole('button', { name: '장바구니에 담기' }).click();
    await page.getByText('장바구니에 담았습니다.').first().waitFor();
    const tabs = [page, await context.newPage()];
    for (const tab of tabs) {
      await tab.goto(`${mall.url}/checkout`);
      await tab.getByLabel('주소').fill(ADDRESS);
    }
    for (const tab of tabs) await tab.getByRole('button', { name: '주문 확정하기' }).click();
    for (const tab of tabs) await tab.waitForURL(/\/order\//);
    assert.equal(new URL(tabs[0].url()).pathname, new URL(tabs[1].url()).pathname);
    await page.goto(`${mall.url}/my`);
    await page.locator('.mine-one').first().waitFor();
    assert.equal(await page.locator('.mine-one').count(), 1);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('two people see the same stock change as it happens', async () => {
    const other = await browser.person({ locale: 'en' });
    await other.page.goto(`${mall.url}/goods/TABLE`);
    await other.page.getByText('In stock 40 left').waitFor();
    await order(person.page, mall, 'TABLE', 3, ADDRESS);
    await other.page.getByText('In stock 37 left').waitFor();
    assert.deepEqual(other.complaints, []);
    await other.context.close();
  });

  test('what was typed stays over a reload, and a page that lost its code loads itself anew once', async () => {
    const { page } = person;
    await page.goto(`${mall.url}/goods/MASK`);
    await page.getByRole('button', { name: '바로 구매' }).click();
    await page.getByLabel('주소').fill('부산시 12번가 9');
    await page.reload();
    await until('it is still there', async () => (await page.getByLabel('주소').inputValue()) === '부산시 12번가 9');
  });

  test('staff keep the goods, and nobody else does', async () => {
    await person.page.goto(`${mall.url}/desk/goods`);
    await person.page.getByRole('heading', { name: '직원 전용 화면입니다' }).waitFor();
    const keeper = await browser.person();
    await logIn(keeper.page, mall, 'operator@uengine.org', 'who keeps the mall');
    await keeper.page.getByRole('link', { name: '상품 관리' }).click();
    const row = keeper.page.getByRole('row', { name: /MASK/ });
    await row.getByRole('spinbutton').fill('5');
    await row.getByRole('button', { name: '들이기' }).click();
    await row.getByText('25 / 0').waitFor();
    for (const name of ['배송 관리', '바깥세상', '정합성']) {
      await keeper.page.getByRole('link', { name }).click();
      await keeper.page.getByRole('heading', { level: 1, name }).waitFor();
    }
    assert.deepEqual(keeper.complaints, []);
    await keeper.context.close();
  });
});

describe('every page for whoever is logged in can be used by everybody', () => {
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

  async function look(page, path) {
    if (path) await page.goto(mall.url + path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForFunction(() => document.querySelector('.skeleton') === null);
    assert.deepEqual(await faults(page), [], path);
  }

  for (const locale of ['ko', 'en']) {
    for (const width of WIDTHS) {
      test(`${locale}, ${width} wide`, async () => {
        const customer = await browser.person({ locale, width, colorScheme: width > 1000 ? 'dark' : 'light' });
        await logIn(customer.page, mall, '2@uengine.org', '2 may buy here');
        await order(customer.page, mall, 'NOTEBOOK', 1, ADDRESS);
        await customer.page.locator('article[data-state=COMPLETED]').waitFor();
        await customer.page.locator('details.backstage summary').first().click();
        await look(customer.page);
        await order(customer.page, mall, 'CLOCK', 1000, ADDRESS);
        await customer.page.locator('article[data-state=REJECTED]').waitFor();
        await look(customer.page);
        await customer.page.goto(`${mall.url}/goods/MASK`);
        await customer.page.locator('.buy .button').first().click();
        await customer.page.locator('.buy .good').waitFor();
        await look(customer.page);
        for (const path of ['/basket', '/checkout', '/my']) await look(customer.page, path);
        assert.deepEqual(customer.complaints, []);
        await customer.context.close();
        const keeper = await browser.person({ locale, width });
        await logIn(keeper.page, mall, 'operator@uengine.org', 'who keeps the mall');
        for (const path of ['/desk/goods', '/desk/deliveries', '/desk/sandbox', '/desk/audit'])
          await look(keeper.page, path);
        assert.deepEqual(keeper.complaints, []);
        await keeper.context.close();
      });
    }
  }
});

describe('what goes wrong under way', () => {
  const BROKEN = [/Failed to load resource/, /net::ERR/];
  let mall;
  let browser;
  before(async () => {
    mall = await Mall.up((text) => text.replace('depart_after_ms = 1000', 'depart_after_ms = 4000'));
    browser = await Browser.open();
  });
  after(async () => {
    await browser?.close();
    await mall?.down();
  });

  async function customer(more = {}) {
    const person = await browser.person({ expected: BROKEN, ...more });
    await logIn(person.page, mall, '1@uengine.org', '1 may buy here');
    return person;
  }

  test('a session that ends in the midst of checkout is said, and what was typed is there after signing in again', async () => {
    const { page, context } = await customer();
    await page.goto(`${mall.url}/goods/MASK`);
    await page.getByRole('button', { name: '바로 구매' }).click();
    await page.getByLabel('주소').fill(ADDRESS);
    await context.clearCookies({ name: '__Host-session' });
    await page.getByRole('button', { name: '주문 확정하기' }).click();
    await page.getByText('로그인이 끝났습니다.').waitFor();
    await page.getByRole('alert').getByRole('button', { name: '로그인' }).first().click();
    await page.waitForURL(/\/checkout/);
    await until('it is still there', async () => (await page.getByLabel('주소').inputValue()) === ADDRESS);
    await page.getByRole('button', { name: '주문 확정하기' }).click();
    await page.locator('article[data-state=CONFIRMED]').waitFor();
    await context.close();
  });

  // The stream ends with the session (session-ended), is opened again by nobody, and refused.
  test('whoever logs out in one tab is asked to log in in the one that shows his order, and comes back to it', async () => {
    const { page, context } = await customer();
    const id = await order(page, mall, 'CLOCK', 1, ADDRESS);
    const other = await context.newPage();
    await other.goto(mall.url);
    await other.getByRole('button', { name: '로그아웃' }).click();
    await page.waitForURL(/\/identity\//);
    await page.locator('input[name=email]').fill('1@uengine.org');
    await page.locator('input[name=password]').fill('1 may buy here');
    await page.locator('button[type=submit]').first().click();
    await page.waitForURL(`${mall.url}/order/${id}`);
    await page.locator('article[data-state=COMPLETED]').waitFor();
    await context.close();
  });

  test('whoever logs out in one tab goes on looking at goods in the other', async () => {
    const { page, context } = await customer();
    await page.goto(`${mall.url}/goods/MASK`);
    await page.getByText(/재고 \d+ 개/).waitFor();
    const other = await context.newPage();
    await other.goto(mall.url);
    await other.getByRole('button', { name: '로그아웃' }).click();
    await page.getByText('로그인이 끝났습니다.').waitFor();
    const { available } = await (await fetch(`${mall.url}/stock/MASK`)).json();
    await mall.asKeeper('POST', '/stock/MASK/receipts', { quantity: 3 }, { 'idempotency-key': crypto.randomUUID() });
    await page.getByText(`재고 ${available + 3} 개`).waitFor();
    await context.close();
  });

  test('a gateway that is killed under way is not noticed for long: the stream goes on, and nothing is missed', async () => {
    const { page, context } = await customer();
    await order(page, mall, 'NOTEBOOK', 1, ADDRESS);
    await page.locator('article[data-state=CONFIRMED]').waitFor();
    await mall.bongsu('kill', 'gateway');
    await page.locator('article[data-state=COMPLETED]').waitFor({ timeout: 40_000 });
    await page.locator('.beacons .done').nth(4).waitFor();
    await context.close();
  });

  test('a page that is loaded again goes on behind what it has heard, and shows how things are', async () => {
    const { page, context } = await customer();
    const asked = [];
    // Each tab has its own streams then, which can be seen from here; they are opened by the same lines.
    await context.addInitScript(() => delete globalThis.SharedWorker);
    context.on('request', (request) => /\/orders\/[^/]+\/events/.test(request.url()) && asked.push(request.url()));
    await order(page, mall, 'NOTEBOOK', 1, ADDRESS);
    await page.locator('article[data-state=COMPLETED]').waitFor();
    const steps = await page.locator('.beacons .done').count();
    asked.length = 0;
    await page.reload();
    await page.locator('article[data-state=COMPLETED]').waitFor();
    await until('as many steps are shown', async () => (await page.locator('.beacons .done').count()) === steps);
    assert.ok(asked.length > 0 && asked.every((url) => /[?&]last-event-id=[1-9]/.test(url)), `${asked}`);
    await context.close();
  });

  // A browser has six connections to a place: with two streams for each tab the fourth would wait for ever.
  test('ten tabs that look at one order share its streams, and all show it', async () => {
    const { page, context } = await customer();
    const id = await order(page, mall, 'NOTEBOOK', 1, ADDRESS);
    const tabs = await Promise.all(Array.from({ length: 9 }, () => context.newPage()));
    await Promise.all(tabs.map((tab) => tab.goto(`${mall.url}/order/${id}`)));
    for (const tab of [page, ...tabs]) await tab.locator('article[data-state=COMPLETED]').waitFor();
    await context.close();
  });

  test('a slow network shows that something comes, and then it', async () => {
    const { page, context } = await browser.person();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    await cdp.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 300,
      downloadThroughput: 60_000,
      uploadThroughput: 30_000,
    });
    // It may be there for a moment only.
    await page.addInitScript(() => {
      const look = () => (window.waited ||= document.querySelector('.skeleton') !== null);
      new MutationObserver(look).observe(document, { subtree: true, childList: true });
    });
    await page.goto(mall.url, { waitUntil: 'commit' });
    await page.getByRole('link', { name: /^TV/ }).waitFor();
    assert.equal(await page.evaluate(() => window.waited), true);
    await context.close();
  });

  test('whoever is offline is told, and when the connection is back it goes on', async () => {
    const { page, context } = await browser.person({ expected: BROKEN });
    await page.goto(`${mall.url}/search`);
    await page.getByRole('link', { name: /^TV/ }).waitFor();
    await context.setOffline(true);
    await page.getByText('인터넷 연결이 끊겼습니다.').waitFor();
    await page.getByRole('link', { name: /^TV/ }).click();
    await page.getByRole('alert').getByText('연결할 수 없습니다.').waitFor();
    await context.setOffline(false);
    await page.getByRole('button', { name: '다시 시도' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'TV' }).waitFor();
    await context.close();
  });

  test('an order is called back before it leaves, and what became of it is said', async () => {
    const { page, context, complaints } = await customer();
    await order(page, mall, 'TABLE', 1, ADDRESS);
    await page.locator('article[data-state=CONFIRMED]').waitFor();
    await page.getByRole('button', { name: '주문 취소' }).click();
    await page.locator('article[data-state=CANCELLED]').waitFor();
    await page.getByText('요청하신 대로 취소했습니다.').waitFor();
    await page.getByText('환불됨').first().waitFor();
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('a name that looks like HTML is text', async () => {
    const keeper = await browser.person();
    await logIn(keeper.page, mall, 'operator@uengine.org', 'who keeps the mall');
    await keeper.page.goto(`${mall.url}/desk/goods`);
    const name = '<img src=x onerror="window.broke=1"><b>굵게</b>';
    await keeper.page.locator('#new-sku').fill('HTML');
    await keeper.page.locator('#new-name').fill(name);
    await keeper.page.locator('#new-price').fill('1000');
    await keeper.page.getByRole('button', { name: '진열하기' }).click();
    await keeper.page.getByRole('cell', { name }).waitFor();
    await keeper.page.goto(`${mall.url}/goods/HTML`);
    await keeper.page.getByRole('heading', { level: 1, name }).waitFor();
    assert.equal(await keeper.page.evaluate(() => window.broke), undefined);
    assert.deepEqual(keeper.complaints, []);
    await keeper.context.close();
  });

  test('nothing that opens anything is kept where a script can read it', async () => {
    const { page, context } = await customer();
    await page.goto(`${mall.url}/my`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    );
    assert.doesNotMatch(kept, /eyJ|token|session"|__Host/i);
    await context.close();
  });
});
