// Reads a topic: own offsets in an own file, every fact once, whatever is killed. Plain Node 18, no packages.
//
//   const consumer = await Consumer.open({ broker, topic, file });
//   await consumer.run((data, fact) => { data[fact.subject] = fact.data; });
//
// What the handler makes of the facts (`data`), what was seen, and the offsets are one file that is replaced in one
// step: an effect outside it would happen again after a crash, so do such things keyed by the fact's id.
import { pathToFileURL } from 'node:url';
import { ask, load, Refused, save } from './wire.mjs';

const BEGAN = 'bongsu.refill-began.v1';
const ENDED = 'bongsu.refill-ended.v1';

export class Consumer {
  static async open({ broker, topic, file, say = console.error }) {
    const consumer = new Consumer();
    const state = await load(file, { log: null, offsets: {}, filling: {}, seen: {}, data: {} });
    // Partitions whose history is missing: where to look for a refill. Found anew after a restart.
    return Object.assign(consumer, { broker, topic, file, say, state, looking: {} });
  }

  /** Hands every fact to `handle(data, fact)`; ends when `until(data)` is true. */
  async run(handle, until = () => false) {
    const shown = await ask(this.broker, `/topics/${this.topic}`, undefined, 'GET');
    this.partitions = shown.partitions.map((shown) => shown.partition);
    while (!until(this.state.data)) {
      const batch = await this.fetch();
      if (batch) await this.take(batch, handle);
    }
  }

  offset(partition) {
    return this.looking[partition] ?? this.state.offsets[partition] ?? 0;
  }

  async fetch() {
    const want = this.partitions.map((partition) => ({ topic: this.topic, partition, offset: this.offset(partition) }));
    try {
      return await ask(this.broker, '/fetch', { want, max_bytes: 1 << 20, wait_ms: 1000 });
    } catch (error) {
      const gone = error instanceof Refused && error.problem.gone;
      if (!gone) throw error;
      this.missing(gone.partition, gone.earliest);
    }
  }

  /** Later facts must not be taken before those that are missing: only a refill brings all, in order. */
  missing(partition, from) {
    if (Object.keys(this.looking).length === 0) {
      this.say(`facts of ${this.topic} are missing in the broker; have them published again: bongsu republish ${this.topic}`);
    }
    this.looking[partition] = from;
  }

  async take(batch, handle) {
    this.state.log ??= batch.log;
    if (this.state.log !== batch.log) {
      this.state.log = batch.log;
      this.partitions.forEach((partition) => this.missing(partition, 0));
      return;
    }
    this.partings = batch.partings ?? {};
    for (const { partition, messages } of batch.messages) {
      for (const message of messages) this.step(partition, message, handle);
    }
    if (batch.messages.length > 0) await save(this.file, this.state);
  }

  step(partition, { offset, refill = 0, position = 0, era = 0, event }, handle) {
    const mark = refill > 0 && (event.type === BEGAN || event.type === ENDED) ? event.type : null;
    if (this.looking[partition] !== undefined) {
      if (mark !== BEGAN) {
        this.looking[partition] = offset + 1;
        return;
      }
      delete this.looking[partition];
      this.state.filling[partition] = refill;
    }
    this.state.offsets[partition] = offset + 1;
    const filling = this.state.filling[partition];
    if (mark === ENDED && refill === filling) delete this.state.filling[partition];
    // During a refill everything else is in it, too, at its place.
    if (mark || (filling !== undefined && refill !== filling)) return;
    // Of a history that was given up where a later one parted.
    const partings = this.partings[event.source] ?? [];
    if (orphaned(partings, era, position)) return;
    this.see(event, { position, era }, partings, handle);
  }

  /** A fact is known by source, subject and sequence, at whatever offset it comes. */
  see(event, at, partings, handle) {
    const subject = `${event.source}/${event.subject}`;
    const seen = this.state.seen[subject] ?? -1;
    // A number alone is what this file was written with before.
    const mark = typeof seen === 'number' ? { sequence: seen, position: 0, era: 0 } : seen;
    // What an orphan left says nothing of what came in its place; what came before the parting came before it.
    const heard = at.position > 0 && orphaned(partings, mark.era, mark.position)
      ? at.position <= Math.min(...partings.slice(mark.era))
      : event.sequence <= mark.sequence;
    if (heard) return;
    handle(this.state.data, event);
    this.state.seen[subject] = at.position > 0 ? { sequence: event.sequence, ...at } : event.sequence;
  }
}

const orphaned = (partings, era, position) => partings.slice(era).some((parted) => position > parted);

// node consumer.mjs BROKER TOPIC FILE [COUNT]: counts the facts of each subject, until there are COUNT in all.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [broker, topic, file, count] = process.argv.slice(2);
  const consumer = await Consumer.open({ broker, topic, file });
  const all = (data) => Object.values(data).reduce((sum, subject) => sum + subject.count, 0);
  await consumer.run((data, fact) => {
    data[fact.subject] ??= { count: 0, last: 0, gaps: 0 };
    const subject = data[fact.subject];
    if (fact.sequence !== subject.last + 1) subject.gaps += 1;
    subject.count += 1;
    subject.last = fact.sequence;
  }, (data) => count !== undefined && all(data) >= Number(count));
  console.log(JSON.stringify(consumer.state.data));
}
