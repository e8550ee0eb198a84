// A relying party: npm `openid-client`, and a person who fills in the provider's pages.
import assert from 'node:assert/strict';
import * as client from 'openid-client';

/** Where codes are sent; nobody listens there. */
export const BACK = 'https://party.example/back';
export const HOME = 'https://party.example/';

/** Finds a provider by its discovery document. */
export async function discover(issuer, { id, secret, alg }) {
  const metadata = { id_token_signed_response_alg: alg };
  const proof = secret ? client.ClientSecretBasic(secret) : client.None();
  const execute = [client.allowInsecureRequests]; // http, because everybody is on this machine
  const config = await client.discovery(new URL(issuer), id, metadata, proof, { execute });
  client.enableNonRepudiationChecks(config); // the library otherwise believes an ID token that came over TLS unread
  return config;
}

/** The code flow with PKCE; `person(browser, page)` gets from the first page to the party. */
export async function logIn(config, browser, { scope, more = {} }, person) {
  const [pkceCodeVerifier, expectedState, expectedNonce] =
    [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()];
  const wish = client.buildAuthorizationUrl(config, {
    redirect_uri: BACK,
    scope,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...more,
  });
  let page = await browser.open(wish.href);
  if (!page.left) page = await person(browser, page);
  assert.ok(page.left, `not sent back: ${page.status} ${page.body}`);
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  return client.authorizationCodeGrant(config, page.left, checks);
}

/** What the head of a JWT says. */
export function head(jwt) {
  return JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url'));
}

/** What its claims say. */
export function claims(jwt) {
  return JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));
}
