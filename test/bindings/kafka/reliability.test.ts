/** The whole binding, with the matchers, on brokers that are away, hang, die midway or are slow. */
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { QaError } from '../../../bindings/core/errors.ts';
import type { KafkaClient } from '../../../bindings/kafka/client.ts';
import type { KafkaHandle } from '../../../bindings/kafka/handle.ts';
import { binding } from '../../../bindings/kafka/index.ts';
import { asTest, failureOf } from '../../matchers/harness.ts';
import { hasKafka, startKafka, type TestKafka } from '../../support/kafka.ts';
import { freePort } from '../../support/postgres.ts';
import { startProxy } from '../../support/proxy.ts';
import { type OpenConnection, openBinding } from '../../support/scope.ts';

type Open = OpenConnection<KafkaClient, KafkaHandle>;

async function passes(body: () => unknown): Promise<void> {
  const { failures, thrown } = await asTest(body);
  expect([thrown, ...failures]).toEqual([undefined]);
}

const port = (text: string) => text.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT');

describe.skipIf(!hasKafka())('one broker', () => {
  let broker: TestKafka;
  let admin: Admin;
  let open: Open;
  let count = 0;
  let name = '';
  beforeAll(async () => {
    broker = await startKafka();
    const retry = { retries: 20, initialRetryTime: 50, maxRetryTime: 300 };
    admin = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING, retry }).admin();
    await admin.connect();
  });
  afterAll(async () => {
    await admin?.disconnect();
    await broker?.stop();
  });
  beforeEach(async () => {
    count += 1;
    name = `orders-${count}`;
    // What the test before did to the broker is over when all partitions are led.
    const made = async () => {
      await admin.createTopics({ topics: [{ topic: name, numPartitions: 3 }] });
      return (await admin.fetchTopicOffsets(name)).length;
    };
    await expect.poll(() => made().catch((error: Error) => error.message), { timeout: 20_000 }).toBe(3);
    open = await openBinding(binding, { brokers: broker.brokers, requestTimeout: 2000 });
  });
  afterEach(() => open[Symbol.asyncDispose]());
  const topic = () => open.handle.topic(name);

  test('dies and comes back while a matcher waits: what is sent then is seen, what came before is still known', async () => {
    await topic().send({ key: 'before', value: 'x' });
    await broker.kill();
    const writer = await openWriter();
    await passes(async () => {
      const waiting = expect(topic()).toReceiveKafkaMessage({ key: 'after' }, { within: 20_000 });
      await broker.restart();
      await writer.send('after');
      await waiting;
      await expect(topic()).toReceiveKafkaMessages([{ key: 'before' }, { key: 'after' }], {
        exactly: true,
        stays: 300,
      });
    });
    await writer.close();
  });

  test('is away: silence is not proven, and the failure says so', async () => {
    await topic().send({ key: 'o-1', value: 'x' });
    await passes(() => expect(topic()).toReceiveKafkaMessage({ key: 'o-1' }));
    await broker.kill();
    const text = port(await failureOf(() => expect(topic()).not.toReceiveKafkaMessage({ key: 'o-2' }, { stays: 500 })));
    expect(text).toContain('The broker at 127.0.0.1:PORT is gone: it refuses new connections');
    const { thrown } = await asTest(() => topic().create());
    expect(thrown).toMatchObject({ code: 'QA_CONNECTION_LOST' });
    expect(port((thrown as QaError).message)).toBe(
      'qa.db (kafka://127.0.0.1:PORT): The broker at 127.0.0.1:PORT is gone: it refuses new connections. See whether it was stopped or has crashed.',
    );
    await broker.restart();
    await passes(async () => {
      await topic().send({ key: 'o-3', value: 'x' });
      await expect(topic()).toReceiveKafkaMessage({ key: 'o-3' }, { within: 10_000 });
      await expect(topic()).not.toReceiveKafkaMessage({ key: 'o-2' }, { stays: 100 });
    });
  });

  test('hangs: calls end before the test does, and say what is not known', async () => {
    await topic().send({ key: 'o-1', value: 'x' });
    broker.freeze();
    try {
      const sent = await asTest(() => topic().send({ key: 'o-2', value: 'x' }), { timeout: 1500 });
      expect(port((sent.thrown as QaError).message)).toBe(
        `qa.db (kafka://127.0.0.1:PORT): Sending to the topic \`${name}\` did not end before the time of the test was up. See whether the broker hangs, or give the test more time.`,
      );
      const patient = await asTest(() => topic().offsets(), { timeout: 20_000 });
      expect(patient.thrown).toMatchObject({ code: 'QA_TIMEOUT' });
      expect(port((patient.thrown as QaError).message)).toContain(
        'The broker at 127.0.0.1:PORT took the connection but does not answer',
      );
      const start = performance.now();
      await open[Symbol.asyncDispose]();
      expect(performance.now() - start).toBeLessThan(1000);
    } finally {
      broker.thaw();
    }
  });

  test('hangs for a moment: nothing is lost, nothing comes twice', async () => {
    const writer = await openWriter();
    await writer.send('o-0');
    broker.freeze();
    const sent = Promise.all(Array.from({ length: 50 }, (_, i) => writer.send(`o-${i + 1}`)));
    await passes(async () => {
      const waiting = expect(topic()).toReceiveKafkaMessage({ key: 'o-50' }, { within: 20_000 });
      broker.thaw();
      await sent;
      await waiting;
      const keys = Array.from({ length: 51 }, (_, i) => ({ key: `o-${i}` }));
      await expect(topic()).toReceiveKafkaMessages(keys, { exactly: true, stays: 300 });
    });
    await writer.close();
  });

  test('dies in the middle of a transaction: it is told, and nobody sees any of it', { timeout: 120_000 }, async () => {
    const { thrown } = await asTest(
      () =>
        open.handle.transaction(async (tx) => {
          await tx.topic(name).send({ key: 'half', value: 'x' });
          await broker.kill();
          await tx.topic(name).send({ key: 'other half', value: 'x' });
        }),
      { timeout: 90_000 },
    );
    expect(thrown).toMatchObject({ code: 'QA_CONNECTION_LOST' });
    expect((thrown as QaError).message).toContain('It is unknown whether the messages were written.');
    await broker.restart();
    await passes(async () => {
      await topic().send({ key: 'next', value: 'x', partition: 0 });
      await open.handle.transaction((tx) => tx.topic(name).send({ key: 'whole', value: 'x' }));
      await expect(topic()).toReceiveKafkaMessages([{ key: 'next' }, { key: 'whole' }], {
        exactly: true,
        within: 20_000,
      });
    });
  });

  test('is one of two, and the other is not there: the connection opens by the one that is', async () => {
    const brokers = [`127.0.0.1:${await freePort()}`, broker.broker];
    await using other = await openBinding(binding, { brokers });
    await passes(async () => {
      await other.handle.topic(name).send({ key: 'o-1', value: 'x' });
      await expect(other.handle.topic(name)).toReceiveKafkaMessage({ key: 'o-1' });
    });
  });

  test('has a new partition: what is sent to it arrives, also where kafkajs has not heard of it', async () => {
    const { thrown } = await asTest(() => topic().send({ key: 'o-1', value: 'x', partition: 3 }));
    expect(thrown).toMatchObject({ code: 'QA_MISUSE' });
    expect(port((thrown as QaError).message)).toBe(
      `qa.db (kafka://127.0.0.1:PORT): The topic \`${name}\` has no partition 3, but 0 to 2. Correct \`partition\`, or leave it out: the key decides then.`,
    );
    await passes(async () => {
      await topic().send({ key: 'o-1', value: 'x', partition: 2 });
      await admin.createPartitions({ topicPartitions: [{ topic: name, count: 4 }] });
      const sent = await topic().sendAll([
        { key: 'o-2', value: 'x', partition: 0 },
        { key: 'o-3', value: 'x', partition: 3 },
      ]);
      expect(sent.map(({ partition }) => partition).sort()).toEqual([0, 3]);
      const keys = ['o-1', 'o-2', 'o-3'].map((key) => ({ key }));
      await expect(topic()).toReceiveKafkaMessages(keys, { exactly: true, within: 5000, stays: 200 });
    });
  });

  /** Somebody else, who does not give up. */
  async function openWriter() {
    const retry = { retries: 30, initialRetryTime: 50, maxRetryTime: 300 };
    const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING, retry, requestTimeout: 10_000 });
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    let connected: Promise<void> | undefined;
    return {
      async send(key: string) {
        connected ??= producer.connect();
        await connected;
        await producer.send({ topic: name, messages: [{ key, value: 'x' }] });
      },
      close: () => producer.disconnect(),
    };
  }
});

