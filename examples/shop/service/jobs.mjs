/** Runs the jobs of the table `jobs`: a job and what it writes are one transaction, so it is done once or not at all. */
import { workOn } from './listen.mjs';
import { transaction } from './transaction.mjs';

const MOST_ATTEMPTS = 3;

/** @typedef {(client: import('pg').PoolClient, orderId: string) => Promise<void>} Job */

/**
 * @param {{ pool: import('pg').Pool, databaseUrl: string, jobs: Readonly<Record<string, Job>> }} options
 */
export function startWorker({ pool, databaseUrl, jobs }) {
  return workOn({ databaseUrl, channel: 'jobs', next });

  async function next() {
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
