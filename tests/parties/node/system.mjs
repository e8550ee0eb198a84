// A real system: `bongsu up` on a temporary folder, with what it needs beside its description.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The binary under test, and those of the services beside it. */
const BONGSU = process.env.BONGSU ?? new URL('../../../target/debug/bongsu', import.meta.url).pathname;
/** Longer than a start takes on a busy machine. */
const PATIENCE_MS = 60_000;

export class System {
  /** Starts it; `files` are laid beside its `bongsu.toml`. */
  static async up(description, files = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'parties-'));
    const system = Object.assign(new System(), { folder });
    for (const [name, text] of Object.entries({ 'bongsu.toml': description, ...files })) {
      await writeFile(join(folder, name), text);
    }
    try {
      await system.bongsu('up', '--detach');
      const instances = JSON.parse(await system.bongsu('ps', '--json'));
      system.gateway = instances.find(({ name }) => name === 'gateway').url;
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  async bongsu(...args) {
    const options = { cwd: this.folder, timeout: PATIENCE_MS };
    const { stdout } = await run(BONGSU, [...args, '--data', join(this.folder, 'data')], options);
    return stdout;
  }

  /** The status of an answer of the gateway, and what it says is wrong. */
  async ask(path, bearer) {
    const headers = bearer ? { authorization: `Bearer ${bearer}` } : {};
    const response = await fetch(`${this.gateway}${path}`, { headers });
    const body = await response.text();
    const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
    return { status: response.status, detail: isProblem ? JSON.parse(body).detail : body };
  }

  /** Who is logged in in a browser. */
  async who(browser) {
    const { status, body } = await browser.open(`${this.gateway}/session`);
    if (status !== 200) throw new Error(`${status} ${body}`);
    return JSON.parse(body);
  }

  async stop() {
    await this.bongsu('stop').catch(() => {}); // it may not have come up
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A port that nobody listens on, for who has to be known before it starts. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Looks again and again until something is so. */
export async function until(what, look, patienceMs = PATIENCE_MS) {
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`in vain: ${what}`);
}
