// The mall as it is, with the tokens of another issuer.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { System, until } from './system.mjs';

const LISTEN = 'listen = "127.0.0.1:8080"';

/**
 * The mall whose gateway believes that issuer's tokens; `login`, and `sessions` where browsers log in, as in `bongsu.toml`.
 * `files` are laid beside it.
 */
export async function mallFor(login, { sessions, listen = 'http://127.0.0.1:0', files } = {}) {
  const text = await readFile(new URL('../../../mall/bongsu.toml', import.meta.url), 'utf8');
  assert.ok(text.includes(LISTEN), 'the mall says where its gateway listens');
  const settings = { ...login, refresh_s: 1, cooldown_s: 1 }; // keys are looked at often, so that nobody waits long
  const table = (all) =>
    `{ ${Object.entries(all).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join(', ')} }`;
  const config = [`login = ${table(settings)}`, ...(sessions ? [`sessions = ${table(sessions)}`] : [])].join(', ');
  return System.up(text.replace(LISTEN, `listen = "${new URL(listen).host}"\nconfig = { ${config} }`), files);
}

/** One mall with that login, for as long as `judge` takes. */
export async function inMall(login, judge, more) {
  const mall = await mallFor(login, more);
  try {
    await judge(mall);
  } finally {
    await mall.stop();
  }
}

/** What customers may ask for, and what only operators may, is so by the roles that tokens of that issuer say. */
export async function rolesAreMapped(mall, { customer, operator }) {
  const nobody = undefined;
  assert.deepEqual(await statuses(mall, '/mypage/orders', [customer, operator, nobody]), [200, 200, 401]);
  assert.deepEqual(await statuses(mall, '/ledger', [customer, operator, nobody]), [403, 200, 401]);
}

/** A gateway that looks for the roles elsewhere finds none: everybody is somebody, and nobody an operator. */
export async function noRolesAreFound(mall, { customer, operator }) {
  assert.deepEqual(await statuses(mall, '/mypage/orders', [customer, operator]), [200, 200]);
  assert.deepEqual(await statuses(mall, '/ledger', [customer, operator]), [403, 403]);
}

/** A gateway for another audience believes none of these tokens. */
export async function anotherAudienceIsRefused(mall, { customer, operator }) {
  for (const bearer of [customer, operator]) {
    const { status, detail } = await mall.ask('/mypage/orders', bearer);
    assert.deepEqual([status, detail], [401, 'The access token was refused: it is for another audience.']);
  }
}

async function statuses(mall, path, bearers) {
  const answers = await Promise.all(bearers.map((bearer) => mall.ask(path, bearer)));
  return answers.map(({ status }) => status);
}

/** Waits until a token counts no longer, for that reason. */
export async function untilRefused(mall, bearer, why) {
  let last;
  await until(`refused: ${why}`, async () => {
    last = await mall.ask('/mypage/orders', bearer);
    return last.status === 401;
  });
  assert.equal(last.detail, `The access token was refused: ${why}.`);
}

/** Waits until a token counts. */
export async function untilLetIn(mall, bearer) {
  await until('let in', async () => (await mall.ask('/mypage/orders', bearer)).status === 200);
}
