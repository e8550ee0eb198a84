// Our provider, as npm `openid-client` meets it: the whole way, with a public client and ES256, with a secret and RS256.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import * as client from 'openid-client';
import { Browser } from './browser.mjs';
import { BACK, claims, discover, head, HOME, logIn } from './party.mjs';
import { System, until } from './system.mjs';

const SECRET = '0123456789abcdef0123456789abcdef';
const SCOPE = 'openid profile email roles';
const ANN = { email: 'ann@house.example', password: 'ann may come in' };

let house;
before(async () => {
  house = await System.up(await readFile(new URL('../house.toml', import.meta.url), 'utf8'), { secret: SECRET });
  await until('Ann is there', async () => (await house.bongsu('token', '--as', ANN.email).catch(() => '')) !== '');
});
after(() => house?.stop());

const ann = (browser, page) => browser.submit(page, ANN);
const refused = (error) => (thrown) =>
  thrown.error === error || assert.fail(`${thrown} ${JSON.stringify(thrown.cause)}`);

/** Two logins in one browser: the second is let through by the session, until that is over. */
async function wholeWay({ id, secret, alg }) {
  const config = await discover(`${house.gateway}/identity`, { id, secret, alg });
  const browser = new Browser(HOME);
  const tokens = await logIn(config, browser, { scope: SCOPE }, ann);
  assert.equal(head(tokens.id_token).alg, alg);
  assert.match(tokens.claims().sub, /^usr_/);

  const told = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.deepEqual([told.email, told.name, told.roles], [ANN.email, 'Ann Nowhere', ['guest']]);

  const next = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  assert.equal(claims(next.access_token).sub, tokens.claims().sub);
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), refused('invalid_grant'));
  await assert.rejects(client.refreshTokenGrant(config, next.refresh_token), refused('invalid_grant'), 'the family ends');

  const nobody = () => assert.fail('the session lets Ann through');
  const second = await logIn(config, browser, { scope: SCOPE }, nobody);
  await client.tokenRevocation(config, second.refresh_token);
  await assert.rejects(client.refreshTokenGrant(config, second.refresh_token), refused('invalid_grant'));
  await assert.rejects(client.fetchUserInfo(config, second.access_token, second.claims().sub), 'it ends with its family');

  const way = client.buildEndSessionUrl(config, { id_token_hint: second.id_token, post_logout_redirect_uri: HOME });
  assert.equal((await browser.open(way.href)).left?.href, HOME);
  const silent = logIn(config, browser, { scope: SCOPE, more: { prompt: 'none' } }, nobody);
  await assert.rejects(silent, refused('login_required'), 'the session is over');
}

test('a public client goes the whole way, with ES256', () => wholeWay({ id: 'web', alg: 'ES256' }));

test('a client with a secret goes it, with RS256', () => wholeWay({ id: 'rsa', secret: SECRET, alg: 'RS256' }));

test('a code is worth nothing without its verifier, and the party notices another state', async () => {
  const config = await discover(`${house.gateway}/identity`, { id: 'web', alg: 'ES256' });
  const browser = new Browser(HOME);
  const verifier = client.randomPKCECodeVerifier();
  const wish = client.buildAuthorizationUrl(config, {
    redirect_uri: BACK,
    scope: SCOPE,
    state: 'ours',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const { left } = await ann(browser, await browser.open(wish.href));
  const take = (pkceCodeVerifier, expectedState) =>
    client.authorizationCodeGrant(config, left, { pkceCodeVerifier, expectedState });
  await assert.rejects(take(verifier, 'theirs'), ({ cause }) => /"state"/.test(cause.message));
  await assert.rejects(take(client.randomPKCECodeVerifier(), 'ours'), refused('invalid_grant'));
});
