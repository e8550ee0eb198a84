// One stream of server-sent events. The browser comes back by itself with the last id; where it was refused it gives up, and this
// looks why and tries again.

export interface Told {
  name: string;
  data: string;
  id: string;
}

export interface Ears {
  told: (told: Told) => void;
  /** It is refused, with that status, or its service is away (0); where it is of use it is tried again. */
  broken: (status: number) => void;
  /** Who opened it could not open it now; it is opened again, as whoever is here by then. */
  ended: () => void;
}

/** The gateway's last word on a stream: who opened it could not open it now. */
const SESSION_ENDED = 'session-ended';

/** A refused stream is tried again after so long, twice as long each time, up to the last. */
const AGAIN_MS = [1_000, 30_000] as const;
/** Nothing follows: it was heard to its end, nobody may, or there is none. */
export const FINAL: readonly number[] = [204, 401, 403, 404];

/** The address of a stream that goes on behind an event. */
function behind(address: string, after: number): string {
  return after > 0 ? `${address}${address.includes('?') ? '&' : '?'}last-event-id=${after}` : address;
}

/** Follows an address until it is closed, from behind an event on. */
export function open(address: string, names: readonly string[], after: number, ears: Ears): () => void {
  const { told, broken, ended } = ears;
  let heard = after;
  let source: EventSource | undefined;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let pause: number = AGAIN_MS[0];
  let isOver = false;
  const listener = ({ type, data, lastEventId }: MessageEvent<string>) => {
    pause = AGAIN_MS[0];
    heard = Number(lastEventId) || heard;
    told({ name: type, data, id: lastEventId });
  };
  function begin() {
    source = new EventSource(behind(address, heard));
    for (const name of names) source.addEventListener(name, listener);
    source.addEventListener(SESSION_ENDED, over);
    source.onerror = () => void look(source);
  }
  function over() {
    source?.close();
    ended();
    later();
  }
  function later() {
    if (isOver) return;
    waiting = setTimeout(begin, pause);
    pause = Math.min(pause * 2, AGAIN_MS[1]);
  }
  async function look(looked: EventSource | undefined) {
    if (looked?.readyState !== EventSource.CLOSED || isOver) return;
    const status = await fetch(behind(address, heard), { method: 'HEAD' }).then(
      (answer) => answer.status,
      () => 0,
    );
    if (isOver) return;
    // It never gave that id: its store is another one now.
    if (status === 400) heard = 0;
    broken(status);
    if (FINAL.includes(status)) return;
    later();
  }
  begin();
  return () => {
    isOver = true;
    clearTimeout(waiting);
    source?.close();
  };
}
