// What was looked at last on this device; it never leaves it.
const KEPT = 'recent';
const MOST = 8;

export function recent(): string[] {
  const kept: unknown = JSON.parse(localStorage.getItem(KEPT) ?? '[]');
  return Array.isArray(kept) ? kept.filter((sku): sku is string => typeof sku === 'string').slice(0, MOST) : [];
}

export function lookedAt(sku: string): void {
  const all = [sku, ...recent().filter((other) => other !== sku)];
  localStorage.setItem(KEPT, JSON.stringify(all.slice(0, MOST)));
}
