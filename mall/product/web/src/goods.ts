// What product's service says, with what older and newer services may not say.
import { client, locale } from '@mall/design';
import type { components, paths } from './generated/api';

export type Product = components['schemas']['Product'] & {
  category?: string | null;
  names?: Partial<Record<'ko' | 'en', string>> | null;
  description?: Partial<Record<'ko' | 'en', string>> | null;
  picture_seed?: string | null;
};

export type Stock = components['schemas']['ShownStock'];

export const ask = client<paths>();

/** Its name in the language of the page, as far as it has one. */
export function nameOf(product: Product): string {
  return product.names?.[locale.value] ?? product.name;
}

/** Most goods of one answer. */
const MOST = 200;
/** So many answers are asked for at most where all goods are looked through. */
const MOST_PAGES = 10;

/** Everything on sale. */
export async function allGoods(signal: AbortSignal): Promise<Product[]> {
  const goods: Product[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { body } = await ask('get', '/products', { query: { limit: MOST, cursor }, signal });
    goods.push(...body.items);
    if (body.next === null) break;
    cursor = body.next;
  }
  return goods;
}
