/** What the example's two services say to each other over a real Kafka, each a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasKafka, startKafka, type TestKafka } from '../support/kafka.ts';
import { makeTopics } from '../support/kafka-topics.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const folder = fileURLToPath(new URL('../../examples/shop/', import.meta.url));

describe.skipIf(!hasKafka())('the shop and its shipping', () => {
  let postgres: TestPostgres;
  let broker: TestKafka;
  let kafka: kafkajs.Kafka;
  let shop: Service;
  let shipping: Service;
  const seen: { topic: string; key: string; value: unknown }[] = [];
  let reader: kafkajs.Consumer;

  beforeAll(async () => {
    [postgres, broker] = await Promise.all([startPostgres(), startKafka()]);
    await postgres.run(readFileSync(`${folder}schema.sql`, 'utf8'));
    kafka = new kafkajs.Kafka({ brokers: broker.brokers, logCreator: () => () => undefined });
    await makeTopics(broker.brokers, { orders: 3, shipped: 1 });
    reader = kafka.consumer({ groupId: 'reader', maxWaitTimeInMs: 100 });
    await reader.connect();
    await reader.subscribe({ topics: ['orders', 'shipped'], fromBeginning: true });
    await reader.run({
      eachMessage: async ({ topic, message }) => {
        seen.push({ topic, key: String(message.key), value: JSON.parse(String(message.value)) });
      },
    });
    shop = await start('service/main.mjs', 'listening');
    shipping = await start('shipping/main.mjs', 'waiting');
  });

  afterAll(async () => {
    await reader?.disconnect();
    try {
      await stop(shop);
      await stop(shipping);
    } finally {
      await Promise.all([postgres?.stop(), broker?.stop()]);
    }
  });

  const about = (key: string) => seen.filter((message) => message.key === key);
  const shipments = async (id: string) =>
    (await postgres.run(`select count(*)::int as n from shipments where order_id = '${id}'`)).rows[0].n;

  test('a paid order is announced and shipped, and that is announced too', async () => {
    await order('b-1', 42.5);
    await expect
      .poll(() => about('b-1'), { timeout: 5000 })
      .toEqual([
        { topic: 'orders', key: 'b-1', value: { id: 'b-1', status: 'PAID', total: 42.5 } },
        { topic: 'shipped', key: 'b-1', value: { orderId: 'b-1', at: expect.stringMatching(/^\d{4}-.*Z$/) } },
      ]);
    expect(await shipments('b-1')).toBe(1);
    await expect.poll(async () => (await postgres.run('select from outbox')).rowCount).toBe(0);
  });

  test('a refused one is announced, and not shipped', async () => {
    await order('b-2', 10_000.01);
    await order('b-3', 1);
    await expect.poll(() => about('b-3'), { timeout: 5000 }).toHaveLength(2);
    expect(about('b-2')).toEqual([
      expect.objectContaining({ topic: 'orders', value: expect.objectContaining({ status: 'REFUSED' }) }),
    ]);
    expect(await shipments('b-2')).toBe(0);
  });

  test('one that is announced twice, and what is no order, do no harm', async () => {
    const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    const value = JSON.stringify({ id: 'b-4', status: 'PAID', total: 1 });
    await producer.send({
      topic: 'orders',
      messages: [
        { key: 'b-4', value },
        { key: 'b-4', value: '"nonsense"' },
        { key: 'b-4', value },
      ],
    });
    await producer.disconnect();
    await expect.poll(() => about('b-4').filter(({ topic }) => topic === 'shipped'), { timeout: 5000 }).toHaveLength(2);
    expect(await shipments('b-4')).toBe(1);
  });

  test('while the broker is away orders are taken and paid, and announced and shipped when it is back', async () => {
    await broker.kill();
    await order('b-5', 5);
    const status = async () => (await postgres.run(`select status from orders where id = 'b-5'`)).rows[0].status;
    await expect.poll(status).toBe('PAID');
    expect((await postgres.run('select key from outbox')).rows).toEqual([{ key: 'b-5' }]);
    await broker.restart();
    // How soon kafkajs comes back is its own affair.
    await expect.poll(() => shipments('b-5'), { timeout: 60_000 }).toBe(1);
    expect((await postgres.run('select from outbox')).rowCount).toBe(0);
  }, 90_000);

  async function order(id: string, total: number): Promise<void> {
    const answer = await fetch(`${shop.url}/orders`, { method: 'POST', body: JSON.stringify({ id, total }) });
    expect(answer.status).toBe(201);
  }

  async function start(program: string, ready: string): Promise<Service> {
    const child = spawn(process.execPath, [folder + program], {
      env: { PATH: process.env.PATH, DATABASE_URL: postgres.url(), KAFKA_BROKERS: broker.broker, PORT: '0' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
    expect(line).toContain(ready);
    return { child, url: /http:\S+/.exec(line)?.[0] ?? '' };
  }
});

interface Service {
  child: ChildProcess;
  url: string;
}

/** A polite end. */
async function stop(service: Service | undefined): Promise<void> {
  if (!service) return;
  const ended = once(service.child, 'exit');
  service.child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}
