// What MyPage's service says, and one stream of it for all parts of a page that show the same order.
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import { client, follow, type Following } from '@mall/design';
import type { components, paths } from './generated/api';

export type MyOrder = components['schemas']['MyOrder'];

export const ask = client<paths>();

interface Watched {
  order: ShallowRef<MyOrder | undefined>;
  away: ShallowRef<boolean>;
  watchers: number;
  following: Following;
}

const watched = new Map<string, Watched>();

/** An order as MyPage hears of it, for as long as a part shows it. `after`: where it was placed, so that it is shown by then. */
export function watchOrder(id: string, after?: string): Pick<Watched, 'order' | 'away'> {
  const known = watched.get(id) ?? begin(id, after);
  watched.set(id, known);
  known.watchers += 1;
  onScopeDispose(() => {
    known.watchers -= 1;
    if (known.watchers > 0) return;
    known.following.stop();
    watched.delete(id);
  });
  return known;
}

function begin(id: string, after: string | undefined): Watched {
  const order = shallowRef<MyOrder>();
  const away = shallowRef(false);
  const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
  const following = follow(`/mypage/orders/${encodeURIComponent(id)}/events${query}`, ['order'], {
    heard: (_, data) => {
      order.value = data as MyOrder;
      away.value = false;
      return order.value.settled;
    },
    broken: () => (away.value = true),
  });
  return { order, away, watchers: 0, following };
}
