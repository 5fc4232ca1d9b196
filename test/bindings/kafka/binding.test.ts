import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { int32 } from '../../../bindings/kafka/codecs/plain.ts';
import { binding } from '../../../bindings/kafka/index.ts';
import { hasKafka, startKafka, type TestKafka } from '../../support/kafka.ts';
import { openBinding } from '../../support/scope.ts';

describe.skipIf(!hasKafka())('the Kafka binding', () => {
  let broker: TestKafka;
  beforeAll(async () => {
    broker = await startKafka();
  }, 60_000);
  afterAll(() => broker?.stop());

  test('sends, and reads what it has sent', async () => {
    await using open = await openBinding(binding, { brokers: broker.brokers, topics: { numbers: { key: int32() } } });
    const { handle, client } = open;
    const topic = handle.topic('orders');
    await topic.create({ partitions: 3 });
    const resetter = await binding.reset(client, (await binding.ownership(client)) as never, open.scope);
    await resetter.reset(AbortSignal.timeout(5000));
    const sent = await topic.send({
      key: 'o-1',
      value: { id: 'o-1', total: 42 },
      headers: { trace: 't-1', tag: ['a', 'b'] },
    });
    expect(sent.offset).toBe(0);
    const messages = await topic.messages();
    expect(messages).toEqual([
      {
        key: 'o-1',
        value: { id: 'o-1', total: 42 },
        headers: { trace: 't-1', tag: ['a', 'b'] },
        partition: sent.partition,
        offset: 0,
        timestamp: expect.any(Date),
      },
    ]);
    await resetter.reset(AbortSignal.timeout(5000));
    expect(await topic.messages()).toEqual([]);
    expect(await topic.offsets()).toEqual({ 0: 0, 1: 0, 2: 0, [sent.partition]: 1 });
    await handle.transaction(async (tx) => {
      await tx.topic('orders').send({ key: 'x', value: 'text' });
    });
    expect(await topic.messages()).toMatchObject([{ key: 'x', value: 'text' }]);
    const failed = handle.transaction(async (tx) => {
      await tx.topic('orders').send({ key: 'y', value: 'text' });
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await topic.send({ key: 'z', value: null });
    expect(await topic.messages()).toMatchObject([
      { key: 'x', value: 'text' },
      { key: 'z', value: null },
    ]);
  });
});
