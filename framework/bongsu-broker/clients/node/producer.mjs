// Publishes facts: an own outbox in an own file first, then the broker, which drops what it has. Plain Node 18.
//
//   const outbox = await Outbox.open({ broker, service: 'gate', file });
//   await outbox.add({ type: 'gate.door-opened.v1', subject: 'door/7', data: { by: 'me' } });
//   await outbox.publish();
//
// The topic is the service's name. A fact's place in the outbox is its position: whatever is killed, (service, epoch,
// position, ordinal) tells the broker what it has, and a newer epoch (every opening takes one) shuts an older process out.
import { open, readFile, truncate } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { ask, load, save } from './wire.mjs';

const BATCH = 100;

export class Outbox {
  static async open({ broker, service, file, partitions = 8 }) {
    const outbox = Object.assign(new Outbox(), { broker, service, file, facts: await read(file), sequences: {} });
    outbox.facts.forEach((fact) => (outbox.sequences[fact.subject] = fact.sequence));
    outbox.state = await load(`${file}.state`, { epoch: 0, told: 0 });
    outbox.state.epoch += 1;
    await save(`${file}.state`, outbox.state);
    await ask(broker, `/topics/${service}`, { partitions }, 'PUT');
    outbox.lines = await open(file, 'a');
    return outbox;
  }

  /** Keeps a fact, durably. All facts with one `key` stay in order; by default those of a subject do. */
  async add({ type, subject, data, key = subject }) {
    const sequence = (this.sequences[subject] ?? 0) + 1;
    const id = `${this.service}/${subject}@${sequence}`;
    const time = new Date().toISOString();
    const fact = { specversion: '1.0', id, source: this.service, type, subject, time, sequence, partitionkey: key, data };
    await this.lines.appendFile(JSON.stringify(fact) + '\n');
    await this.lines.sync();
    this.sequences[subject] = sequence;
    this.facts.push(fact);
  }

  /** Publishes what the broker has not acknowledged yet. */
  async publish() {
    while (this.state.told < this.facts.length) {
      const { epoch, told: after } = this.state;
      const next = this.facts.slice(after, after + BATCH);
      const messages = next.map((event, at) => ({ topic: this.service, position: after + at + 1, ordinal: 0, event }));
      await ask(this.broker, '/publish', { service: this.service, epoch, after, messages });
      this.state.told += next.length;
      await save(`${this.file}.state`, this.state);
    }
  }
}

/** The facts of an outbox; a last line that was not written to its end is cut off. */
async function read(file) {
  const text = await readFile(file, 'utf8').catch((error) => (error.code === 'ENOENT' ? '' : Promise.reject(error)));
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await truncate(file, Buffer.byteLength(whole));
  return whole.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

// node producer.mjs BROKER SERVICE FILE COUNT: raises three counters until the outbox holds COUNT facts, and publishes.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [broker, service, file, count] = process.argv.slice(2);
  const outbox = await Outbox.open({ broker, service, file });
  while (outbox.facts.length < Number(count)) {
    const subject = `counter/${outbox.facts.length % 3}`;
    await outbox.add({ type: `${service}.counter-raised.v1`, subject, data: { by: 1 } });
    if (outbox.facts.length % 10 === 0) await outbox.publish();
  }
  await outbox.publish();
  console.log(outbox.state.told);
  await outbox.lines.close();
}
