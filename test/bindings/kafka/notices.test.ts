/** What the recorder knows and a matcher must tell: what is hidden, taken away, unreadable, or out of reach. */
import kafkajs from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { MessageView } from '../../../bindings/core/messages.ts';
import { SOURCE } from '../../../bindings/core/source.ts';
import type { CompressionTable } from '../../../bindings/kafka/compression/index.ts';
import { binding } from '../../../bindings/kafka/index.ts';
import { hasKafka, startKafka, type TestKafka } from '../../support/kafka.ts';
import { openBinding } from '../../support/scope.ts';

describe.skipIf(!hasKafka())('what a matcher must tell of a topic', { timeout: 60_000 }, () => {
  let broker: TestKafka;
  let open: Awaited<ReturnType<typeof openBinding<never, never, never>>>;
  beforeAll(async () => {
    broker = await startKafka();
  }, 90_000);
  afterAll(() => broker?.stop());
  afterEach(() => open?.[Symbol.asyncDispose]());

  const start = async () => {
    const opened = await openBinding(binding, { brokers: broker.brokers });
    open = opened as never;
    return opened;
  };
  const soon = () => AbortSignal.timeout(10_000);
  const textsOf = (view: MessageView, kind: 'lost' | 'hint') =>
    view
      .notices()
      .filter((notice) => notice.kind === kind)
      .map(({ text }) => text);

  test('an open transaction, while it is open', async () => {
    const { handle } = await start();
    const topic = handle.topic('hidden');
    await topic.create();
    const producer = handle.client.producer({ transactionalId: 'left-open', maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic: 'hidden', messages: [{ value: 'within' }] });
    await topic.send({ value: 'behind' });
    const view = await topic[SOURCE].open('test', soon());
    await expect
      .poll(() => textsOf(view, 'hint'))
      .toEqual(['an open transaction hides what lies from offset 0 to 1 of partition 0, until it ends']);
    expect(view.received.length).toBe(0);
    await transaction.abort();
    await expect.poll(() => view.received.length).toBe(1);
    await expect.poll(() => textsOf(view, 'hint')).toEqual([]);
    expect(textsOf(view, 'lost')).toEqual([]);
  });

  test('what was deleted before anybody could see it', async () => {
    const { handle } = await start();
    const topic = handle.topic('taken');
    await topic.create();
    await topic.sendAll([{ value: 1 }, { value: 2 }, { value: 3 }]);
    const admin = handle.client.admin();
    await admin.connect();
    await admin.fetchTopicOffsets('taken');
    await admin.deleteTopicRecords({ topic: 'taken', partitions: [{ partition: 0, offset: '2' }] });
    const view = await topic[SOURCE].open('test', soon());
    expect(view.received.length).toBe(1);
    expect(textsOf(view, 'lost')).toEqual(['Offsets 0 to 1 of partition 0 were deleted before they could be recorded']);
  });

  test('messages whose compression nobody can read, with the way out, and those behind them', async () => {
    const { handle } = await start();
    const topic = handle.topic('packed');
    await topic.create();
    const producer = handle.client.producer();
    await producer.connect();
    const { Snappy } = kafkajs.CompressionTypes;
    await producer.send({ topic: 'packed', compression: Snappy, messages: [{ value: 'a' }, { value: 'b' }] });
    await producer.send({ topic: 'packed', messages: [{ value: 'c' }] });
    const table: CompressionTable = kafkajs.CompressionCodecs;
    const own = table[Snappy]!;
    table[Snappy] = () => {
      throw new Error('It needs the library `snappyjs`, which is not installed. Run: npm i -D snappyjs');
    };
    try {
      const view = await topic[SOURCE].open('test', soon());
      expect(view.received.length).toBe(2);
      expect(view.received.at(0)).toMatchObject({
        at: 'partition 0, offset 0',
        undecodable: {
          reason: expect.stringMatching(
            /^2 messages, up to offset 1, compressed with snappy, could not be read: It needs .* Run: npm i -D snappyjs$/,
          ),
        },
      });
      expect(view.received.at(1)?.fields.value).toBe('c');
    } finally {
      table[Snappy] = own;
    }
  });

  test('a broker that is away, for as long as it is', async () => {
    const { handle } = await start();
    const topic = handle.topic('away');
    await topic.create();
    await topic.send({ value: 'before' });
    const view = await topic[SOURCE].open('test', soon());
    expect(textsOf(view, 'lost')).toEqual([]);
    await broker.kill();
    await expect.poll(() => textsOf(view, 'lost')).toEqual([expect.stringContaining(broker.broker)]);
    expect(view.received.length).toBe(1);
    await broker.restart();
    await expect.poll(() => textsOf(view, 'lost'), { timeout: 20_000 }).toEqual([]);
    await expect.poll(() => topic.send({ value: 'after' }).catch(() => undefined), { timeout: 20_000 }).toBeDefined();
    await expect.poll(() => view.received.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
  });
});
