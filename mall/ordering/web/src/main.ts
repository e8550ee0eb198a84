// Ordering's pages: the basket, how it becomes an order, and what becomes of that.
// What it puts on others' pages comes at once; its own pages, with their style, when somebody goes there.
import { defineAsyncComponent } from 'vue';
import BasketLink from './BasketLink.vue';
import BuyBox from './BuyBox.vue';

export const pages = {
  basket: defineAsyncComponent(() => import('./BasketPage.vue')),
  checkout: defineAsyncComponent(() => import('./CheckoutPage.vue')),
  order: defineAsyncComponent(() => import('./OrderPage.vue')),
};
export const parts = {
  basket: BasketLink,
  buy: BuyBox,
  destination: defineAsyncComponent(() => import('./ParcelDestination.vue')),
};
