/**
 * The recorder against kafkajs itself, on one real broker: how soon it is ready, how long after a message is sent it is
 * seen, how fast it records, and what finding a key costs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Broker, type Producer } from 'kafkajs';
import { clusterOf, Sockets } from '../bindings/kafka/cluster.ts';
import { Recorder } from '../bindings/kafka/recorder.ts';
import type { TopicLog } from '../bindings/kafka/topic-log.ts';
import { hasKafka, startKafka } from '../test/support/kafka.ts';
import { figure, median, percentile, ratio } from './figures.ts';

if (!hasKafka()) {
  console.log('  no broker can run here: `npm test` says what is missing');
  process.exit(0);
}

const MESSAGES = 1_000_000;
const SIZE = 200;
const BATCH = 5000;
const PARTITIONS = 12;
const ROUNDS = 400;
const LOOKUPS = 1000;

const { Kafka, logLevel } = kafkajs;
await using broker = await startKafka();
const common = { brokers: broker.brokers, logLevel: logLevel.NOTHING };
const admin = new Kafka(common).admin();
await admin.connect();
const make = (topic: string, numPartitions = PARTITIONS) =>
  admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true });
const producer = new Kafka(common).producer();
await producer.connect();

await ready();
await latency();
await volume();
await keys();
await Promise.all([admin.disconnect(), producer.disconnect()]);

/** From nothing to the moment from which no message is missed. */
async function ready(): Promise<void> {
  await make('ready');
  await soon(() => admin.fetchTopicOffsets('ready'));
  let started = performance.now();
  const recording = recorder();
  await recording.recorder.open(['ready']);
  figure('ready, the first time in a process', performance.now() - started, 'ms', 25);
  const anew: number[] = [];
  for (let i = 0; i < 60; i += 1) {
    recording.recorder.renew();
    started = performance.now();
    await recording.recorder.open(['ready']);
    anew.push(performance.now() - started);
  }
  figure('ready, each file after it', median(anew), 'ms', 10);
  const others: number[] = [];
  for (let i = 0; i < 10; i += 1) {
    started = performance.now();
    const other = recorder();
    await other.recorder.open(['ready']);
    others.push(performance.now() - started);
    await other.close();
  }
  figure('ready, with connections of its own', median(others), 'ms');
  await recording.close();

  const consumer = new Kafka(common).consumer({ groupId: 'bench' });
  started = performance.now();
  await consumer.connect();
  await consumer.subscribe({ topics: ['ready'] });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.run({ eachMessage: async () => undefined });
  await joined;
  figure('a kafkajs consumer group (rebalance delay 0)', performance.now() - started, 'ms');
  await consumer.disconnect();
}

/** From the call that sends to the message in hand: ours and the bare loop by turns, on topics of their own. */
async function latency(): Promise<void> {
  for (const topic of ['ours', 'bare']) {
    await make(topic);
    await soon(() => producer.send({ topic, messages: [{ value: 'first' }] }));
  }
  const recording = recorder();
  await recording.recorder.open(['ours']);
  const log = recording.recorder.follow('ours');
  let wake = () => {};
  log.subscribe(() => wake());
  const bare = await bareLoop('bare', () => wake());
  const times: Record<string, number[]> = { ours: [], bare: [] };
  for (let i = 0; i < 2 * ROUNDS + 100; i += 1) {
    const topic = i % 2 === 0 ? 'ours' : 'bare';
    const seen = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const started = performance.now();
    await Promise.all([producer.send({ topic, messages: [{ key: `${i}`, value: 'x'.repeat(SIZE) }] }), seen]);
    if (i >= 100) times[topic]!.push(performance.now() - started);
  }
  await bare.stop();
  await recording.close();
  ratio('sent to seen, p50', median(times.ours!), median(times.bare!), ['recorder', 'bare loop'], 1.2);
  ratio(
    'sent to seen, p99',
    percentile(times.ours!, 0.99),
    percentile(times.bare!, 0.99),
    ['recorder', 'bare loop'],
    1.2,
  );
}

/** A topic read from its start, with bounds: what a busy system under test would make of it. */
async function volume(): Promise<void> {
  await make('volume');
  const early = [recorder({ messages: 200_000, bytes: 256 << 20 }), recorder({ messages: 200_000, bytes: 256 << 20 })];
  for (const { recorder: own } of early) await own.open([]);
  await soon(() => admin.fetchTopicOffsets('volume'));
  for (const { recorder: own } of early) await own.refresh();
  // Opened before: it is read from its first message on.
  await fill(producer, 'volume');
  const start = new Map(early.map(({ recorder: own }) => [own, own.pins]));
  if ([...start.values()].some((pins) => (pins.ends.get('volume/0') ?? 0n) > 0n)) throw new Error('pinned too late');
  const ours: number[] = [];
  const bare: number[] = [];
  let peak = 0;
  for (const { recorder: own } of early) {
    let read = 0;
    let started = performance.now();
    let finish = () => {};
    const all = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const loop = await bareLoop('volume', (count) => {
      read += count;
      if (read >= MESSAGES) finish();
    });
    await all;
    bare.push(performance.now() - started);
    await loop.stop();
    started = performance.now();
    const log = own.follow('volume');
    await reaches(log, MESSAGES, () => {
      peak = Math.max(peak, process.memoryUsage().rss);
    });
    ours.push(performance.now() - started);
    if (log.end !== MESSAGES) throw new Error(`${log.end} messages instead of ${MESSAGES}`);
  }
  for (const one of early) await one.close();
  const best = Math.min;
  ratio(`${MESSAGES / 1e6} million messages recorded`, best(...ours), best(...bare), ['recorder', 'bare loop'], 1.3);
  figure('most memory of the process meanwhile', peak / 2 ** 20, 'MB');
}

