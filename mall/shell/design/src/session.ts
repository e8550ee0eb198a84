// Who is here. The session is a cookie that no script can read; what a page knows is what /session says.
import { reactive, readonly } from 'vue';

export interface Session {
  known: boolean;
  /** Whether people can log in here at all. */
  login: boolean;
  person: string | null;
  name: string | null;
  roles: readonly string[];
}

const state = reactive<Session>({ known: false, login: false, person: null, name: null, roles: [] });

export const session = readonly(state);

export async function loadSession(): Promise<void> {
  const answer = await fetch('/session').catch(() => undefined);
  const said: Record<string, unknown> | undefined = answer?.ok ? await answer.json().catch(() => undefined) : undefined;
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  state.login = said !== undefined;
  state.person = text(said?.person);
  wasSomebody ||= state.person !== null;
  state.name = text(said?.name);
  state.roles = Array.isArray(said?.roles) ? said.roles.filter((role) => typeof role === 'string') : [];
  state.known = true;
}

export function is(role: string): boolean {
  return state.roles.includes(role);
}

/** Leaves for the login page, which comes back to this one. */
export function signIn(back = location.pathname + location.search): void {
  location.assign(`/login?return=${encodeURIComponent(back)}`);
}

/** Whoever leaves is asked for nothing any more. */
let isLeaving = false;
/** Somebody was here since this page was loaded. */
let wasSomebody = false;

/** What only somebody may see is open, and he is nobody now: to the login page and back, once for all streams of the page. */
export function signInAgain(): void {
  if (isLeaving || !wasSomebody) return;
  isLeaving = true;
  signIn();
}

export async function signOut(): Promise<void> {
  isLeaving = true;
  // Where the issuer ends its own session; it comes back here.
  const answer = await fetch('/logout', { method: 'POST', headers: { accept: 'application/json' } }).catch(
    () => undefined,
  );
  const said: { location?: unknown } = answer?.ok ? await answer.json().catch(() => ({})) : {};
  location.assign(typeof said.location === 'string' ? said.location : '/');
}
