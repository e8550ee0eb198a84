// Audit's pages: whether the contexts agree.
import DeskPage from './DeskPage.vue';

export const pages = { desk: DeskPage };
export const parts = {};
