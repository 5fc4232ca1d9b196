/**
 * Announces on Kafka what the table `outbox` holds. A change of an order and its announcement are written in one
 * transaction; the relay sends it, and then removes it. When it dies in between it sends it again: at least once, and in
 * order for each key.
 */
import { connectTo, producerOf } from './kafka.mjs';
import { workOn } from './listen.mjs';
import { transaction } from './transaction.mjs';

const AT_ONCE = 100;

/** @param {{ pool: import('pg').Pool, databaseUrl: string, brokers: string[] }} options */
export async function startRelay({ pool, databaseUrl, brokers }) {
  const producer = producerOf(connectTo({ brokers, clientId: 'shop' }));
  await producer.connect();
  const worker = await workOn({ databaseUrl, channel: 'outbox', next }).catch(async (error) => {
    await producer.disconnect();
    throw error;
  });
  return {
    async stop() {
      await worker.stop();
      await producer.disconnect();
    },
  };

  function next() {
    return transaction(pool, async (client) => {
      // A second shop's relay waits here: what is not sent by one is not overtaken by the other.
      const { rows } = await client.query('select id, topic, key, value from outbox order by id limit $1 for update', [
        AT_ONCE,
      ]);
      if (rows.length === 0) return false;
      await producer.sendBatch({ topicMessages: rows.map(toMessage) });
      await client.query('delete from outbox where id = any($1)', [rows.map(({ id }) => id)]);
      return true;
    });
  }
}

/** @param {{ topic: string, key: string, value: object }} row */
function toMessage({ topic, key, value }) {
  return { topic, messages: [{ key, value: JSON.stringify(value) }] };
}
