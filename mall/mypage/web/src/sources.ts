// The order put together by bff-web from everybody who has a part of it: each part says whether it came.

export interface Asked {
  context: string;
  answered: boolean;
  /** What it says of the order; where it did not answer, why. */
  state: string | undefined;
  /** Milliseconds. */
  took: number;
}

/** What bff-web says of a part. */
interface Part {
  state: 'ok' | 'absent' | 'late' | 'open' | 'busy' | 'failed';
  took_ms: number;
  data: { state?: string } | null;
}

/** Longer than bff-web waits for a part: it says itself which did not come. */
const PATIENCE_MS = 3_000;

const SOURCES = ['ordering', 'payment', 'delivery'];

export async function askEverybody(order: string): Promise<Asked[]> {
  const began = performance.now();
  const headers = { accept: 'application/json' };
  const address = `/bff/web/orders/${encodeURIComponent(order)}`;
  const said = await fetch(address, { headers, signal: AbortSignal.timeout(PATIENCE_MS) })
    .then(async (answer) => (answer.ok ? ((await answer.json()) as Record<string, Part | undefined>) : {}))
    .catch((): Record<string, Part | undefined> => ({}));
  const took = Math.round(performance.now() - began);
  return SOURCES.map((context) => partOf(context, said[context], took));
}

function partOf(context: string, part: Part | undefined, took: number): Asked {
  if (part === undefined) return { context, answered: false, state: undefined, took };
  const answered = part.state === 'ok' || part.state === 'absent';
  return { context, answered, state: answered ? part.data?.state : part.state, took: part.took_ms };
}
