// What consumer and producer share: asking the broker, and files that are whole or not there.
import { open, readFile, rename } from 'node:fs/promises';

/** The broker refuses: `problem` is its application/problem+json. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

/** POSTs JSON until the broker answers; throws `Refused` when it says no. */
export async function ask(broker, path, body, method = 'POST') {
  for (let pause = 20; ; pause = Math.min(pause * 2, 1000)) {
    const answer = await once(broker, path, body, method).catch(() => null);
    if (answer?.status < 300) return answer.body;
    // 408, 429 and 5xx are about this moment, no answer as well: the same again is safe.
    if (answer && answer.status < 500 && answer.status !== 408 && answer.status !== 429) throw new Refused(answer.body);
    await new Promise((done) => setTimeout(done, pause / 2 + Math.random() * pause / 2));
  }
}

async function once(broker, path, body, method) {
  const bearer = await key();
  const headers = { 'content-type': 'application/json', ...(bearer && { authorization: `Bearer ${bearer}` }) };
  const signal = AbortSignal.timeout(20_000);
  const answer = await fetch(broker + path, { method, headers, body: JSON.stringify(body), signal });
  const text = await answer.text();
  return { status: answer.status, body: text && JSON.parse(text) };
}

/**
 * Who this is: a child of `bongsu up` is told its file of keys, which is replaced when the secret is renewed, so it is
 * read each time; anybody else is given what `bongsu secret NAME` prints.
 */
async function key() {
  const { BONGSU_KEYS: file, BONGSU_BROKER_KEY: given } = process.env;
  return file ? (await load(file, {})).broker : given;
}

/** A JSON file; `none` when there is none yet. */
export async function load(file, none) {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return none;
    throw error;
  }
}

/** Replaces a JSON file in one step: a process that dies in between leaves the old one. */
export async function save(file, value) {
  const beside = await open(`${file}.new`, 'w');
  await beside.writeFile(JSON.stringify(value));
  await beside.sync();
  await beside.close();
  await rename(`${file}.new`, file);
}
