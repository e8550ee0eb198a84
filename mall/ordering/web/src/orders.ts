// What ordering's service says.
import { client, type Said } from '@mall/design';
import type { components, paths } from './generated/api';

export type Cart = components['schemas']['Cart'];
export type Order = components['schemas']['Order'];
export type OrderChanged = components['schemas']['OrderChanged'];

export const ask = client<paths>();

/** An order's events, by their names on its stream. */
export const EVENTS = [
  'order-placed',
  'order-confirmed',
  'order-rejected',
  'cancellation-requested',
  'cancellation-refused',
  'order-cancelled',
  'order-completed',
] as const;

/** Nothing follows these. */
export const ENDED: ReadonlySet<string> = new Set([
  'REJECTED',
  'CANCELLED',
  'COMPLETED',
] satisfies components['schemas']['OrderState'][]);

export const SHORT: Record<components['schemas']['OrderState'], Said> = {
  PENDING: ['확인 중', 'Checking'],
  CONFIRMED: ['확정', 'Confirmed'],
  REJECTED: ['거절', 'Rejected'],
  CANCELLED: ['취소', 'Cancelled'],
  COMPLETED: ['완료', 'Completed'],
};

export const STATES: Record<components['schemas']['OrderState'], Said> = {
  PENDING: ['주문을 확인하고 있습니다', 'Being checked'],
  CONFIRMED: ['주문이 확정되었습니다', 'Confirmed'],
  REJECTED: ['주문을 받을 수 없었습니다', 'The order could not be taken'],
  CANCELLED: ['주문이 취소되었습니다', 'The order was cancelled'],
  COMPLETED: ['배송이 끝났습니다', 'Delivered'],
};

export const WHY: Record<components['schemas']['Why'], Said> = {
  'out-of-stock': ['재고가 모자랍니다. 결제하지 않았습니다.', 'There is not enough in stock. Nothing was paid.'],
  'payment-declined': [
    '결제가 거절되었습니다. 잡아 둔 재고는 돌려놓았습니다.',
    'The payment was declined. What was held in stock was given back.',
  ],
  deadline: [
    '제때 확정되지 못했습니다. 잡아 둔 것은 모두 돌려놓았습니다.',
    'It was not confirmed in time. Whatever was held or paid was given back.',
  ],
  customer: ['요청하신 대로 취소했습니다. 결제했다면 돌려 드립니다.', 'As you asked. What was paid is given back.'],
  'delivery-failed': [
    '배송하지 못했습니다. 결제한 금액을 돌려 드립니다.',
    'It could not be delivered. What was paid is given back.',
  ],
};
