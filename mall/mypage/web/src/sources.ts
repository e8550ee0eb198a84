// The order's parts, asked of everybody who has one: all at once, each for so long and no longer.

export interface Asked {
  context: string;
  answered: boolean;
  state: string | undefined;
  /** Milliseconds. */
  took: number;
}

/** A part that takes longer is left out. */
const PATIENCE_MS = 1_500;

const SOURCES: Record<string, (order: string) => string> = {
  ordering: (order) => `/orders/${order}`,
  payment: (order) => `/payments?order=${order}`,
  delivery: (order) => `/deliveries?order=${order}`,
};

export function askEverybody(order: string): Promise<Asked[]> {
  return Promise.all(
    Object.entries(SOURCES).map(([context, address]) => ask(context, address(encodeURIComponent(order)))),
  );
}

async function ask(context: string, address: string): Promise<Asked> {
  const began = performance.now();
  const headers = { accept: 'application/json' };
  const said = await fetch(address, { headers, signal: AbortSignal.timeout(PATIENCE_MS) })
    .then(async (answer) => (answer.ok ? ((await answer.json()) as unknown) : undefined))
    .catch(() => undefined);
  return { context, answered: said !== undefined, state: stateOf(said), took: Math.round(performance.now() - began) };
}

/** The state of a thing, or of the one thing of a list. */
function stateOf(said: unknown): string | undefined {
  const { items, state } = (said ?? {}) as { items?: unknown[]; state?: unknown };
  if (typeof state === 'string') return state;
  return items?.[0] === undefined ? undefined : stateOf(items[0]);
}
