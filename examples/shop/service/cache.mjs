/** Keeps what came of an order in a cache, for those who ask often. */
import { Redis } from 'ioredis';

/** An order is forgotten after this time, seconds. */
const EXPIRES = 3600;

/** @param {string} url as in `redis://127.0.0.1:6379/0` */
export function openCache(url) {
  const redis = new Redis(url, { keyPrefix: 'shop:' });
  redis.on('error', (error) => console.error(`shop: the cache does not answer: ${error.message}`));
  return {
    /** @param {{ id: string, status: string, total: number }} order */
    async store({ id, status, total }) {
      await redis.multi().hset(`order:${id}`, { id, status, total }).expire(`order:${id}`, EXPIRES).exec();
    },
    async stop() {
      redis.disconnect();
    },
  };
}

/**
 * The same jobs, and one more for each order that is paid or refused.
 *
 * @param {Readonly<Record<string, import('./jobs.mjs').Job>>} jobs
 * @param {ReturnType<typeof openCache>} cache
 * @returns {Readonly<Record<string, import('./jobs.mjs').Job>>}
 */
export function withCache(jobs, cache) {
  return {
    ...jobs,
    async pay(client, orderId) {
      await jobs.pay(client, orderId);
      await client.query(`insert into jobs (name, order_id) values ('cache', $1)`, [orderId]);
    },
    async cache(client, orderId) {
      const { rows } = await client.query('select id, status, total::float8 from orders where id = $1', [orderId]);
      await cache.store(rows[0]);
    },
  };
}
