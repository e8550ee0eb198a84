// The basket, once for the page: its link in the header, its page and the boxes that fill it look at the same one.
import { computed, shallowRef } from 'vue';
import { newKey, Problem, session } from '@mall/design';
import { ask, type Cart } from './orders';

/** Says on this device that a visitor has put something into a basket: only then is it asked for before somebody logs in, and
 * merged after. It is the key of that merging, and opens nothing. */
const KEPT = 'basket';

export const cart = shallowRef<Cart>();
export const pieces = computed(() => (cart.value?.lines ?? []).reduce((sum, line) => sum + line.quantity, 0));

/** Reads it anew. */
export async function readBasket(signal?: AbortSignal): Promise<Cart | undefined> {
  await settle();
  try {
    cart.value = (await ask('get', '/cart', signal ? { signal } : {})).body;
  } catch (error) {
    if (!(error instanceof Problem && error.status === 401)) throw error;
    cart.value = undefined;
  }
  return cart.value;
}

/** After a login what the visitor had goes into the basket of whoever he is: one command, whichever tab is first. */
let settled: Promise<void> | undefined;
function settle(): Promise<void> {
  settled ??= navigator.locks.request('basket', async () => {
    const key = localStorage.getItem(KEPT);
    if (session.person === null || key === null) return;
    await ask('post', '/cart/merge', { key });
    localStorage.removeItem(KEPT);
  });
  settled.catch(() => (settled = undefined));
  return settled;
}

/** Whether there may be one. */
export function mayHaveBasket(): boolean {
  return session.person !== null || localStorage.getItem(KEPT) !== null;
}

/** Puts so many more into it. */
export async function add(sku: string, quantity: number, key: string): Promise<void> {
  await settle();
  await ask('post', '/cart/items', { key, body: { sku, quantity } });
  if (session.person === null && localStorage.getItem(KEPT) === null) localStorage.setItem(KEPT, newKey());
  await readBasket();
}

/** Says how many in all; refused when another page of the same person changed the line that is shown here. */
export async function change(sku: string, shown: number, quantity: number): Promise<void> {
  const seen = await lineAsShown(sku, shown);
  await ask('put', '/cart/items/{sku}', { path: { sku }, ifMatch: seen, body: { quantity } });
  await readBasket();
}

export async function remove(sku: string, shown: number): Promise<void> {
  const seen = await lineAsShown(sku, shown);
  await ask('delete', '/cart/items/{sku}', { path: { sku }, ifMatch: seen });
  await readBasket();
}

async function lineAsShown(sku: string, shown: number): Promise<string> {
  const { body, etag } = await ask('get', '/cart/items/{sku}', { path: { sku } });
  if (body.quantity !== shown || etag === undefined) {
    await readBasket();
    throw new Problem(412, 'cart-changed', '', undefined);
  }
  return etag;
}
