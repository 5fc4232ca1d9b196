import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import kafkajs, { type Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterOf } from '../../../bindings/kafka/cluster.ts';
import { batchesOf } from '../../../bindings/kafka/protocol/batches.ts';
import { fetchRecords } from '../../../bindings/kafka/protocol/fetch.ts';
import { hasKafka, KAFKA_VERSIONS, startKafka, type TestKafka } from '../../support/kafka.ts';
import { all, expectOnceAndInOrder, reaches, recording, values } from './recording.ts';

/** A broker that a busy machine does not take for dead. */
const PATIENT = { 'broker.session.timeout.ms': 9000 };

describe.skipIf(!hasKafka()).each(KAFKA_VERSIONS)('the recorder, on Kafka %s', { timeout: 60_000 }, (version) => {
  let broker: TestKafka;
  beforeAll(async () => {
    broker = await startKafka({
      version,
      properties: { ...PATIENT, 'log.cleaner.enable': true, 'log.cleaner.backoff.ms': 50 },
    });
  }, 90_000);
  afterAll(() => broker?.stop());

  test('sees all that is sent after it has opened, once and in order, and nothing from before', async () => {
    await using on = await recording(broker.brokers);
    const producer = await on.producer();
    await on.make('orders', 12);
    await producer.send({ topic: 'orders', messages: [{ key: 'before', value: 'x' }] });
    await on.recorder.open(['orders']);
    const log = on.recorder.follow('orders');
    for (let i = 0; i < 10; i += 1)
      await producer.send({
        topic: 'orders',
        messages: Array.from({ length: 1000 }, (_, n) => ({ key: `k-${n % 50}`, value: `${i * 1000 + n}` })),
      });
    await reaches(log, 10_000);
    expect(new Set(values(log)).size).toBe(10_000);
    expectOnceAndInOrder(log);
  });

  test('keys, values, headers and timestamps come as they were sent', async () => {
    await using on = await recording(broker.brokers);
    await on.make('whole');
    await on.recorder.open(['whole']);
    const producer = await on.producer();
    const time = Date.parse('2026-01-31T10:15:30.250Z');
    await producer.send({
      topic: 'whole',
      messages: [
        { key: 'k', value: 'v', timestamp: `${time}`, headers: { one: 'a', two: ['b', 'c'], __proto__x: 'd' } },
        { key: null, value: null, timestamp: `${time - 60_000}` },
        { key: '', value: '', timestamp: `${time - 10 * 365 * 86_400_000}` },
        { key: 'big', value: 'x'.repeat(300_000) },
      ],
    });
    const log = on.recorder.follow('whole');
    await reaches(log, 4);
    const [first, second, third, fourth] = all(log);
    expect(`${first!.key}/${first!.value}`).toBe('k/v');
    expect(first!.timestamp).toBe(time);
    expect({ ...first!.headers }).toEqual({
      one: Buffer.from('a'),
      two: [Buffer.from('b'), Buffer.from('c')],
      __proto__x: Buffer.from('d'),
    });
    expect([second!.key, second!.value, second!.timestamp]).toEqual([null, null, time - 60_000]);
    expect([third!.key, third!.value, third!.timestamp]).toEqual([
      Buffer.alloc(0),
      Buffer.alloc(0),
      time - 10 * 365 * 86_400_000,
    ]);
    expect(fourth!.value!.length).toBe(300_000);
    expect(log.sequencesOfKey(Buffer.from('big'))).toEqual([3]);
    expect(log.sequencesOfKey(null)).toEqual([1]);
  });

  test('a topic that is named later is read from where it ended at opening; one that appears later from its start', async () => {
    await using on = await recording(broker.brokers);
    const producer = await on.producer();
    await on.make('quiet', 2);
    await producer.send({ topic: 'quiet', messages: [{ value: 'before' }] });
    await on.recorder.open(['tocome', 'no name']);
    const toCome = on.recorder.follow('tocome');
    await producer.send({ topic: 'quiet', messages: [{ value: 'after' }] });
    await on.make('tocome', 1);
    await on.make('late');
    await producer.send({ topic: 'late', messages: [{ value: 'first' }, { value: 'second' }] });
    const [quiet, late] = [on.recorder.follow('quiet'), on.recorder.follow('late')];
    await reaches(quiet, 1);
    expect(values(quiet)).toEqual(['after']);
    await reaches(late, 2);
    expect(values(late)).toEqual(['first', 'second']);
    expect(toCome.end).toBe(0);
    expect(on.recorder.topics).toContain('tocome');
    expect(on.recorder.topics).not.toContain('no name');
  });

  test('new partitions are found', async () => {
    await using on = await recording(broker.brokers);
    await on.make('growing', 1);
    await on.recorder.open(['growing']);
    const log = on.recorder.follow('growing');
    await on.admin.createPartitions({ topicPartitions: [{ topic: 'growing', count: 3 }] });
    const producer = await on.producer();
    for (const partition of [0, 1, 2])
      await producer.send({ topic: 'growing', messages: [{ partition, value: `${partition}` }] });
    await reaches(log, 3);
    expect(values(log).toSorted()).toEqual(['0', '1', '2']);
  });

  test('a mark counts what was made a moment ago, and readTo() waits for what lies before it', async () => {
    await using on = await recording(broker.brokers);
    await on.recorder.open([]);
    await on.make('fresh', 2);
    await (await on.producer()).send({
      topic: 'fresh',
      messages: [
        { partition: 0, value: 'a' },
        { partition: 1, value: 'b' },
      ],
    });
    const mark = await on.recorder.mark();
    expect(mark.ends.get('fresh/0')).toBe(1n);
    expect(mark.ends.get('fresh/1')).toBe(1n);
    await on.admin.createPartitions({ topicPartitions: [{ topic: 'fresh', count: 3 }] });
    await (await on.producer()).send({ topic: 'fresh', messages: [{ partition: 2, value: 'c' }] });
    const log = on.recorder.follow('fresh');
    const ends = await on.recorder.list(['fresh'], '-1');
    expect(ends).toEqual(new Map([0, 1, 2].map((partition) => [`fresh/${partition}`, 1n])));
    await on.recorder.readTo(ends, AbortSignal.timeout(10_000));
    expect(values(log).toSorted()).toEqual(['a', 'b', 'c']);
    const late = AbortSignal.abort(new Error('over'));
    await expect(on.recorder.readTo(new Map([['fresh/0', 99n]]), late)).rejects.toThrow('over');
  });

  test('interleaved transactions: what is aborted never shows, one that is open hides what is behind it and is named', async () => {
    await using on = await recording(broker.brokers);
    await on.make('paid', 2);
    await on.recorder.open(['paid']);
    const log = on.recorder.follow('paid');
    const plain = await on.producer();
    const producers = await Promise.all(
      Array.from({ length: 3 }, (_, i) => on.producer({ transactionalId: `${version}-tx-${i}` })),
    );
    const expected: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const transactions = await Promise.all(producers.map((producer) => producer.transaction()));
      for (const part of [0, 1]) {
        for (const [i, transaction] of transactions.entries()) {
          const value = `${round}-${part}-${i}`;
          const isCommitted = (round + i) % 2 === 0;
          await transaction.send({ topic: 'paid', messages: [{ partition: 0, value }] });
          if (isCommitted) expected.push(value);
        }
        const value = `${round}-${part}-plain`;
        await plain.send({ topic: 'paid', messages: [{ partition: 0, value }] });
        expected.push(value);
      }
      // Ended in another order than they began.
      for (const [i, transaction] of [...transactions.entries()].reverse())
        await ((round + i) % 2 === 0 ? transaction.commit() : transaction.abort());
    }
    await reaches(log, expected.length);
    expect(values(log)).toEqual(expected);
    expect(on.recorder.hints('paid')).toEqual([]);

    const open = await producers[0]!.transaction();
    await open.send({ topic: 'paid', messages: [{ partition: 1, value: 'within' }] });
    await plain.send({ topic: 'paid', messages: [{ partition: 1, value: 'behind' }] });
    await expect
      .poll(() => on.recorder.hints('paid'), { timeout: 5000 })
      .toEqual(['an open transaction hides what lies from offset 0 to 1 of partition 1, until it ends']);
    expect(log.end).toBe(expected.length);
    await open.abort();
    await reaches(log, expected.length + 1);
    expect(values(log).at(-1)).toBe('behind');
    await expect.poll(() => on.recorder.hints('paid')).toEqual([]);
    // The markers and aborted records at the end lie before the mark too.
    await on.recorder.readTo((await on.recorder.mark()).ends, AbortSignal.timeout(10_000));
  });

  test('batches that compaction has emptied hold nothing up', async () => {
    await using on = await recording(broker.brokers);
    await on.recorder.open([]);
    await on.make('compacted', 1, {
      'cleanup.policy': 'compact',
      'segment.ms': '50',
      'min.cleanable.dirty.ratio': '0.001',
    });
    const send = async (value: string, by: Promise<Producer>) =>
      (await by).send({ topic: 'compacted', messages: [{ key: 'same', value }] });
    // The last batch of a producer is kept, without its record.
    await send('first', on.producer());
    const other = on.producer();
    let sent = 1;
    const isEmptied = async () => {
      // Each rolls the segment before, which the cleaner then takes up: no event tells when it has.
      await send(`${sent}`, other);
      sent += 1;
      const node = await on.cluster.findBroker({ nodeId: '1' });
      await on.recorder.refresh();
      const wish = {
        topic: 'compacted',
        id: on.recorder.idOf('compacted'),
        partition: 0,
        offset: 0n,
        maxBytes: 1 << 20,
      };
      const [answer] = await fetchRecords(node, [wish], { maxWait: 0, maxBytes: 1 << 20 });
      return batchesOf(answer!.records!).filter(({ count }) => count === 0).length;
    };
    await expect.poll(isEmptied, { timeout: 30_000, interval: 200 }).toBeGreaterThan(0);
    const log = on.recorder.follow('compacted');
    await on.recorder.readTo((await on.recorder.mark()).ends, AbortSignal.timeout(10_000));
    expect(values(log).at(-1)).toBe(`${sent - 1}`);
    expect(log.end).toBeLessThan(sent);
    expectOnceAndInOrder(log);
  });

  test('DeleteRecords: what was recorded stays, only what nobody had seen is a loss', async () => {
    await using on = await recording(broker.brokers);
    await on.make('cut', 1);
    const producer = await on.producer();
    await on.recorder.open([]);
    const send = (...messages: string[]) =>
      producer.send({ topic: 'cut', messages: messages.map((value) => ({ value })) });
    await send('0', '1', '2', '3');
    // Unseen: it is named only now. kafkajs must know who leads it before.
    await on.admin.fetchTopicOffsets('cut');
    await on.admin.deleteTopicRecords({ topic: 'cut', partitions: [{ partition: 0, offset: '3' }] });
    const log = on.recorder.follow('cut');
    await reaches(log, 1);
    expect(values(log)).toEqual(['3']);
    expect(log.losses).toEqual(['Offsets 0 to 2 of partition 0 were deleted before they could be recorded']);
    // Seen, and then deleted.
    await send('4', '5');
    await reaches(log, 3);
    await on.admin.deleteTopicRecords({ topic: 'cut', partitions: [{ partition: 0, offset: '6' }] });
    await send('6');
    await reaches(log, 4);
    expect(values(log)).toEqual(['3', '4', '5', '6']);
    expect(log.losses).toHaveLength(1);
  });

  test('a topic that somebody deletes and makes again is another one, however much it has', async () => {
    await using on = await recording(broker.brokers);
    await on.make('again', 1);
    const producer = await on.producer();
    await on.recorder.open(['again']);
    const log = on.recorder.follow('again');
    const send = (by: typeof producer, ...messages: string[]) =>
      by.send({ topic: 'again', messages: messages.map((value) => ({ value })) });
    await send(producer, 'a', 'b');
    await reaches(log, 2);
    const before = await on.recorder.mark();
    await on.admin.deleteTopics({ topics: ['again'] });
    await on.make('again', 1);
    const fresh = await on.producer();
    // As many as before, and more: offsets tell nothing.
    await send(fresh, 'c', 'd', 'e');
    await reaches(log, 5);
    expect(all(log).map(({ generation, offset, value }) => `${generation}/${offset} ${value}`)).toEqual([
      '0/0 a',
      '0/1 b',
      '1/0 c',
      '1/1 d',
      '1/2 e',
    ]);
    expect(log.losses).toEqual([]);
    expect(on.recorder.hints('again')).toHaveLength(1);
    expect(before.generations.get('again') ?? 0).toBe(0);
    expect((await on.recorder.mark()).generations.get('again')).toBe(1);

    // Through the handle nothing is in doubt.
    await on.admin.deleteTopics({ topics: ['again'] });
    on.recorder.forget('again');
    await on.make('again', 2);
    await on.recorder.refresh('again');
    await send(await on.producer(), 'f');
    await reaches(log, 6);
    expect(all(log).at(-1)).toMatchObject({ generation: 2, offset: 0n });
    expect(on.recorder.hints('again')).toHaveLength(1);
    expect(log.losses).toEqual([]);
  });

  test('one that was made again before anybody named it is read from its start', async () => {
    await using on = await recording(broker.brokers);
    await on.make('unnamed', 1);
    const producer = await on.producer();
    await producer.send({ topic: 'unnamed', messages: [{ value: 'old' }, { value: 'old' }, { value: 'old' }] });
    await on.recorder.open([]);
    await on.admin.deleteTopics({ topics: ['unnamed'] });
    await on.make('unnamed', 1);
    await (await on.producer()).send({ topic: 'unnamed', messages: [{ value: 'new' }] });
    await on.recorder.refresh();
    const log = on.recorder.follow('unnamed');
    await reaches(log, 1);
    expect(values(log)).toEqual(['new']);
    expect(log.losses).toEqual([]);
  });

  test('memory is bounded by count and by bytes', async () => {
    await using on = await recording(broker.brokers, { bounds: { messages: 100, bytes: 50_000 } });
    await on.make('many', 1);
    await on.recorder.open(['many']);
    const log = on.recorder.follow('many');
    const producer = await on.producer();
    const send = (count: number, value: string) =>
      producer.send({ topic: 'many', messages: Array.from({ length: count }, (_, i) => ({ key: `${i % 7}`, value })) });
    await send(150, 'x');
    await reaches(log, 150);
    expect(log.dropped).toBe(50);
    expect(log.at(49)).toBeUndefined();
    expect(log.at(50)).toMatchObject({ offset: 50n });
    expect(log.lastDropped.get('0/0')).toBe(49n);
    expect(log.sequencesOfKey(Buffer.from('0'), 0)).toEqual(
      Array.from({ length: 150 }, (_, i) => i).filter((i) => i % 7 === 0 && i >= 50),
    );
    await send(30, 'y'.repeat(5000));
    await reaches(log, 180);
    expect(log.bytes).toBeLessThanOrEqual(50_000);
    expect(log.end - log.dropped).toBeLessThanOrEqual(10);
    expect(log.sequencesOfKey(Buffer.from('0'))).toEqual([157, 164, 171, 178].filter((at) => at >= log.dropped));
  });

  test('renewed, it has forgotten everything, keeps its sockets, and starts anew', async () => {
    await using on = await recording(broker.brokers);
    await on.make('next', 1);
    await on.make('other', 1);
    await on.recorder.open(['next']);
    const producer = await on.producer();
    await producer.send({ topic: 'next', messages: [{ value: 'first file' }] });
    const old = on.recorder.follow('next');
    await reaches(old, 1);
    const brokers = Object.values(on.cluster.brokerPool.brokers);
    on.recorder.renew();
    expect(on.recorder.logs).toEqual([]);
    await producer.send({ topic: 'next', messages: [{ value: 'between' }] });
    await on.recorder.open(['other']);
    expect(Object.values(on.cluster.brokerPool.brokers)).toEqual(brokers);
    const log = on.recorder.follow('next');
    await producer.send({ topic: 'next', messages: [{ value: 'second file' }] });
    await reaches(log, 1);
    expect(values(log)).toEqual(['second file']);
    expect(old.end).toBe(1);
  });

  test('brokers before 2.8 are read too: topics have no ids, so that one made again shows by its offsets', async () => {
    await using on = await recording(broker.brokers, { isOld: true });
    await on.make('older', 3);
    await on.recorder.open(['older']);
    const log = on.recorder.follow('older');
    expect(on.recorder.idOf('older')).toBeUndefined();
    const send = async (count: number, value: string) => {
      const messages = Array.from({ length: count }, (_, i) => ({ partition: i % 3, value: `${value} ${i}` }));
      await (await on.producer()).send({ topic: 'older', messages });
    };
    await send(300, 'first');
    await reaches(log, 300);
    await on.admin.deleteTopics({ topics: ['older'] });
    await on.make('older', 3);
    await send(3, 'second');
    await reaches(log, 303);
    expect(values(log).slice(300).toSorted()).toEqual(['second 0', 'second 1', 'second 2']);
    expectOnceAndInOrder(log);
    expect(log.generation).toBeGreaterThan(0);
    expect(log.losses).toEqual([]);
    expect(on.recorder.hints('older').length).toBeGreaterThan(0);
  });

  test('a topic that is deleted is no trouble, and is not waited for', async () => {
    await using on = await recording(broker.brokers);
    await on.make('deleted', 2);
    await on.recorder.open(['deleted']);
    const log = on.recorder.follow('deleted');
    await (await on.producer()).send({ topic: 'deleted', messages: [{ value: 'a' }] });
    await reaches(log, 1);
    await on.admin.deleteTopics({ topics: ['deleted'] });
    await expect.poll(() => on.recorder.refresh().then(() => on.recorder.topics)).not.toContain('deleted');
    expect(on.recorder.awayFrom('deleted')).toBeUndefined();
    expect((await on.recorder.mark()).ends.has('deleted/0')).toBe(false);
    expect(await on.recorder.list(['deleted'], '-1')).toEqual(new Map());
    expect(values(log)).toEqual(['a']);
    expect(log.losses).toEqual([]);
  });

  test('renewed, nothing of it keeps the process alive', async () => {
    const url = (path: string) => JSON.stringify(new URL(`../../../bindings/kafka/${path}`, import.meta.url).href);
    const script = `
      import kafkajs from ${JSON.stringify(import.meta.resolve('kafkajs'))};
      import { clusterOf } from ${url('cluster.ts')};
      import { Recorder } from ${url('recorder.ts')};
      const { Kafka, logLevel } = kafkajs;
      const kafka = new Kafka({ brokers: ${JSON.stringify(broker.brokers)}, logLevel: logLevel.NOTHING });
      const recorder = new Recorder(clusterOf(kafka), { messages: 100, bytes: 10000 });
      await recorder.open(['quiet', 'absent']);
      recorder.renew();
      await recorder.open(['quiet']);
      recorder.renew();
      console.log('parked');`;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 20_000,
    });
    expect(stdout).toBe('parked\n');
    // Nor does kafkajs's negative timeout warn.
    expect(stderr).toBe('');
  });

  test('a cluster that cannot be reached is told', async () => {
    const on = await recording(broker.brokers);
    await on[Symbol.asyncDispose]();
    const { Kafka, logLevel } = kafkajs;
    const cluster = clusterOf(
      new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING, retry: { retries: 0 } }),
    );
    await expect(cluster.connect()).rejects.toThrow('ECONNREFUSED');
  });
});
