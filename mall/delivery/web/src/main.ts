// Delivery's pages: moving a parcel by hand.
import DeskPage from './DeskPage.vue';

export const pages = { desk: DeskPage };
export const parts = {};
