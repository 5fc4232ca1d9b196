/** The binding on a real broker: what tests send, and what they see of it. */
import type { Admin, Kafka } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Resetter } from '../../../bindings/core/binding.ts';
import type { MessageView, Since } from '../../../bindings/core/messages.ts';
import { SOURCE } from '../../../bindings/core/source.ts';
import type { KafkaClient } from '../../../bindings/kafka/client.ts';
import type { Codec } from '../../../bindings/kafka/codec.ts';
import { json } from '../../../bindings/kafka/codecs/json.ts';
import { int64, text } from '../../../bindings/kafka/codecs/plain.ts';
import type { KafkaHandle } from '../../../bindings/kafka/handle.ts';
import { binding } from '../../../bindings/kafka/index.ts';
import { hasKafka, startKafka, type TestKafka } from '../../support/kafka.ts';
import { type OpenConnection, openBinding } from '../../support/scope.ts';

/** Decodes after a turn of the event loop, the first of two messages after the second. */
const slow: Codec<string> = {
  name: 'slow',
  encode: (value) => Buffer.from(value),
  async decode(bytes) {
    const turns = String(bytes) === 'first' ? 5 : 1;
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    return String(bytes);
  },
};

describe.skipIf(!hasKafka())('the Kafka binding on a real broker', () => {
  let broker: TestKafka;
  let open: OpenConnection<KafkaClient, KafkaHandle>;
  let resetter: Resetter;
  let count = 0;
  let name = '';

  beforeAll(async () => {
    broker = await startKafka();
  }, 60_000);
  afterAll(() => broker?.stop());

  const start = async (input: Record<string, unknown> = {}) => {
    open = await openBinding(binding, { brokers: broker.brokers, ...input });
    const { client } = open;
    const proof = await binding.ownership(client);
    if (!proof.owned) throw new Error('never');
    resetter = await binding.reset(client, proof);
    await reset();
  };
  const reset = () => resetter.reset(AbortSignal.timeout(5000));
  const view = (since: Since = 'test'): Promise<MessageView> =>
    open.handle.topic(name)[SOURCE].open(since, AbortSignal.timeout(5000));
  const valuesOf = ({ received }: MessageView) =>
    Array.from({ length: received.length }, (_, index) => received.at(index)?.fields.value);

  beforeEach(() => {
    count += 1;
    name = `topic-${count}`;
  });
  afterEach(() => open?.[Symbol.asyncDispose]());

  describe('sending', () => {
    test('key, value, headers with repeated keys, partition and timestamp arrive as they were sent', async () => {
      await start();
      const topic = open.handle.topic(name);
      await topic.create({ partitions: 3 });
      const timestamp = new Date('2026-01-31T10:15:30.250Z');
      const bytes = Buffer.from('ff00', 'hex');
      const stored = await topic.send({
        key: 'o-1',
        value: { id: 'o-1', total: 42 },
        headers: { trace: 't-1', tag: ['a', 'b'], bytes },
        partition: 2,
        timestamp,
      });
      expect(stored).toEqual({ partition: 2, offset: 0 });
      expect(await topic.messages()).toEqual([
        {
          key: 'o-1',
          value: { id: 'o-1', total: 42 },
          headers: { trace: 't-1', tag: ['a', 'b'], bytes },
          partition: 2,
          offset: 0,
          timestamp,
        },
      ]);
    });

    test('several go in one batch, in their order, and none where one cannot be encoded', async () => {
      await start({ topics: { [name]: { key: int64(), value: json() } } });
      const topic = open.handle.topic(name) as never as ReturnType<KafkaHandle['topic']>;
      await topic.create();
      const many = Array.from({ length: 500 }, (_, n) => ({ key: n as never, value: { n } }));
      expect(await topic.sendAll(many)).toEqual([{ partition: 0, offset: 0 }]);
      expect((await topic.messages()).map(({ value }) => (value as { n: number }).n)).toEqual(many.map((_, n) => n));
      const bad = topic.sendAll([
        { key: 1 as never, value: 1 },
        { key: 'one', value: 2 },
      ]);
      await expect(bad).rejects.toMatchObject({ code: 'QA_ENCODE', message: expect.stringContaining(`\`${name}\``) });
      expect(await topic.offsets()).toEqual({ 0: 500 });
    });

    test('a tombstone is null; a string is sent as text, an object as JSON, bytes as they are', async () => {
      await start();
      const topic = open.handle.topic(name);
      await topic.create();
      for (const value of [null, 'text', { a: 1 }, Buffer.from('ff', 'hex')]) await topic.send({ key: 'k', value });
      expect((await topic.messages()).map(({ value }) => value)).toEqual([
        null,
        'text',
        { a: 1 },
        Buffer.from('ff', 'hex'),
      ]);
    });

    test.each([
      ['no object', 'text', /must be an object, but is a string/],
      ['a misspelt field', { key: 'k', vlaue: 1 }, /has `vlaue`.*Did you mean `value`\?/],
      ['no value', { key: 'k' }, /has no `value`.*a tombstone is `value: null`/],
      ['headers of numbers', { value: 1, headers: { n: 1 } }, /`headers` that are no object of texts/],
      ['a partition that is none', { value: 1, partition: -1 }, /`partition` that is no whole number/],
      ['a timestamp that is none', { value: 1, timestamp: 'today' }, /`timestamp` that is neither a Date nor/],
    ])('%s is refused with a mend, and nothing is sent', async (_, message, text) => {
      await start();
      const topic = open.handle.topic(name);
      await topic.create();
      await expect(topic.send(message as never)).rejects.toMatchObject({
        code: 'QA_MISUSE',
        message: expect.stringMatching(text),
      });
      expect(await topic.offsets()).toEqual({ 0: 0 });
    });

    test('a topic that does not exist is not made by sending; the error names the nearest', async () => {
      await start();
      await open.handle.topic(name).create();
      const wrong = open.handle.topic(`${name}x`).send({ value: 1 });
      await expect(wrong).rejects.toMatchObject({
        code: 'QA_NOT_FOUND',
        message: expect.stringContaining(`The topic \`${name}x\` does not exist. Did you mean \`${name}\`?`),
      });
      await expect(open.handle.topic('nothing like it').send({ value: 1 })).rejects.toThrow(
        "Make it: `await qa.db.topic('nothing like it').create()`",
      );
    });

    test('a transaction is seen whole or not at all, its abort never, its order kept', async () => {
      await start();
      const { handle } = open;
      const topic = handle.topic(name);
      await topic.create();
      const result = await handle.transaction(async (tx) => {
        await tx.topic(name).send({ key: 'a', value: 1 });
        await tx.topic(name).sendAll([{ key: 'b', value: 2 }]);
        return 'done';
      });
      expect(result).toBe('done');
      const failure = new Error('the test itself');
      const failed = handle.transaction(async (tx) => {
        await tx.topic(name).send({ key: 'c', value: 3 });
        throw failure;
      });
      await expect(failed).rejects.toBe(failure);
      await topic.send({ key: 'd', value: 4 });
      // Two at once run one after the other.
      await Promise.all(
        [5, 6].map((value) =>
          handle.transaction((tx) =>
            tx
              .topic(name)
              .send({ key: 'e', value })
              .then(() => undefined),
          ),
        ),
      );
      expect((await topic.messages()).map(({ value }) => value)).toEqual([1, 2, 4, 5, 6]);
    });

    test('an idempotent producer on request', async () => {
      await start({ producer: { idempotent: true } });
      const topic = open.handle.topic(name);
      await topic.create();
      await Promise.all(Array.from({ length: 50 }, (_, value) => topic.send({ key: 'k', value })));
      expect(new Set((await topic.messages()).map(({ value }) => value)).size).toBe(50);
    });
  });

  describe('what a test sees', () => {
    test('counts from its reset; `since` takes the file, a Date and offsets', async () => {
      await start();
      const topic = open.handle.topic(name);
      await topic.create();
      await topic.send({ value: 'first', timestamp: new Date('2026-01-01') });
      const offsets = await topic.offsets();
      await topic.send({ value: 'second', timestamp: new Date('2026-03-01') });
      await resetter.reset(AbortSignal.timeout(5000));
      await topic.create();
      await topic.send({ value: 'third', timestamp: new Date('2026-02-01') });
      expect(valuesOf(await view())).toEqual(['third']);
      expect(valuesOf(await view('file'))).toEqual(['first', 'second', 'third']);
      expect(valuesOf(await view(new Date('2026-01-15')))).toEqual(['second', 'third']);
      expect(valuesOf(await view(offsets))).toEqual(['second', 'third']);
      expect(valuesOf(await view({ 0: 2n }))).toEqual(['third']);
      await expect(view('yesterday' as never)).rejects.toMatchObject({ code: 'QA_MISUSE' });
      await expect(view({ zero: 1 } as never)).rejects.toThrow('`zero: 1` is no offset of a partition');
    });

    test('offsets from before the file opened are refused: nobody recorded what lies there', async () => {
      await start();
      await open.handle.topic(name).create();
      for (let n = 0; n < 3; n += 1) await open.handle.topic(name).send({ value: n });
      await open[Symbol.asyncDispose]();
      await start();
      await expect(view({ 0: 1 })).rejects.toThrow(
        'offset 1 of partition 0 lies before 3, where the record began when the file opened',
      );
      expect(valuesOf(await view('file'))).toEqual([]);
    });

    test('what cannot be decoded matches nothing, is told with its bytes, and hides nothing that comes later', async () => {
      await start({ topics: { [name]: { value: json() } } });
      const topic = open.handle.topic(name);
      await topic.create();
      await open.client.producers.send(name, [
        { key: Buffer.from('k'), value: Buffer.from('{"a":'), headers: {} },
        { key: Buffer.from('k'), value: Buffer.from('{"a":1}'), headers: {} },
      ]);
      const { received } = await view();
      expect(received.length).toBe(2);
      expect(received.at(0)?.undecodable).toMatchObject({
        part: 'value',
        reason: expect.stringMatching(/could not be decoded as json/),
        excerpt: '7b 22 61 22 3a (5 bytes)',
      });
      expect(received.at(1)?.fields.value).toEqual({ a: 1 });
      await expect(topic.messages()).rejects.toMatchObject({
        code: 'QA_DECODE',
        message: expect.stringContaining('partition 0, offset 0'),
      });
    });

    test('a decoder that waits keeps the order', async () => {
      await start({ topics: { [name]: { value: slow } } });
      const topic = open.handle.topic(name);
      await topic.create();
      await topic.sendAll(['first', 'second', 'third'].map((value) => ({ value })));
      expect(valuesOf(await view())).toEqual(['first', 'second', 'third']);
    });

    test('a key is found by an index of bytes; a listener is woken by what comes', async () => {
      await start({ topics: { [name]: { key: text(), value: json() } } });
      const topic = open.handle.topic(name);
      await topic.create();
      await topic.sendAll(Array.from({ length: 100 }, (_, n) => ({ key: `k-${n % 10}`, value: n })));
      const own = await view();
      expect(own.candidates({ key: 'k-3' }, 0)).toEqual([3, 13, 23, 33, 43, 53, 63, 73, 83, 93]);
      expect(own.candidates({ key: 'k-3' }, 80)).toEqual([83, 93]);
      expect(own.candidates({ key: 'none' }, 0)).toEqual([]);
      expect(own.candidates({ key: expect.stringMatching('k') }, 0)).toBeUndefined();
      expect(own.candidates({ value: 3 }, 0)).toBeUndefined();
      const woken = new Promise<void>((resolve) => own.subscribe(resolve));
      await topic.send({ key: 'k-3', value: 'late' });
      await woken;
      expect(own.candidates({ key: 'k-3' }, 100)).toEqual([100]);
    });

    test('what was dropped to bound memory is told', async () => {
      await start({ record: { messages: 10 } });
      const topic = open.handle.topic(name);
      await topic.create();
      await topic.sendAll(Array.from({ length: 25 }, (_, n) => ({ value: n })));
      await expect(topic.messages()).rejects.toMatchObject({
        code: 'QA_MESSAGES_LOST',
        message: expect.stringContaining(
          '15 of its messages since the test began were dropped to bound memory; `record: { messages, bytes }` of qa.db keeps more',
        ),
      });
      expect(valuesOf(await view())).toEqual([15, 16, 17, 18, 19, 20, 21, 22, 23, 24]);
    });

    test('a missing topic and an empty one are told apart', async () => {
      await start();
      const missing = await view();
      expect(await missing.explain(AbortSignal.timeout(1000))).toEqual([
        expect.stringMatching(new RegExp(`the topic ${name} does not exist`)),
      ]);
      await open.handle.topic(name).create({ partitions: 2 });
      expect(await (await view()).explain(AbortSignal.timeout(1000))).toEqual([
        'the topic exists, with 2 partitions; no message came since the file began',
      ]);
      await open.handle.topic(name).send({ value: 1 });
      await view();
      await reset();
      expect(await (await view()).explain(AbortSignal.timeout(1000))).toEqual([
        'the topic exists, with 2 partitions; 1 came since the file began, none of them since the test began',
      ]);
    });
  });

  test('the next file of the same process goes on with the same connections, and sees nothing of the one before', async () => {
    await start({ topics: { [name]: { value: json() } } });
    const topic = open.handle.topic(name);
    await topic.create();
    await topic.send({ value: 1 });
    expect(valuesOf(await view('file'))).toEqual([1]);
    const consumer = open.handle.client.consumer({ groupId: 'left-behind' });
    const left = new Promise((resolve) => consumer.on(consumer.events.DISCONNECT, resolve));
    await consumer.subscribe({ topic: name });
    await consumer.run({ eachMessage: async () => undefined });
    expect(resetter.renew!()).toBe(true);
    expect(await binding.renew(open.client)).toBe(true);
    await left;
    await binding.resume(open.client, open.scope);
    await reset();
    await topic.send({ value: 3 });
    expect(valuesOf(await view('file'))).toEqual([3]);
    await expect(topic.delete()).rejects.toMatchObject({ code: 'QA_NOT_OURS' });
  });

  describe('topics', () => {
    test('one that was deleted and made again starts anew, for tests too', async () => {
      await start();
      const topic = open.handle.topic(name);
      for (let round = 0; round < 3; round += 1) {
        await topic.create();
        await topic.sendAll([{ value: `${round}-a` }, { value: `${round}-b` }]);
        expect((await topic.messages()).map(({ value }) => value).slice(-2)).toEqual([`${round}-a`, `${round}-b`]);
        await topic.delete();
      }
      expect(valuesOf(await view())).toEqual(['0-a', '0-b', '1-a', '1-b', '2-a', '2-b']);
    });

    test('one that nobody had named when it was deleted and made again is read from its beginning', async () => {
      const kafka = adminOf(broker);
      const { admin, producer } = await kafka;
      await admin.createTopics({ topics: [{ topic: name }], waitForLeaders: true });
      await producer.send({ topic: name, messages: [{ value: 'old' }, { value: 'old' }] });
      await start();
      open.client.created.add(name);
      await open.handle.topic(name).delete();
      await open.handle.topic(name).create();
      await open.handle.topic(name).send({ value: 'new' });
      expect(valuesOf(await view())).toEqual(['new']);
      await Promise.all([admin.disconnect(), producer.disconnect()]);
    });

    test('create() leaves one that is there, and refuses another number of partitions', async () => {
      await start();
      const topic = open.handle.topic(name);
      await topic.create({ partitions: 2, config: { 'retention.ms': 60_000 } });
      await topic.create({ partitions: 2 });
      await topic.create();
      await expect(topic.create({ partitions: 3 })).rejects.toMatchObject({
        code: 'QA_MISUSE',
        message: expect.stringContaining('is there already, with 2 partitions instead of 3'),
      });
      await expect(topic.create({ partition: 3 } as never)).rejects.toThrow('Did you mean `partitions`?');
    });

    test("a broker's refusal of a config is told with the topic", async () => {
      await start();
      const wrong = open.handle.topic(name).create({ config: { 'retention.ms': 'soon' } });
      await expect(wrong).rejects.toMatchObject({
        connection: 'db',
        message: expect.stringMatching(/Making the topic `topic-\d+` with retention\.ms=soon failed: .*configuration/i),
      });
    });

    test('a topic that is gone does not hold up what is sent to others', async () => {
      await start();
      const [gone, other] = [open.handle.topic(`${name}-gone`), open.handle.topic(name)];
      await Promise.all([gone.create(), other.create()]);
      await gone.send({ value: 1 });
      await open.handle.transaction((tx) => tx.topic(gone.name).send({ value: 2 }));
      await gone.delete();
      expect(await other.send({ value: 3 })).toEqual({ partition: 0, offset: 0 });
      await open.handle.transaction((tx) => tx.topic(name).send({ value: 4 }));
      expect((await other.messages()).map(({ value }) => value)).toEqual([3, 4]);
    });

    test('delete() refuses what this file has not made on a broker that is not ours', async () => {
      const { admin, producer } = await adminOf(broker);
      await admin.createTopics({ topics: [{ topic: name }], waitForLeaders: true });
      await start();
      await expect(open.handle.topic(name).delete()).rejects.toMatchObject({ code: 'QA_NOT_OURS' });
      expect(await admin.listTopics()).toContain(name);
      await Promise.all([admin.disconnect(), producer.disconnect()]);
    });
  });
});

async function adminOf(broker: TestKafka) {
  const { Kafka, logLevel } = await import('kafkajs');
  const kafka: Kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING });
  const admin: Admin = kafka.admin();
  const producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  return { admin, producer };
}
