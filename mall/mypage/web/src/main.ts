// MyPage's pages: every order of a person on one screen, folded from facts alone; and on an order's page its way as everybody told
// it, with a look behind the scenes.
import BackstagePart from './BackstagePart.vue';
import OrdersPage from './OrdersPage.vue';
import SourcesPart from './SourcesPart.vue';
import TrailPart from './TrailPart.vue';
import './mypage.css';

export const pages = { orders: OrdersPage };
export const parts = { trail: TrailPart, backstage: BackstagePart, sources: SourcesPart };
