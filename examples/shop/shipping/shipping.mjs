/**
 * Ships what is paid: a second service. It reads the topic `orders` as the consumer group `shipping`, keeps a row of each
 * shipment, and announces it on the topic `shipped` before it commits what it has read. So an order that is announced
 * twice is one shipment, and none is forgotten.
 */
import pg from 'pg';
import { connectTo, producerOf } from '../service/kafka.mjs';

/**
 * @param {{ databaseUrl: string, brokers: string[] }} options
 * @returns {Promise<{ stop(): Promise<void> }>} once it has its partitions; `stop` ends what is under way first
 */
export async function startShipping({ databaseUrl, brokers }) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, application_name: 'shipping' });
  pool.on('error', (error) => console.error(`shipping: an idle connection broke: ${error.message}`));
  const kafka = connectTo({ brokers, clientId: 'shipping' });
  const consumer = kafka.consumer({ groupId: 'shipping' });
  const producer = producerOf(kafka);
  const stop = async () => {
    await consumer.disconnect();
    await producer.disconnect();
    await pool.end();
  };
  try {
    await pool.query(
      'create table if not exists shipments (order_id text primary key, at timestamptz not null default now())',
    );
    await Promise.all([producer.connect(), consumer.connect()]);
    await consumer.subscribe({ topic: 'orders', fromBeginning: true });
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    await consumer.run({ eachMessage: ({ message }) => ship(message) });
    await joined;
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }

  /** @param {import('kafkajs').KafkaMessage} message */
  async function ship({ key, value }) {
    const order = read(value);
    if (order?.status !== 'PAID') return;
    const { rows } = await pool.query(
      `insert into shipments (order_id) values ($1)
       on conflict (order_id) do update set order_id = excluded.order_id returning at`,
      [order.id],
    );
    await producer.send({
      topic: 'shipped',
      messages: [{ key, value: JSON.stringify({ orderId: order.id, at: rows[0].at }) }],
    });
  }
}

/**
 * What is no order is left out, as it would be again and again; all others would wait behind it.
 *
 * @param {Buffer | null} value
 * @returns {{ id: string, status: string } | undefined}
 */
function read(value) {
  try {
    const order = JSON.parse(String(value));
    if (typeof order?.id === 'string' && typeof order.status === 'string') return order;
  } catch {
    // Told below, as all else that is no order.
  }
  console.error(`shipping: no order: ${String(value).slice(0, 100)}`);
  return undefined;
}
