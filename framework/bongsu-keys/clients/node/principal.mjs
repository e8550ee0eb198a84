// Who is asking, as the gateway says it to a service: believed only with the gateway's proof. Plain Node 18, no packages.
//
//   const principal = principalOf(request.headers, keys());     // null: answer 401
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';

const WINDOW_MS = 30_000;

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

/** This process's keys. Read again for every request, or when the file has changed: a new secret replaces it. */
export const keys = (file = process.env.BONGSU_KEYS) => JSON.parse(readFileSync(file, 'utf8'));

/** The principal, or null when the gateway did not say so just now. */
export function principalOf(headers, { accepts }, now = Date.now()) {
  const principal = headers['x-bongsu-principal'];
  const proof = /^(0|[1-9][0-9]{0,15})\.([0-9a-f]{64})$/.exec(headers['x-bongsu-principal-proof'] ?? '');
  if (!principal || !proof || Math.abs(now - Number(proof[1])) > WINDOW_MS) return null;
  const given = Buffer.from(proof[2], 'hex');
  const proves = (lock) => {
    const key = hmac(Buffer.from(lock, 'hex'), 'bongsu/v1/from/gateway');
    return timingSafeEqual(given, hmac(key, `bongsu/v1/principal\n${proof[1]}\n${principal}`));
  };
  return accepts.some(proves) ? principal : null;
}

// node principal.mjs FILE NOW PRINCIPAL PROOF: says who it is, or 'nobody'.
if (process.argv[1]?.endsWith('principal.mjs') && process.argv.length === 6) {
  const [file, now, principal, proof] = process.argv.slice(2);
  const headers = { 'x-bongsu-principal': principal, 'x-bongsu-principal-proof': proof };
  console.log(principalOf(headers, keys(file), Number(now)) ?? 'nobody');
}