test('an IPv6 address, which kafkajs cannot read, is refused when the config is read', () => {
  expect(() => binding.parse({ brokers: '[::1]:9092' }, 'connections.kafka')).toThrow(
    '`connections.kafka.brokers` has an IPv6 address, which kafkajs cannot read. Give a host name that leads there: localhost:9092',
  );
});

describe.skipIf(!hasKafka())('a network', () => {
  test('in which the advertised address leads nowhere: told when the connection opens, topics or not', async () => {
    await using broker = await startKafka({ advertised: 'kafka.invalid:9092' });
    const error: QaError = await openBinding(binding, { brokers: broker.brokers, topics: { orders: {} } }).then(
      () => {
        throw new Error('It opened.');
      },
      (reason) => reason,
    );
    expect(error.code).toBe('QA_CONNECTION_LOST');
    expect(port(error.message)).toBe(
      'qa.db (kafka://127.0.0.1:PORT): The broker answered at 127.0.0.1:PORT and told to use kafka.invalid:9092 from then on (its `advertised.listeners`), which cannot be reached from here: the host name `kafka.invalid` could not be resolved. Correct `advertised.listeners` of the broker, or map the name `kafka.invalid` to an address that leads there (in /etc/hosts, say)',
    );
  });

  test('that is slow, and that breaks: everything is seen once', { timeout: 90_000 }, async () => {
    // The broker must tell everybody to come through the proxy, so its port is known before the broker is.
    const target = { host: '127.0.0.1', port: 0 };
    await using proxy = await startProxy(target);
    await using broker = await startKafka({ advertised: `127.0.0.1:${proxy.port}` });
    target.port = broker.port;
    const open = await openBinding(binding, { brokers: [`127.0.0.1:${proxy.port}`], producer: { idempotent: true } });
    try {
      await passes(async () => {
        const orders = open.handle.topic('orders');
        await orders.create({ partitions: 2 });
        proxy.delay = 150;
        await orders.send({ key: 'slow', value: 'x' });
        await expect(orders).toReceiveKafkaMessage({ key: 'slow' }, { within: 5000 });
        proxy.delay = 0;
        for (let i = 0; i < 5; i += 1) {
          proxy.sever();
          await orders.send({ key: `o-${i}`, value: 'x' });
        }
        const keys = ['slow', 'o-0', 'o-1', 'o-2', 'o-3', 'o-4'].map((key) => ({ key }));
        await expect(orders).toReceiveKafkaMessages(keys, { exactly: true, within: 10_000, stays: 300 });
      });
    } finally {
      await open[Symbol.asyncDispose]();
    }
  });

  test('that loses answers: what an idempotent producer sends after a failure is not taken for its repetition', {
    timeout: 90_000,
  }, async () => {
    const target = { host: '127.0.0.1', port: 0 };
    await using proxy = await startProxy(target);
    await using broker = await startKafka({ advertised: `127.0.0.1:${proxy.port}` });
    target.port = broker.port;
    const brokers = [`127.0.0.1:${proxy.port}`];
    const patient = await openBinding(binding, { brokers });
    await passes(() => patient.handle.topic('orders').create());
    await patient[Symbol.asyncDispose]();
    const open = await openBinding(binding, { brokers, producer: { idempotent: true }, requestTimeout: 1000 });
    try {
      const orders = open.handle.topic('orders');
      await passes(() => orders.send({ key: 'first', value: 'x' }));
      proxy.delay = 60_000;
      const { thrown } = await asTest(() => orders.send({ key: 'lost answer', value: 'x' }), { timeout: 60_000 });
      expect(thrown).toMatchObject({ code: expect.stringMatching(/QA_TIMEOUT|QA_CONNECTION_LOST/) });
      expect((thrown as QaError).message).toContain('It is unknown whether the messages were written.');
      proxy.delay = 0;
      await passes(async () => {
        await orders.send({ key: 'after', value: 'x' });
        await expect(orders).toReceiveKafkaMessages([{ key: 'first' }, { key: 'lost answer' }, { key: 'after' }], {
          exactly: true,
          within: 10_000,
        });
      });
    } finally {
      await open[Symbol.asyncDispose]();
    }
  });
});
