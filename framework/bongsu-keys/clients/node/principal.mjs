// Who is asking, as the gateway says it to a service: believed only when the gateway signed it. Plain Node 18, no packages.
//
//   const principal = principalOf(request.headers, keys());     // { name, roles }; null: answer 401
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const LIFE_S = 60;
const LEEWAY_S = 5;
const LONGEST = 4_096;

/** This process's keys. Read again for every request, or when the file has changed: a new secret replaces it. */
export const keys = (file = process.env.BONGSU_KEYS) => JSON.parse(readFileSync(file, 'utf8'));

const publicKey = (digits) => {
  const x = Buffer.from(digits, 'hex').toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
};

const json = (part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));

/** The principal, or null when the gateway did not say so to this service just now. */
export function principalOf(headers, { name, believes }, now = Date.now()) {
  const token = headers['x-bongsu-principal'] ?? '';
  const parts = /^([\w-]+)\.([\w-]+)\.([\w-]{86})$/.exec(token);
  if (!parts || token.length > LONGEST) return null;
  const [, head, body, signature] = parts;
  const signed = Buffer.from(`${head}.${body}`);
  const isRight = (digits) => verify(null, signed, publicKey(digits), Buffer.from(signature, 'base64url'));
  if (!believes.some(isRight) || json(head).alg !== 'EdDSA') return null;
  const { iss, aud, sub, roles = [], iat, exp } = json(body);
  const now_s = Math.floor(now / 1_000);
  const isNow = iat <= now_s + LEEWAY_S && exp > now_s - LEEWAY_S && exp - iat <= LIFE_S;
  const isMine = aud === name || (Array.isArray(aud) && aud.includes(name));
  return isNow && iss === 'gateway' && isMine ? { name: sub, roles } : null;
}

// node principal.mjs FILE NOW TOKEN: says who it is and his roles, or 'nobody'.
if (process.argv[1]?.endsWith('principal.mjs') && process.argv.length === 5) {
  const [file, now, token] = process.argv.slice(2);
  const principal = principalOf({ 'x-bongsu-principal': token }, keys(file), Number(now));
  console.log(principal ? [principal.name, ...principal.roles].join(' ') : 'nobody');
}
