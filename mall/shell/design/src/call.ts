// Calls of services, typed by their descriptions (openapi-typescript). A call that needs an Idempotency-Key is given one by
// whoever has the intent, so that the same intent sent again is the same command.
import { Problem } from './problem';
import { loadSession, session } from './session';

type Verb = 'get' | 'post' | 'put' | 'delete';
type Json<T> = T extends { content: { 'application/json': infer Body } } ? Body : undefined;
type Success<O> = O extends { responses: infer R } ? Json<R[keyof R & (200 | 201 | 202)]> : never;
type BodyOf<O> = O extends { requestBody: { content: { 'application/json': infer B } } } ? B : undefined;
type Operation<Paths, P extends keyof Paths, V extends Verb> = V extends keyof Paths[P] ? Paths[P][V] : never;
type With<Paths, V extends Verb> = {
  [P in keyof Paths]: Paths[P] extends { [K in V]: object } ? P : never;
}[keyof Paths];

export interface Answer<T> {
  body: T;
  etag: string | undefined;
}

export interface Ask<Body> {
  path?: Record<string, string>;
  query?: Record<string, string | number | undefined>;
  body?: Body;
  key?: string;
  ifMatch?: string;
  signal?: AbortSignal;
}

/** Longest wait for an answer to begin; the gateway's own is shorter. */
const PATIENCE_MS = 15_000;
/** Always read by the frame itself. */
const OWN: ReadonlySet<string> = new Set(['/web/fragments.json', '/session']);

/** What was asked for here: of these the first reading of each took what the frame had asked for beforehand. */
const asked = new Set<string>();

/** What the frame asked for and nobody read is of another moment: whoever asks from now on is told how things are by then. */
export function forgetHints(): void {
  for (const link of document.querySelectorAll<HTMLLinkElement>('link[rel="preload"][as="fetch"]')) {
    const address = link.getAttribute('href') ?? '';
    link.remove();
    // Read once, it is gone.
    if (!asked.has(address) && !OWN.has(address)) void fetch(address).catch(() => undefined);
  }
}

/** Calls of one service, by its description. */
export function client<Paths>() {
  return async function ask<V extends Verb, P extends With<Paths, V> & string>(
    verb: V,
    path: P,
    ask: Ask<BodyOf<Operation<Paths, P, V>>> = {},
  ): Promise<Answer<Success<Operation<Paths, P, V>>>> {
    const response = await send(verb, path, ask);
    const text = await response.text();
    const etag = response.headers.get('etag') ?? undefined;
    return { body: (text === '' ? undefined : JSON.parse(text)) as Success<Operation<Paths, P, V>>, etag };
  };
}

async function send(verb: Verb, template: string, ask: Ask<unknown>): Promise<Response> {
  const headers = new Headers({ accept: 'application/json, application/problem+json' });
  if (ask.body !== undefined) headers.set('content-type', 'application/json');
  if (ask.key !== undefined) headers.set('idempotency-key', ask.key);
  if (ask.ifMatch !== undefined) headers.set('if-match', ask.ifMatch);
  const limit = AbortSignal.timeout(PATIENCE_MS);
  const signal = ask.signal ? AbortSignal.any([ask.signal, limit]) : limit;
  const body = ask.body === undefined ? null : JSON.stringify(ask.body);
  const where = address(template, ask);
  asked.add(where);
  const response = await fetch(where, { method: verb.toUpperCase(), headers, body, signal }).catch((error: unknown) => {
    if (ask.signal?.aborted) throw error;
    throw Problem.offline();
  });
  if (!response.ok) throw await refused(response);
  return response;
}

/** Whoever was somebody and is refused as nobody is looked at anew: his session has ended. */
async function refused(response: Response): Promise<Problem> {
  if (response.status === 401 && session.person !== null) void loadSession();
  return Problem.of(response);
}

function address(template: string, { path = {}, query = {} }: Ask<unknown>): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''));
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return search.size === 0 ? filled : `${filled}?${search}`;
}
