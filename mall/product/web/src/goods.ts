// What product's service says, and how it is said on a page.
import { client, locale, type Said } from '@mall/design';
import type { components, paths } from './generated/api';

export type Product = components['schemas']['Product'];
export type Stock = components['schemas']['ShownStock'];
export type Found = components['schemas']['FoundGoods'];
export type Price = components['schemas']['PriceSince'];

export const ask = client<paths>();

/** What is said of it in the language of the page, as far as anything is. */
export function nameOf(product: Product): string {
  return product.about?.names?.[locale.value] ?? product.name;
}

/** Looked up once for the whole page; what cannot be found is looked for again. */
const known = new Map<string, Promise<Product>>();

export function productOf(sku: string): Promise<Product> {
  const asked = known.get(sku) ?? ask('get', '/products/{sku}', { path: { sku } }).then(({ body }) => body);
  known.set(sku, asked);
  asked.catch(() => known.delete(sku));
  return asked;
}

/** Most goods of one answer. */
const MOST = 200;

/** Goods that bear the words, the best first: as many as are wanted, however many answers that takes. */
export async function find(
  wanted: { q?: string; category?: string; goods: number },
  signal: AbortSignal,
): Promise<Found> {
  const { q, category } = wanted;
  const items: Product[] = [];
  let cursor: string | undefined;
  for (;;) {
    const limit = Math.min(wanted.goods - items.length, MOST);
    const { body } = await ask('get', '/products/search', { query: { q, category, cursor, limit }, signal });
    items.push(...body.items);
    if (body.next === null || items.length >= wanted.goods) return { ...body, items };
    cursor = body.next;
  }
}

const CATEGORIES: Record<string, Said> = {
  electronics: ['전자제품', 'Electronics'],
  kitchen: ['주방', 'Kitchen'],
  fashion: ['패션', 'Fashion'],
  stationery: ['문구', 'Stationery'],
  books: ['책', 'Books'],
  home: ['집안', 'Home'],
  furniture: ['가구', 'Furniture'],
  sports: ['운동', 'Sports'],
  plants: ['식물', 'Plants'],
  health: ['건강', 'Health'],
};

/** What people call a category; one that sellers made up is called as they called it. */
export function categoryName(id: string): string {
  return CATEGORIES[id]?.[locale.value === 'ko' ? 0 : 1] ?? id;
}
