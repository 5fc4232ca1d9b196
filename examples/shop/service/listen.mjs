/**
 * Works when PostgreSQL says that there is something to do (LISTEN), so nothing is polled. What fails is tried again
 * after a while: it waits in its table.
 */
import pg from 'pg';

const AGAIN_AFTER_MS = 500;

/**
 * @param {object} options
 * @param {string} options.databaseUrl
 * @param {string} options.channel
 * @param {() => Promise<boolean>} options.next does one thing; false: there was none
 * @returns {Promise<{ stop(): Promise<void> }>} `stop` ends what is under way first
 */
export async function workOn({ databaseUrl, channel, next }) {
  let stopped = false;
  let wanted = false;
  /** @type {Promise<void> | undefined} */
  let working;
  /** @type {pg.Client | undefined} */
  let listener;
  /** @type {NodeJS.Timeout | undefined} */
  let reconnect;
  /** @type {NodeJS.Timeout | undefined} */
  let retry;

  await listen();
  return {
    async stop() {
      stopped = true;
      clearTimeout(reconnect);
      clearTimeout(retry);
      await working;
      await listener?.end();
    },
  };

  /** @returns {Promise<void>} */
  async function listen() {
    const client = new pg.Client({ connectionString: databaseUrl, application_name: `shop ${channel}` });
    client.on('notification', work);
    client.on('error', (error) => again(client, error));
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
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
    console.error(`shop: the connection that listens for ${channel} broke: ${error.message}`);
    const attempt = () => listen().catch(() => later());
    const later = () => {
      if (!stopped) reconnect = setTimeout(attempt, AGAIN_AFTER_MS);
    };
    later();
  }

  function work() {
    wanted = true;
    working ??= drain().finally(() => {
      working = undefined;
    });
  }

  async function drain() {
    clearTimeout(retry);
    while (wanted && !stopped) {
      wanted = false;
      try {
        while (!stopped && (await next()));
      } catch (error) {
        console.error(`shop: ${channel} wait: ${error instanceof Error ? error.message : error}`);
        if (!stopped) retry = setTimeout(work, AGAIN_AFTER_MS);
      }
    }
  }
}
