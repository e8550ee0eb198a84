// Draws every page, in both languages and two widths, light and dark, into an ignored folder: to be looked at.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Browser, Mall, MALL, logIn, order } from './mall.mjs';

const SHOTS = join(MALL, 'shell', 'shots');
const SIZES = [
  ['desk', 1280, 900],
  ['phone', 390, 844],
];
const VISITOR = [
  '/',
  '/search',
  '/search?q=시계',
  '/category/fashion',
  '/goods/TV',
  '/goods/FASHION-1B',
  '/basket',
  '/checkout',
  '/my',
  '/nowhere',
];
const STAFF = ['/desk/goods', '/desk/deliveries', '/desk/sandbox', '/desk/audit'];

const mall = await Mall.up();
const browser = await Browser.open();
try {
  await rm(SHOTS, { recursive: true, force: true });
  await mkdir(SHOTS, { recursive: true });
  for (const locale of ['ko', 'en']) {
    for (const [size, width, height] of SIZES) {
      for (const colorScheme of ['light', 'dark']) {
        const draw = async (page, path, name) => {
          await page.goto(mall.url + path);
          await page.getByRole('heading', { level: 1 }).waitFor();
          await page.waitForFunction(() => document.querySelector('.skeleton') === null);
          await page.screenshot({ path: join(SHOTS, `${name}-${locale}-${size}-${colorScheme}.png`), fullPage: true });
        };
        const named = (path) => path.slice(1).replaceAll(/[/?=]/g, '-') || 'home';
        const visitor = await browser.person({ locale, width, height, colorScheme, expected: [/./] });
        for (const path of VISITOR) await draw(visitor.page, path, named(path));
        await visitor.context.close();
        const customer = await browser.person({ locale, width, height, colorScheme, expected: [/./] });
        await logIn(customer.page, mall, '1@uengine.org', '1 may buy here');
        const done = await order(customer.page, mall, 'TV', 1);
        await customer.page.waitForSelector('article[data-state=COMPLETED]');
        await customer.page.locator('details.backstage').first().waitFor();
        await customer.page.locator('details.backstage summary').first().click();
        await customer.page.screenshot({
          path: join(SHOTS, `order-${locale}-${size}-${colorScheme}.png`),
          fullPage: true,
        });
        await order(customer.page, mall, 'TV', 100);
        await customer.page.waitForSelector('article[data-state=REJECTED]');
        await customer.page.screenshot({
          path: join(SHOTS, `order-rejected-${locale}-${size}-${colorScheme}.png`),
          fullPage: true,
        });
        await draw(customer.page, '/goods/MASK', 'goods-MASK');
        await customer.page.locator('.buy .button').first().click();
        await customer.page.locator('.buy .good').waitFor();
        for (const path of ['/basket', '/checkout', '/my']) await draw(customer.page, path, `${named(path)}-customer`);
        console.log(locale, size, colorScheme, done);
        await customer.context.close();
        const keeper = await browser.person({ locale, width, height, colorScheme, expected: [/./] });
        await logIn(keeper.page, mall, 'operator@uengine.org', 'who keeps the mall');
        for (const path of STAFF) await draw(keeper.page, path, named(path));
        await keeper.context.close();
      }
    }
  }
  console.log(`drawn into ${SHOTS}`);
} finally {
  await browser.close();
  await mall.down();
}
