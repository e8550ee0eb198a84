// The outside world's page: how the payment provider behaves, and what it wrote down.
import DeskPage from './DeskPage.vue';

export const pages = { desk: DeskPage };
export const parts = {};
