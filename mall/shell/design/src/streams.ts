// Runs in a worker that all tabs of a browser share: of six connections that a browser has to a place, ten tabs that look at one
// order hold one. Whoever joins is told the newest at once, since every event says how things are, and not what changed.
import { FINAL, open, type Told } from './source';

export type Wish = { open: string; names: readonly string[]; after: number } | { close: string } | { tab: string };
export type News = { address: string } & ({ told: Told } | { broken: number } | { ended: true });

interface Shared {
  /** Behind which event it began. */
  after: number;
  newest: Told | undefined;
  tabs: Set<MessagePort>;
  close: () => void;
}

const shared = new Map<string, Shared>();

function join(port: MessagePort, address: string, names: readonly string[], after: number) {
  const there = shared.get(address);
  // Nothing has come yet, and this one has to hear of more than those before.
  const isTooLate = there !== undefined && there.newest === undefined && after < there.after;
  const known = there === undefined || isTooLate ? begin(address, names, after) : there;
  if (isTooLate) {
    there.close();
    there.tabs.forEach((tab) => known.tabs.add(tab));
  }
  shared.set(address, known);
  known.tabs.add(port);
  if (known.newest) port.postMessage({ address, told: known.newest } satisfies News);
}

function begin(address: string, names: readonly string[], after: number): Shared {
  const tabs = new Set<MessagePort>();
  const tell = (news: News) => tabs.forEach((port) => port.postMessage(news));
  const close = open(address, names, after, {
    told: (told) => {
      const known = shared.get(address);
      if (known) known.newest = told;
      tell({ address, told });
    },
    broken: (status) => {
      tell({ address, broken: status });
      // Whoever asks again may be somebody else by then.
      if (FINAL.includes(status)) shared.delete(address);
    },
    ended: () => tell({ address, ended: true }),
  });
  return { after, newest: undefined, tabs, close };
}

function leave(port: MessagePort, address: string) {
  const known = shared.get(address);
  known?.tabs.delete(port);
  if (known?.tabs.size === 0) {
    known.close();
    shared.delete(address);
  }
}

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (port === undefined) return;
  port.onmessage = ({ data: wish }: MessageEvent<Wish>) => {
    if ('open' in wish) join(port, wish.open, wish.names, wish.after);
    else if ('close' in wish) leave(port, wish.close);
    // A tab holds a lock of its name as long as it lives: whoever gets it here knows that the tab is gone.
    else void navigator.locks.request(wish.tab, () => [...shared.keys()].forEach((address) => leave(port, address)));
  };
});
