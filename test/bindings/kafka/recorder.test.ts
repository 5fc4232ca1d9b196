import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterOf, Sockets } from '../../../bindings/kafka/cluster.ts';
import { Recorder } from '../../../bindings/kafka/recorder.ts';
import { hasKafka, startKafka, type TestKafka } from '../../support/kafka.ts';

describe.skipIf(!hasKafka())('the recorder', () => {
  let broker: TestKafka;
  beforeAll(async () => {
    broker = await startKafka();
  }, 60_000);
  afterAll(() => broker?.stop());

  test('sees all that is sent after it has opened, once and in order, and nothing from before', {
    timeout: 60_000,
  }, async () => {
    const sockets = new Sockets();
    const kafka = new Kafka({
      brokers: broker.brokers,
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
      socketFactory: sockets.factory,
    });
    const writer = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING });
    const admin = writer.admin();
    const producer = writer.producer({ idempotent: true, maxInFlightRequests: 1 });
    await Promise.all([admin.connect(), producer.connect()]);
    const recorder = new Recorder(clusterOf(kafka), { messages: 100_000, bytes: 1 << 28 });
    try {
      await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 12 }], waitForLeaders: true });
      await producer.send({ topic: 'orders', messages: [{ key: 'before', value: 'x' }] });
      await recorder.open(['orders']);
      const log = recorder.follow('orders');
      for (let i = 0; i < 10; i += 1)
        await producer.send({
          topic: 'orders',
          messages: Array.from({ length: 1000 }, (_, n) => ({ key: `k-${n % 50}`, value: `${i * 1000 + n}` })),
        });
      await expect.poll(() => log.end, { timeout: 15_000 }).toBe(10_000);
      const all = Array.from({ length: log.end }, (_, n) => log.at(n)!);
      expect(new Set(all.map(({ value }) => `${value}`)).size).toBe(10_000);
      for (let partition = 0; partition < 12; partition += 1) {
        const offsets = all.filter((message) => message.partition === partition).map(({ offset }) => offset);
        expect(offsets).toEqual([...offsets].sort((a, b) => Number(a - b)));
      }

      // A topic that nobody had named: from its pin, which for a new one is its beginning.
      await admin.createTopics({ topics: [{ topic: 'late' }], waitForLeaders: true });
      await producer.send({ topic: 'late', messages: [{ value: 'first' }] });
      const late = recorder.follow('late');
      await expect.poll(() => `${late.at(0)?.value}`, { timeout: 5000 }).toBe('first');
    } finally {
      const closed = recorder.close();
      sockets.destroy();
      await Promise.all([closed, admin.disconnect(), producer.disconnect()]);
    }
  });
});
