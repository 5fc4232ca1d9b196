/**
 * The shop: takes orders over HTTP, has them paid by a background job, and writes an audit row for each payment.
 * `startShop` runs it in this process; `main.mjs` runs it as a process of its own.
 */
import pg from 'pg';
import { serve } from './http.mjs';
import { startWorker } from './jobs.mjs';
import { migrate } from './migrations.mjs';
import { cancelOrder, createOrder, findOrder, jobs } from './orders.mjs';

/**
 * @param {{ databaseUrl: string, port?: number }} options
 * @returns {Promise<{ url: string, stop(): Promise<void> }>} `stop` ends what is under way first
 */
export async function startShop({ databaseUrl, port = 0 }) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 5, application_name: 'shop' });
  // An idle connection that breaks is dropped by the pool; the next query opens another.
  pool.on('error', (error) => console.error(`shop: an idle connection broke: ${error.message}`));
  try {
    await migrate(pool);
    const worker = await startWorker({ pool, databaseUrl, jobs });
    const server = await serve(port, {
      'POST /orders': async ({ body }) => ({ status: 201, body: await createOrder(pool, body) }),
      'GET /orders/:id': async ({ id }) => ({ status: 200, body: await findOrder(pool, id) }),
      'POST /orders/:id/cancel': async ({ id }) => ({ status: 200, body: await cancelOrder(pool, id) }),
    });
    return {
      url: server.url,
      async stop() {
        await server.stop();
        await worker.stop();
        await pool.end();
      },
    };
  } catch (error) {
    await pool.end();
    throw error;
  }
}
