// The mall with a real Keycloak as its issuer: `cargo xtask parties --keycloak` fetches one and says where it is.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';
import {
  anotherAudienceIsRefused, inMall, noRolesAreFound, rolesAreMapped, untilLetIn, untilRefused,
} from './mall.mjs';
import { discover, head, HOME, logIn } from './party.mjs';
import { until } from './system.mjs';

/** The folder of a Keycloak that was unpacked. */
const FOLDER = process.env.KEYCLOAK;
/** What kind of component a key is. */
const KEYS = 'org.keycloak.keys.KeyProvider';
const PASSWORDS = { ann: 'ann may come in', otto: 'otto may do it all' };
/** Of its first start on a machine that does other things, too: it builds itself before. */
const START_MS = 15 * 60_000;

class Keycloak {
  async start() {
    const port = await freePort();
    this.base = `http://127.0.0.1:${port}`;
    this.url = `${this.base}/realms/house`;
    const realms = join(FOLDER, 'data/import');
    await mkdir(realms, { recursive: true });
    await copyFile(new URL('../keycloak-realm.json', import.meta.url), join(realms, 'house.json'));
    const flags = ['start-dev', '--db=dev-mem', '--http-host=127.0.0.1', `--http-port=${port}`, '--import-realm'];
    const env = {
      ...process.env,
      JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m',
      KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
      KC_BOOTSTRAP_ADMIN_PASSWORD: 'admin',
    };
    this.process = spawn(join(FOLDER, 'bin/kc.sh'), flags, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    const began = Date.now();
    const answers = async () => {
      assert.equal(this.process.exitCode, null, 'Keycloak goes on running');
      return fetch(`${this.url}/.well-known/openid-configuration`).then((found) => found.ok, () => false);
    };
    await until('Keycloak answers', answers, START_MS);
    console.log(`Keycloak answered after ${Math.round((Date.now() - began) / 1000)} s`);
  }

  stop() {
    this.process?.kill();
  }

  /** An access token, got as any party gets one: through its login page. */
  async token(username) {
    const config = await discover(this.url, { id: 'web', alg: 'RS256' });
    const fields = { username, password: PASSWORDS[username], credentialId: '' };
    const { access_token } = await logIn(config, new Browser(HOME), { scope: 'openid' }, (browser, page) =>
      browser.submit(page, fields));
    return access_token;
  }

  async tokens() {
    return { customer: await this.token('ann'), operator: await this.token('otto') };
  }

  /** A new key that signs from now on, beside those there are. */
  async turn() {
    const config = { priority: ['1000'], keySize: ['2048'], algorithm: ['RS256'] };
    const key = { name: 'second', providerId: 'rsa-generated', providerType: KEYS, config };
    await this.#admin('POST', 'components', key);
  }

  /** Takes the key away that signed before. */
  async forget() {
    const keys = await this.#admin('GET', `components?type=${KEYS}`);
    const old = keys.find(({ name }) => name === 'rsa-generated');
    old.config = { ...old.config, active: ['false'], enabled: ['false'] };
    await this.#admin('PUT', `components/${old.id}`, old);
  }

  async #admin(method, path, body) {
    const tokens = `${this.base}/realms/master/protocol/openid-connect/token`;
    const form = { grant_type: 'password', client_id: 'admin-cli', username: 'admin', password: 'admin' };
    const token = await fetch(tokens, { method: 'POST', body: new URLSearchParams(form) });
    const headers = { authorization: `Bearer ${(await token.json()).access_token}`, 'content-type': 'application/json' };
    const request = { method, headers, body: JSON.stringify(body) };
    const answer = await fetch(`${this.base}/admin/realms/house/${path}`, request);
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text && JSON.parse(text);
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const keycloak = new Keycloak();
const login = () => ({ issuer: keycloak.url, audience: 'mall', roles: 'realm_access.roles' });
const skip = FOLDER === undefined && 'it is not in every run: cargo xtask parties --keycloak';
before(() => skip || keycloak.start());
after(() => skip || keycloak.stop());

test('its customers and operators are the mall\'s, and its new key is believed, its old one not', { skip }, () =>
  inMall(login(), async (mall) => {
    const old = await keycloak.tokens();
    await rolesAreMapped(mall, old);
    await keycloak.turn();
    const young = await keycloak.tokens();
    assert.notEqual(head(young.customer).kid, head(old.customer).kid);
    await untilLetIn(mall, young.customer);
    await rolesAreMapped(mall, young);
    await rolesAreMapped(mall, old);
    await keycloak.forget();
    await untilRefused(mall, old.customer, 'it names a key that the issuer does not have');
    await rolesAreMapped(mall, young);
  }));

test('where the roles are not looked for, nobody is an operator', { skip }, () =>
  inMall({ ...login(), roles: 'house.roles' }, async (mall) => noRolesAreFound(mall, await keycloak.tokens())));

test('tokens for somebody else are refused', { skip }, () =>
  inMall({ ...login(), audience: 'another' }, async (mall) => anotherAudienceIsRefused(mall, await keycloak.tokens())));
