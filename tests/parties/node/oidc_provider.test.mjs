// The mall with npm `oidc-provider` as its issuer: an address, an audience and the path of the role claim are all it takes.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import Provider from 'oidc-provider';
import { Browser } from './browser.mjs';
import {
  anotherAudienceIsRefused, inMall, noRolesAreFound, rolesAreMapped, untilLetIn, untilRefused,
} from './mall.mjs';
import { BACK, discover, head, HOME, logIn } from './party.mjs';
import { freePort, until } from './system.mjs';

const ROLES = { ann: ['customer'], otto: ['operator'] };
const AUDIENCE = 'mall';
/** Where the mall listens whose browsers log in: it has to be known before. */
const GATEWAY = `http://127.0.0.1:${await freePort()}`;
const SECRET = 'tests-only-and-long-enough-for-that';

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

/** One address; the provider behind it is another one as soon as the keys are. */
class Issuer {
  server = createServer((request, response) => this.provider.callback()(request, response));

  async start(keys) {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    this.turn(keys);
  }

  /** Shows these keys; the first one signs. A gateway may log browsers in here as the client `gateway`. */
  turn(keys) {
    const gateway = {
      client_id: 'gateway',
      client_secret: SECRET,
      redirect_uris: [`${GATEWAY}/login/callback`],
      post_logout_redirect_uris: [`${GATEWAY}/`],
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'ES256',
    };
    this.provider = new Provider(this.url, {
      clients: [{
        client_id: 'web',
        token_endpoint_auth_method: 'none',
        redirect_uris: [BACK],
        id_token_signed_response_alg: 'ES256',
      }, gateway],
      jwks: { keys },
      cookies: { keys: ['tests only'] },
      features: accessTokens,
      issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
      extraTokenClaims: (_, token) => ({ house: { roles: ROLES[token.accountId] } }),
    });
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
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

test('its customers and operators are the mall\'s, and its new key is believed, its old one not', () =>
  inMall(login, async (mall) => {
    const old = await issuer.tokens();
    await rolesAreMapped(mall, old);
    issuer.turn([second, first]);
    const young = await issuer.tokens();
    assert.deepEqual([old, young].map(({ customer }) => head(customer).kid), ['first', 'second']);
    await untilLetIn(mall, young.customer);
    await rolesAreMapped(mall, young);
    await rolesAreMapped(mall, old);
    issuer.turn([second]);
    await untilRefused(mall, old.customer, 'it names a key that the issuer does not have');
    await rolesAreMapped(mall, young);
    issuer.turn([first]);
  }));

test('where the roles are not looked for, nobody is an operator', () =>
  inMall({ ...login, roles: 'realm_access.roles' }, async (mall) => noRolesAreFound(mall, await issuer.tokens())));

test('tokens for somebody else are refused', () =>
  inMall({ ...login, audience: 'another' }, async (mall) => anotherAudienceIsRefused(mall, await issuer.tokens())));

test('a browser logs in there, is somebody in the mall, and stays so when the gateway is killed', async () => {
  const sessions = { origin: GATEWAY, client: 'gateway', secret_file: 'secret' };
  await inMall(login, async (mall) => {
    const browser = new Browser('http://nowhere.invalid');
    assert.deepEqual(await mall.who(browser), { person: null, roles: [] });
    const form = await browser.open(`${GATEWAY}/login?return=/session`);
    const consent = await browser.submit(form, { login: 'otto', password: 'any' });
    const back = await browser.submit(consent, {});
    assert.equal(back.url, `${GATEWAY}/session`);
    const { person, roles } = JSON.parse(back.body);
    assert.deepEqual([person, roles], ['otto', ['operator']]);
    assert.equal((await browser.open(`${GATEWAY}/ledger`)).status, 200);
    await mall.bongsu('kill', 'gateway');
    await until('the gateway is back', () => mall.who(browser).then(() => true, () => false));
    await new Promise((resolve) => setTimeout(resolve, 5_000)); // the issuer is asked whether he still may
    assert.equal((await mall.who(browser)).person, 'otto');
    const out = await browser.open(`${GATEWAY}/logout`, { method: 'POST', headers: { origin: GATEWAY } });
    assert.ok(out.url.startsWith(`${issuer.url}/session/end`), `its own session ends there: ${out.url}`);
    assert.equal((await mall.who(browser)).person, null);
  }, { sessions, listen: GATEWAY, files: { secret: `${SECRET}\n` } });
});
