// Product's pages: what is sold, and how much there is of it.
import { defineAsyncComponent } from 'vue';
import HomePage from './HomePage.vue';
import PicturePart from './PicturePart.vue';
import ProductPage from './ProductPage.vue';
import SearchPage from './SearchPage.vue';
import './product.css';

export const pages = {
  home: HomePage,
  search: SearchPage,
  product: ProductPage,
  // Few come here, so its code comes later.
  desk: defineAsyncComponent(() => import('./DeskPage.vue')),
};

export const parts = { picture: PicturePart };
