/** What `qa.<name>` of a Kafka connection takes and gives, as the config declares its topics. */
import { type Decimal, embedded, type HandleOf, int64, json, kafka, protobuf, text } from '@qa/jest-preset';

interface Order {
  id: string;
  total: number;
}

const connection = kafka({
  brokers: ['127.0.0.1:9092'],
  topics: {
    orders: { key: text(), value: json<Order>() },
    counts: { key: int64(), value: protobuf<{ total: Decimal }, { total: number }>('./shipped.proto', 'shop.Shipped') },
    retained: { partitions: 3, config: { 'cleanup.policy': 'compact', 'retention.ms': 1000 } },
  },
});
declare const handle: HandleOf<typeof connection>;

async function use() {
  const orders = handle.topic('orders');
  await orders.send({ key: 'o-1', value: { id: 'o-1', total: 42 }, headers: { trace: 't-1', tag: ['a', 'b'] } });
  await orders.send({ value: null, partition: 1, timestamp: new Date() });
  // @ts-expect-error another type of a field
  await orders.send({ key: 'o-1', value: { id: 'o-1', total: '42' } });
  // @ts-expect-error another type of the key
  await orders.send({ key: 1, value: { id: 'o-1', total: 42 } });
  // @ts-expect-error no value
  await orders.send({ key: 'o-1' });
  // @ts-expect-error a misspelt field
  await orders.send({ value: null, header: {} });
  const { value, offset } = await orders.waitFor({ value: { id: 'o-1' } }, { within: 100, since: 'file' });
  value satisfies Order | null;
  offset satisfies number | bigint;
  (await orders.messages())[0]?.value?.total satisfies number | undefined;

  await handle.topic('counts').send({ key: 42n, value: { total: 1 } });
  const count = await handle.topic('counts').waitFor({ key: 42 });
  count.key satisfies number | bigint | null;
  count.value?.total satisfies Decimal | undefined;
  // @ts-expect-error what comes is no number
  count.value?.total satisfies number | undefined;

  const refund = await handle.topic('refunds').waitFor({ key: 'o-1' });
  refund.key satisfies string | null;
  // @ts-expect-error nobody knows what it is
  refund.value satisfies Order | null;
  (await handle.topic<Order>('refunds').waitFor({ key: 'o-1' })).value satisfies Order | null;

  const result = await handle.transaction(async (tx) => {
    await tx.topic('orders').send({ key: 'o-1', value: { id: 'o-1', total: 42 } });
    // @ts-expect-error another type of a field
    await tx.topic('orders').send({ key: 'o-1', value: { id: 1, total: 42 } });
    return 42;
  });
  result satisfies number;
  handle.client.admin();
  handle.brokers satisfies string[];
}
use satisfies () => Promise<void>;

kafka({ server: embedded(), producer: { idempotent: true, compression: 'zstd', acks: 'all' } });
kafka({ brokers: 'one:9092,two:9092', ssl: true, sasl: { mechanism: 'plain', username: 'u', password: 'p' } });
// @ts-expect-error a misspelt option
kafka({ broker: 'one:9092' });
// @ts-expect-error a codec that is none
kafka({ brokers: 'one:9092', topics: { orders: { value: 'json' } } });
// @ts-expect-error no such compression
kafka({ brokers: 'one:9092', producer: { compression: 'brotli' } });
