/**
 * Runs the jobs of the table `jobs`. PostgreSQL says when there is a new one (LISTEN), so nothing is polled; a job
 * and what it writes are one transaction, so it is done once or not at all.
 */
import pg from 'pg';
import { transaction } from './transaction.mjs';

const MOST_ATTEMPTS = 3;
const RECONNECT_AFTER_MS = 500;

/** @typedef {(client: import('pg').PoolClient, orderId: string) => Promise<void>} Job */

/**
 * @param {{ pool: pg.Pool, databaseUrl: string, jobs: Readonly<Record<string, Job>> }} options
 * @returns {Promise<{ stop(): Promise<void> }>}
 */
export async function startWorker({ pool, databaseUrl, jobs }) {
  let stopped = false;
  let wanted = false;
  /** @type {Promise<void> | undefined} */
  let working;
  /** @type {pg.Client | undefined} */
  let listener;
  /** @type {NodeJS.Timeout | undefined} */
  let reconnect;

  await listen();
  return {
    async stop() {
      stopped = true;
      clearTimeout(reconnect);
      await working;
      await listener?.end();
    },
  };

  /** @returns {Promise<void>} */
  async function listen() {
    const client = new pg.Client({ connectionString: databaseUrl, application_name: 'shop jobs' });
    client.on('notification', work);
    client.on('error', (error) => again(client, error));
    try {
      await client.connect();
      await client.query('listen jobs');
    } catch (error) {
      await client.end();
      throw error;
    }
    if (stopped) return client.end();
    listener = client;
    work(); // what was announced while nobody listened
  }

  /** @param {pg.Client} client @param {Error} error */
  function again(client, error) {
    if (stopped || listener !== client) return;
    listener = undefined;
    console.error(`shop: the connection for jobs broke: ${error.message}`);
    const attempt = () => listen().catch(() => retry());
    const retry = () => {
      if (!stopped) reconnect = setTimeout(attempt, RECONNECT_AFTER_MS);
    };
    retry();
  }

  function work() {
    wanted = true;
    working ??= drain().finally(() => {
      working = undefined;
    });
  }

  async function drain() {
    while (wanted && !stopped) {
      wanted = false;
      try {
        while (!stopped && (await runNext()));
      } catch (error) {
        // The database is away: the jobs wait in their table until the listener is back.
        console.error(`shop: jobs wait: ${error instanceof Error ? error.message : error}`);
      }
    }
  }

  /** @returns {Promise<boolean>} whether there was a job */
  async function runNext() {
    /** @type {{ id: string, name: string, order_id: string } | undefined} */
    let job;
    try {
      await transaction(pool, async (client) => {
        const { rows } = await client.query(
          `delete from jobs where id =
             (select id from jobs where attempts < $1 order by id limit 1 for update skip locked)
           returning id, name, order_id`,
          [MOST_ATTEMPTS],
        );
        job = rows[0];
        if (job) await jobs[job.name](client, job.order_id);
      });
      return job !== undefined;
    } catch (error) {
      if (!job) throw error;
      await pool.query('update jobs set attempts = attempts + 1, error = $2 where id = $1', [
        job.id,
        error instanceof Error ? error.message : String(error),
      ]);
      return true;
    }
  }
}
