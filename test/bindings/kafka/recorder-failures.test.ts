/** Brokers that are killed, hang and move, while everything that they have acknowledged must be seen once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer, ProducerRecord } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasKafka, startKafka, type TestKafka } from '../../support/kafka.ts';
import { all, expectOnceAndInOrder, type Recording, reaches, recording, values } from './recording.ts';

const BATCH = 100;

/**
 * Sends `count` numbered messages, spread over the partitions, each batch until it is acknowledged: kafkajs gives up
 * when a broker is away. A batch whose acknowledgement is lost is stored twice: what is there is what counts.
 */
async function sending(on: Recording, topic: string, count: number): Promise<void> {
  const producer = await on.producer({ idempotent: false, retry: { retries: 0 } });
  for (let first = 0; first < count; first += BATCH) {
    const messages = Array.from({ length: BATCH }, (_, i) => ({ key: `${first + i}`, value: `${first + i}` }));
    while (!(await isSent(producer, { topic, messages }))) await sleep(50);
  }
}

async function isSent(producer: Producer, record: ProducerRecord): Promise<boolean> {
  try {
    await producer.send(record);
    return true;
  } catch (error) {
    // What is not the broker's trouble is the test's.
    if (!/^KafkaJS/.test((error as Error).name)) throw error;
    return false;
  }
}

/** All that the brokers have of the topic, each offset once and in order, and all of the numbers. */
async function expectAllOf(on: Recording, topic: string, count: number): Promise<void> {
  const log = on.recorder.follow(topic);
  // One that has been asked about a topic fails on all when that one has no leader.
  const admin = on.kafka.admin();
  await admin.connect();
  const stored = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const end = stored.reduce((sum, { high }) => sum + Number(high), 0);
  expect(end).toBeGreaterThanOrEqual(count);
  await reaches(log, end, 60_000);
  expectOnceAndInOrder(log);
  for (const { partition, high } of stored)
    expect(all(log).filter((message) => message.partition === partition)).toHaveLength(Number(high));
  expect(new Set(values(log)).size).toBe(count);
  expect(log.losses).toEqual([]);
}

describe.skipIf(!hasKafka())('the recorder, with a broker in trouble', { timeout: 120_000 }, () => {
  let broker: TestKafka;
  beforeAll(async () => {
    broker = await startKafka();
  }, 90_000);
  afterAll(() => broker?.stop());

  test('killed and started again in the midst of 10,000 messages on 12 partitions: all seen, none twice', async () => {
    await using on = await recording(broker.brokers);
    await on.make('killed', 12);
    await on.recorder.open(['killed']);
    const log = on.recorder.follow('killed');
    const sent = sending(on, 'killed', 10_000);
    await expect.poll(() => log.end, { timeout: 30_000, interval: 5 }).toBeGreaterThan(2000);
    await broker.kill();
    await expect.poll(() => on.recorder.awayFrom('killed')?.error).toMatchObject({ name: /KafkaJSConnection/ });
    expect(on.recorder.away).toBeDefined();
    await broker.restart();
    await sent;
    await expectAllOf(on, 'killed', 10_000);
    await expect.poll(() => on.recorder.away).toBeUndefined();
  });

  test('gone for 10 s: what was recorded stays, and reading goes on', async () => {
    await using on = await recording(broker.brokers);
    await on.make('gone', 3);
    await on.recorder.open(['gone']);
    const log = on.recorder.follow('gone');
    await sending(on, 'gone', 300);
    await reaches(log, 300);
    await broker.kill();
    const used = process.cpuUsage();
    await sleep(10_000);
    const { user, system } = process.cpuUsage(used);
    // It rests between attempts instead of spinning: a tenth of the time at most.
    expect((user + system) / 1000).toBeLessThan(1000);
    await expect(on.recorder.mark()).rejects.toThrow(/ECONNREFUSED|Connection|Closed/i);
    expect(log.end).toBe(300);
    await broker.restart();
    await sending(on, 'gone', 600);
    await expectAllOf(on, 'gone', 600);
  });

  test('hanging for 5 s: nothing is lost or doubled', async () => {
    await using on = await recording(broker.brokers);
    await on.make('hung', 3);
    await on.recorder.open(['hung']);
    const log = on.recorder.follow('hung');
    const sent = sending(on, 'hung', 5000);
    await expect.poll(() => log.end, { timeout: 30_000, interval: 5 }).toBeGreaterThan(500);
    broker.freeze();
    await sleep(5000);
    broker.thaw();
    await sent;
    await expectAllOf(on, 'hung', 5000);
  });

  test('closing does not wait for a broker that hangs', async () => {
    const on = await recording(broker.brokers);
    await on.make('closing', 1);
    await on.recorder.open(['closing']);
    broker.freeze();
    const start = performance.now();
    const closed = on.recorder.close();
    on.sockets.destroy();
    await closed;
    expect(performance.now() - start).toBeLessThan(1000);
    broker.thaw();
    await on[Symbol.asyncDispose]();
  });
});

