// The mall with npm `oidc-provider` as its issuer: an address, an audience and the path of the role claim are all it takes.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import Provider from 'oidc-provider';
import { Browser } from './browser.mjs';
import { anotherAudienceIsRefused, inMall, noRolesAreFound, rolesAreMapped, untilLetIn, untilRefused } from './mall.mjs';
import { BACK, discover, head, HOME, logIn } from './party.mjs';

const ROLES = { ann: ['customer'], otto: ['operator'] };
const AUDIENCE = 'mall';

/** A signing key, new each time. */
function key(kid) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
}

/** The access token is a JWT, for the mall, and says the roles below a claim of its own: none of that is the default. */
const accessTokens = {
  resourceIndicators: {
    enabled: true,
    defaultResource: () => 'https://mall.example',
    useGrantedResource: () => true,
    getResourceServerInfo: () =>
      ({ scope: '', audience: AUDIENCE, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
  },
};

class Issuer {
  /** Listens on a port of its own, and later on the same one again, with other keys. */
  async start(keys) {
    const configuration = {
      clients: [{
        client_id: 'web',
        token_endpoint_auth_method: 'none',
        redirect_uris: [BACK],
        id_token_signed_response_alg: 'ES256',
      }],
      jwks: { keys },
      cookies: { keys: ['tests only'] },
      features: accessTokens,
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
      extraTokenClaims: (_, token) => ({ house: { roles: ROLES[token.accountId] } }),
    };
    // The port has to be known before the provider is: it is in the issuer's name.
    let provider;
    const { createServer } = await import('node:http');
    this.server = createServer((request, response) => provider.callback()(request, response));
    await new Promise((resolve) => this.server.listen(this.port ?? 0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    provider = new Provider(this.url, configuration);
  }

  async turn(keys) {
    this.stop();
    await this.start(keys);
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** An access token, got as any party gets one: through the provider's pages. */
  async token(login) {
    const config = await discover(this.url, { id: 'web', alg: 'ES256' });
    const { access_token } = await logIn(config, new Browser(HOME), { scope: 'openid' }, async (browser, page) => {
      const consent = await browser.submit(page, { login, password: 'any' });
      return browser.submit(consent, {});
    });
    return access_token;
  }

  async tokens() {
    return { customer: await this.token('ann'), operator: await this.token('otto') };
  }
}

const [first, second] = [key('first'), key('second')];
const issuer = new Issuer();
let login;
before(async () => {
  await issuer.start([first]);
  login = { issuer: issuer.url, audience: AUDIENCE, roles: 'house.roles' };
});
after(() => issuer.stop());

test('its customers and operators are the mall\'s, and a new key is believed as soon as an old one is not', () =>
  inMall(login, async (mall) => {
    const old = await issuer.tokens();
    await rolesAreMapped(mall, old);
    await issuer.turn([second, first]);
    const young = await issuer.tokens();
    assert.deepEqual([old, young].map(({ customer }) => head(customer).kid), ['first', 'second']);
    await untilLetIn(mall, young.customer);
    await rolesAreMapped(mall, young);
    await rolesAreMapped(mall, old);
    await issuer.turn([second]);
    await untilRefused(mall, old.customer, 'it names a key that the issuer does not have');
    await rolesAreMapped(mall, young);
    await issuer.turn([first]);
  }));

test('where the roles are not looked for, nobody is an operator', () =>
  inMall({ ...login, roles: 'realm_access.roles' }, async (mall) => noRolesAreFound(mall, await issuer.tokens())));

test('tokens for somebody else are refused', () =>
  inMall({ ...login, audience: 'another' }, async (mall) => anotherAudienceIsRefused(mall, await issuer.tokens())));
