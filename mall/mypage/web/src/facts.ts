// Facts of an order's life in the words of the domain.
import type { Said } from '@mall/design';

export const CONTEXTS: Record<string, Said> = {
  ordering: ['주문', 'Ordering'],
  product: ['상품', 'Product'],
  payment: ['결제', 'Payment'],
  delivery: ['배송', 'Delivery'],
};

export const FACTS: Record<string, Said> = {
  'order-placed': ['가주문됨', 'Order placed'],
  'order-confirmed': ['최종 주문 완료됨', 'Order confirmed'],
  'order-rejected': ['주문 거절됨', 'Order rejected'],
  'cancellation-requested': ['취소 요청됨', 'Cancellation requested'],
  'cancellation-refused': ['취소 거절됨', 'Cancellation refused'],
  'order-cancelled': ['주문 취소됨', 'Order cancelled'],
  'order-completed': ['배달 완료', 'Order completed'],
  'stock-reserved': ['재고 확보됨', 'Stock reserved'],
  'stock-rejected': ['재고 부족', 'Not enough stock'],
  'stock-released': ['재고 돌려놓음', 'Stock given back'],
  'stock-committed': ['재고 출고됨', 'Stock left for good'],
  'payment-captured': ['결제 처리됨', 'Payment captured'],
  'payment-declined': ['결제 거절됨', 'Payment declined'],
  'payment-refunded': ['환불됨', 'Payment refunded'],
  'delivery-prepared': ['배송 준비됨', 'Delivery prepared'],
  'delivery-departed': ['배송 출발', 'Delivery departed'],
  'delivery-completed': ['배송 완료', 'Delivery completed'],
  'delivery-failed': ['배송 처리 실패', 'Delivery failed'],
  'delivery-cancelled': ['배송 취소됨', 'Delivery cancelled'],
};

/** With these an order ends; until the others have followed, the contexts say different things of it. */
export const ENDS = new Set(['order-rejected', 'order-cancelled', 'order-completed']);