describe.skipIf(!hasKafka())('the recorder, on a cluster of two brokers', { timeout: 120_000 }, () => {
  let first: TestKafka;
  let second: TestKafka;
  beforeAll(async () => {
    first = await startKafka();
    second = await startKafka({ joins: first });
  }, 120_000);
  afterAll(async () => {
    await second?.stop();
    await first?.stop();
  });

  /** Who leads the partitions, as the controller has it. */
  const leaders = async (on: Recording, topic: string) => {
    await on.recorder.refresh();
    return on.recorder
      .partitions(topic)
      .toSorted((a, b) => a.partitionId - b.partitionId)
      .map(({ leader }) => leader);
  };

  test('leaders that move while messages come: all seen, none twice', async () => {
    await using on = await recording(first.brokers);
    await on.make('moving', 6, {}, 1);
    await on.recorder.open(['moving']);
    const log = on.recorder.follow('moving');
    const before = await leaders(on, 'moving');
    expect(new Set(before)).toEqual(new Set([1, 2]));
    const sent = sending(on, 'moving', 10_000);
    await expect.poll(() => log.end, { timeout: 30_000, interval: 5 }).toBeGreaterThan(1000);
    await on.admin.alterPartitionReassignments({
      topics: [
        {
          topic: 'moving',
          partitionAssignment: before.map((leader, partition) => ({ partition, replicas: [3 - leader] })),
        },
      ],
    });
    await sent;
    await expect.poll(() => leaders(on, 'moving'), { timeout: 30_000 }).toEqual(before.map((leader) => 3 - leader));
    await sending(on, 'moving', 1000);
    await expectAllOf(on, 'moving', 10_000);
  });

  test('one of them hanging: the other one leads, and is found', async () => {
    await using on = await recording([first.broker, second.broker]);
    await on.make('stuck', 4, {}, 2);
    await on.recorder.open(['stuck']);
    const log = on.recorder.follow('stuck');
    await expect.poll(() => leaders(on, 'stuck')).toContain(2);
    await sending(on, 'stuck', 100);
    await reaches(log, 100);
    second.freeze();
    try {
      // The controller takes it for dead after 1.5 s; any of the recorder's requests may have gone to it.
      await expect.poll(() => leaders(on, 'stuck'), { timeout: 15_000 }).toEqual([1, 1, 1, 1]);
      await using other = await recording(first.brokers);
      await sending(other, 'stuck', 1000);
      const { ends } = await on.recorder.mark();
      await on.recorder.readTo(ends, AbortSignal.timeout(10_000));
      expect(new Set(values(log)).size).toBe(1000);
      expect([...(await on.recorder.list(['stuck'], '-1')).values()].reduce((a, b) => a + b)).toBe(BigInt(log.end));
    } finally {
      second.thaw();
    }
    await expect.poll(() => leaders(on, 'stuck'), { timeout: 30_000 }).toHaveLength(4);
    expectOnceAndInOrder(log);
    expect(log.losses).toEqual([]);
  });

  test('one of them killed: its followers take over, and topics that it alone had come back with it', async () => {
    await using on = await recording([first.broker, second.broker]);
    await on.make('kept', 4, {}, 2);
    await on.make('single', 4, {}, 1);
    await on.recorder.open(['kept', 'single']);
    const [kept, single] = [on.recorder.follow('kept'), on.recorder.follow('single')];
    const onSecond = (await leaders(on, 'single')).indexOf(2);
    const producer = await on.producer();
    const alone = (value: string) => ({ topic: 'single', messages: [{ partition: onSecond, value }] });
    await producer.send(alone('before'));
    await reaches(single, 1);
    const sent = sending(on, 'kept', 10_000);
    await expect.poll(() => kept.end, { timeout: 30_000, interval: 5 }).toBeGreaterThan(1000);
    await second.kill();
    await sent;
    await expectAllOf(on, 'kept', 10_000);

    // What lives can be listed, marked and read; what does not says so.
    await expect.poll(() => on.recorder.awayFrom('single'), { timeout: 10_000 }).toBeDefined();
    expect(on.recorder.awayFrom('kept')).toBeUndefined();
    expect((await on.recorder.list(['kept'], '-1')).size).toBe(4);
    const mark = await on.recorder.mark();
    expect([...mark.ends].filter(([key]) => key.startsWith('kept/'))).toHaveLength(4);
    expect(mark.ends.get(`single/${onSecond}`)).toBe(1n);
    await expect(on.recorder.list(['single'], '-1')).rejects.toThrow(/no leader|connect/i);
    // A file that opens meanwhile reads what has a leader, and the rest from when it has one again.
    await using other = await recording([first.broker, second.broker]);
    await other.recorder.open(['kept', 'single']);
    // An idempotent one of kafkajs asks about all topics, and fails where one has no leader.
    await (await on.producer({ idempotent: false })).send({ topic: 'kept', messages: [{ value: 'now' }] });
    await reaches(other.recorder.follow('kept'), 1);

    await second.restart();
    await (await on.producer({ idempotent: false })).send(alone('after'));
    await reaches(single, 2, 60_000);
    expect(values(single)).toEqual(['before', 'after']);
    expect(single.losses).toEqual([]);
    const late = other.recorder.follow('single');
    await expect.poll(() => late.losses.length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(late.losses[0]).toMatch(
      /^Partition \d had no leader when the file opened; it is recorded from offset \d on/,
    );
    expect(values(late)).not.toContain('before');
  });
});
