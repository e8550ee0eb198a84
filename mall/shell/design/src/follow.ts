// A stream of server-sent events, shared by all tabs of a browser. A hidden page lets go of it, and is told how things are when it
// is seen again.
import { loadSession, signInAgain } from './session';
import { open, type Told } from './source';
import type { News, Wish } from './streams';

export interface Following {
  stop: () => void;
}

export interface Heard {
  /** An event, by its name; true when it was the last there will be. */
  heard: (name: string, data: unknown) => boolean;
  /** The stream is refused, or its service is away; where it is of use it is tried again. */
  broken?: () => void;
}

const here = new Map<string, Set<(news: News) => void>>();
let worker: MessagePort | undefined | null;

/** The worker; null where there is none, or it is not built: pages from their sources have a stream each. */
function shared(): MessagePort | null {
  if (worker !== undefined) return worker;
  try {
    const { port } = new SharedWorker(import.meta.resolve('@mall/streams'), { type: 'module' });
    port.onmessage = ({ data }: MessageEvent<News>) => here.get(data.address)?.forEach((listen) => listen(data));
    const tab = crypto.randomUUID();
    void navigator.locks.request(tab, () => new Promise(() => undefined));
    port.postMessage({ tab } satisfies Wish);
    worker = port;
  } catch {
    worker = null;
  }
  return worker;
}

/** By the number of its last event a stream is known to this tab also after it was loaded again. */
const kept = (address: string) => `stream:${address}`;

/** Behind which event a stream is to begin: the last one that was heard is told again, since it says how things are. */
function after(address: string): number {
  return Math.max(0, (Number(sessionStorage.getItem(kept(address))) || 0) - 1);
}

/** Begins to listen; what it returns ends that. */
function listen(address: string, names: readonly string[], ears: (news: News) => void): () => void {
  const port = shared();
  if (port === null) {
    return open(address, names, after(address), {
      told: (told) => ears({ address, told }),
      broken: (status) => ears({ address, broken: status }),
      ended: () => ears({ address, ended: true }),
    });
  }
  const known = here.get(address) ?? new Set();
  here.set(address, known.add(ears));
  port.postMessage({ open: address, names, after: after(address) } satisfies Wish);
  return () => {
    known.delete(ears);
    if (known.size > 0) return;
    here.delete(address);
    port.postMessage({ close: address } satisfies Wish);
  };
}

/** Follows an address until it is stopped, or until nothing more will come. */
export function follow(address: string, names: readonly string[], { heard, broken }: Heard): Following {
  let end: (() => void) | undefined;
  function told({ name, data, id }: Told) {
    sessionStorage.setItem(kept(address), id);
    if (heard(name, JSON.parse(data) as unknown)) stop();
  }
  function refused(status: number) {
    broken?.();
    if (status === 401) signInAgain();
  }
  function ears(news: News) {
    if ('told' in news) told(news.told);
    else if ('broken' in news) refused(news.broken);
    else void loadSession();
  }
  function seen() {
    if (document.visibilityState === 'visible') end ??= listen(address, names, ears);
    else close();
  }
  function close() {
    end?.();
    end = undefined;
  }
  function stop() {
    document.removeEventListener('visibilitychange', seen);
    close();
  }
  document.addEventListener('visibilitychange', seen);
  seen();
  return { stop };
}
