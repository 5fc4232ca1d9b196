/**
 * The shop: takes orders over HTTP, has them paid by a background job, writes an audit row for each payment, and
 * announces on Kafka, topic `orders`, what came of it. Without `brokers` the announcements wait in its outbox. With
 * `cacheUrl` it caches what came of it as well.
 * `startShop` runs it in this process; `main.mjs` runs it as a process of its own.
 */
import pg from 'pg';
import { openCache, withCache } from './cache.mjs';
import { serve } from './http.mjs';
import { startWorker } from './jobs.mjs';
import { migrate } from './migrations.mjs';
import { cancelOrder, createOrder, findOrder, jobs } from './orders.mjs';
import { startRelay } from './relay.mjs';

/**
 * @param {{ databaseUrl: string, brokers?: string[], cacheUrl?: string, port?: number }} options
 * @returns {Promise<{ url: string, stop(): Promise<void> }>} `stop` ends what is under way first
 */
export async function startShop({ databaseUrl, brokers, cacheUrl, port = 0 }) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 5, application_name: 'shop' });
  // An idle connection that breaks is dropped by the pool; the next query opens another.
  pool.on('error', (error) => console.error(`shop: an idle connection broke: ${error.message}`));
  /** What to stop, in this order. @type {(() => Promise<void>)[]} */
  const running = [() => pool.end()];
  const stop = async () => {
    for (const end of running) await end();
  };
  try {
    await migrate(pool);
    const cache = cacheUrl && openCache(cacheUrl);
    if (cache) running.unshift(cache.stop);
    const worker = await startWorker({ pool, databaseUrl, jobs: cache ? withCache(jobs, cache) : jobs });
    running.unshift(worker.stop);
    if (brokers) running.unshift((await startRelay({ pool, databaseUrl, brokers })).stop);
    const server = await serve(port, {
      'POST /orders': async ({ body }) => ({ status: 201, body: await createOrder(pool, body) }),
      'GET /orders/:id': async ({ id }) => ({ status: 200, body: await findOrder(pool, id) }),
      'POST /orders/:id/cancel': async ({ id }) => ({ status: 200, body: await cancelOrder(pool, id) }),
    });
    running.unshift(server.stop);
    return { url: server.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
