// Errors as services tell them (RFC 9457), turned into a sentence.
import type { Said } from './locale';

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly trace: string | undefined,
    readonly body: Record<string, unknown> = {},
  ) {
    super(detail || code);
  }

  /** What an answer that is no success says. */
  static async of(response: Response): Promise<Problem> {
    const trace = response.headers.get('traceparent')?.split('-')[1];
    const body: Record<string, unknown> = await response.json().catch(() => ({}));
    const type = typeof body.type === 'string' ? body.type : '';
    const detail = [body.detail, body.title].find((text) => typeof text === 'string') as string | undefined;
    const own = typeof body.traceId === 'string' ? body.traceId : trace;
    return new Problem(response.status, type.split('/').pop() ?? '', detail ?? '', own, body);
  }

  /** Nobody answered: the network is away, or the address. */
  static offline(): Problem {
    return new Problem(0, 'offline', '', undefined);
  }
}

const BY_CODE: Record<string, Said> = {
  offline: [
    '연결할 수 없습니다. 잠시 후 다시 시도해 주세요.',
    'The shop cannot be reached. Please try again in a moment.',
  ],
  'price-changed': [
    '그사이 가격이 바뀌었습니다. 새 가격을 확인해 주세요.',
    'The price has changed meanwhile. Please look at the new one.',
  ],
  'not-sold': ['더 이상 판매하지 않는 상품입니다.', 'This is no longer sold.'],
  'unknown-product': ['그런 상품이 없습니다.', 'There is no such product.'],
  'cart-changed': [
    '장바구니가 그사이 바뀌었습니다. 다시 확인해 주세요.',
    'The basket has changed meanwhile. Please look again.',
  ],
  'cart-full': ['장바구니가 가득 찼습니다.', 'The basket is full.'],
  'cart-empty': ['장바구니가 비어 있습니다.', 'The basket is empty.'],
  'no-cart': ['장바구니가 비어 있습니다.', 'The basket is empty.'],
  'on-its-way': ['이미 배송 중이라 취소할 수 없습니다.', 'It is on its way already and cannot be called back.'],
  'not-pending': ['이미 처리된 주문입니다.', 'The order was dealt with already.'],
  'already-ended': ['이미 끝난 주문입니다.', 'The order has ended already.'],
  'cancellation-pending': ['취소를 이미 요청했습니다.', 'It was asked for already.'],
  'shelf-full': ['더 들일 수 없습니다.', 'The shelf holds no more.'],
  'below-reserved': ['주문이 잡고 있는 수량보다 적게 둘 수 없습니다.', 'Orders hold more than would be left.'],
  'already-registered': ['같은 이름표의 상품이 이미 있습니다.', 'There is a product of this id already.'],
};

const BY_STATUS: Record<number, Said> = {
  400: ['알아들을 수 없는 요청입니다.', 'This request cannot be understood.'],
  401: ['로그인이 필요합니다.', 'Please sign in first.'],
  403: ['권한이 없습니다.', 'This is not for you.'],
  404: ['찾을 수 없습니다.', 'There is no such thing.'],
  412: ['그사이 바뀌었습니다. 다시 확인해 주세요.', 'It has changed meanwhile. Please look again.'],
  422: ['입력한 내용을 확인해 주세요.', 'Please look at what you entered.'],
  429: ['요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.', 'Too many requests. Please try again in a moment.'],
  503: [
    '지금은 답할 수 없습니다. 잠시 후 다시 시도해 주세요.',
    'There is no answer at the moment. Please try again soon.',
  ],
  504: ['제때 답이 오지 않았습니다.', 'No answer came in time.'],
};

const ELSE: Said = ['문제가 생겼습니다.', 'Something went wrong.'];

/** The sentence for whatever was thrown. */
export function reasonOf(thrown: unknown): Said {
  if (!(thrown instanceof Problem)) return ELSE;
  return BY_CODE[thrown.code] ?? BY_STATUS[thrown.status] ?? ELSE;
}
