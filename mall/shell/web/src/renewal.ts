// A chunk of an earlier build may be gone: the page is loaded anew, once, and what was typed is in its drafts.
const KEPT = 'renewed';
/** A page that was just loaded anew and misses something again is not helped by loading it again. */
const SETTLED_MS = 10_000;
/** The gateway remembers for a second whose pages there are; a page that comes back sooner is told of the build that is gone. */
const FORGOTTEN_MS = 1_100;

/** Loads this page anew unless that was just done. */
export function reloadOnce(): boolean {
  const last = Number(sessionStorage.getItem(KEPT) ?? 0);
  if (Date.now() - last < SETTLED_MS) return false;
  sessionStorage.setItem(KEPT, String(Date.now()));
  setTimeout(() => location.reload(), FORGOTTEN_MS);
  return true;
}