async function keys(): Promise<void> {
  await make('keys');
  const recording = recorder();
  await recording.recorder.open(['keys']);
  const log = recording.recorder.follow('keys');
  for (let first = 0; first < 100_000; first += BATCH) {
    const messages = Array.from({ length: BATCH }, (_, i) => ({ key: `key-${first + i}`, value: 'x'.repeat(SIZE) }));
    await producer.send({ topic: 'keys', messages });
  }
  await reaches(log, 100_000, () => undefined);
  let started = performance.now();
  log.sequencesOfKey(Buffer.from('key-5'), 0);
  figure('the first look for a key in 100,000 messages', performance.now() - started, 'ms');
  const keysOf = Array.from({ length: LOOKUPS }, (_, i) => Buffer.from(`key-${(i * 7919) % 100_000}`));
  started = performance.now();
  const found = keysOf.map((key) => log.sequencesOfKey(key, 0).length);
  const indexed = (performance.now() - started) / LOOKUPS;
  if (found.some((count) => count !== 1)) throw new Error('a key was not found once');
  started = performance.now();
  for (const key of keysOf.slice(0, 10)) scan(log, key);
  ratio('each one after it', indexed, (performance.now() - started) / 10, ['by index', 'by scan']);
  await recording.close();
}

function scan(log: TopicLog, key: Buffer): number[] {
  const found: number[] = [];
  for (let sequence = 0; sequence < log.end; sequence += 1)
    if (log.at(sequence)!.key?.equals(key)) found.push(sequence);
  return found;
}

function recorder(bounds = { messages: 2_000_000, bytes: 1 << 30 }) {
  const sockets = new Sockets();
  const kafka = new Kafka({ ...common, retry: { retries: 0 }, socketFactory: sockets.factory });
  const own = new Recorder(clusterOf(kafka), bounds, kafkajs.CompressionCodecs);
  const close = async () => {
    const closed = own.close();
    sockets.destroy();
    await closed;
  };
  return { recorder: own, close };
}

/** The same fetches by kafkajs's own `broker.fetch`, from the topic's start or, where that is read, from its end. */
async function bareLoop(topic: string, seen: (count: number) => void) {
  const sockets = new Sockets();
  const cluster = clusterOf(new Kafka({ ...common, socketFactory: sockets.factory }));
  await cluster.connect();
  await cluster.addMultipleTargetTopics([topic]);
  const positions = new Map<number, bigint>();
  const isFromStart = topic === 'volume';
  for (const { partition, high } of await admin.fetchTopicOffsets(topic))
    positions.set(partition, isFromStart ? 0n : BigInt(high));
  const node: Broker = await cluster.findBroker({ nodeId: '1' });
  let isOver = false;
  const run = async () => {
    while (!isOver) {
      const partitions = [...positions].map(([partition, offset]) => ({
        partition,
        fetchOffset: `${offset}`,
        maxBytes: 1 << 20,
      }));
      const { responses } = await node.fetch({
        maxWaitTime: 50,
        minBytes: 1,
        maxBytes: 10 << 20,
        isolationLevel: 1,
        topics: [{ topic, partitions }],
      });
      let count = 0;
      for (const { partition, messages } of responses[0].partitions) {
        if (messages.length === 0) continue;
        positions.set(partition, BigInt(messages.at(-1).offset) + 1n);
        count += messages.length;
      }
      if (count > 0) seen(count);
    }
  };
  const running = run();
  return {
    async stop() {
      isOver = true;
      await running;
      sockets.destroy();
    },
  };
}

async function fill(by: Producer, topic: string): Promise<void> {
  const value = 'x'.repeat(SIZE);
  for (let first = 0; first < MESSAGES; first += BATCH)
    await by.send({ topic, messages: Array.from({ length: BATCH }, (_, i) => ({ key: `${first + i}`, value })) });
}

function reaches(log: TopicLog, end: number, look: () => void): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      look();
      if (log.end >= end) resolve();
    };
    log.subscribe(settle);
    settle();
  });
}

/** A topic that was just made: the brokers know of it in a moment. */
async function soon(work: () => Promise<unknown>): Promise<void> {
  for (let left = 100; ; left -= 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (left === 0) throw error;
      await sleep(20);
    }
  }
}
