/** Running a statement on the pool, so that an aborted one is cancelled in the server and its client not given back busy. */
import { connect } from 'node:net';
import type pg from 'pg';
import { clock } from '../../core/clock.ts';
import { isLost } from './errors.ts';

/** A cancelled statement is given this long, in ms, to end; then its connection is destroyed. */
const GRACE = 300;

export type Statement = pg.QueryConfig & { queryMode?: 'extended' };

/**
 * @param repeatable the statement only reads: when the connection proves to be broken it runs again on a new one
 * @throws the signal's reason when it is aborted; the driver's error
 */
export async function execute(
  pool: pg.Pool,
  statement: Statement,
  { signal, repeatable = false }: { signal?: AbortSignal | undefined; repeatable?: boolean } = {},
): Promise<pg.QueryResult> {
  signal?.throwIfAborted();
  const client = await acquire(pool, signal);
  try {
    return await runOn(client, statement, signal);
  } catch (error) {
    // A server that was restarted leaves broken connections in the pool: each is found out by its first use.
    if (!repeatable || !isLost(error) || signal?.aborted) throw error;
  }
  return execute(pool, statement, { signal, repeatable: pool.idleCount > 0 });
}

function runOn(client: pg.PoolClient, statement: Statement, signal: AbortSignal | undefined): Promise<pg.QueryResult> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      client.release();
      return reject(signal.reason);
    }
    const running = client.query(statement);
    let isGivenUp = false;
    const abort = () => {
      isGivenUp = true;
      reject(signal!.reason);
      void giveUp(client, running);
    };
    signal?.addEventListener('abort', abort, { once: true });
    const settle = (error: unknown): boolean => {
      signal?.removeEventListener('abort', abort);
      if (isGivenUp) return false;
      client.release(error !== undefined && isLost(error));
      return true;
    };
    running.then(
      (result) => settle(undefined) && resolve(result),
      (error) => settle(error) && reject(error),
    );
  });
}

function acquire(pool: pg.Pool, signal: AbortSignal | undefined): Promise<pg.PoolClient> {
  if (!signal) return pool.connect();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    // An idle client comes at once: no need to listen for it.
    const listens = pool.idleCount <= pool.waitingCount;
    if (listens) signal.addEventListener('abort', abort, { once: true });
    pool.connect().then(
      (client) => {
        if (listens) signal.removeEventListener('abort', abort);
        if (!signal.aborted) return resolve(client);
        client.release();
        reject(signal.reason);
      },
      (error) => {
        if (listens) signal.removeEventListener('abort', abort);
        reject(error);
      },
    );
  });
}

/** Frees the client of a statement that nobody waits for any more. */
async function giveUp(client: pg.PoolClient, running: Promise<unknown>): Promise<void> {
  cancel(client);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = clock().setTimeout(() => resolve('late'), GRACE);
  });
  // How the statement ended does not matter: its caller has been told the signal's reason.
  const end = await Promise.race([running.then(ended, ended), late]);
  clock().clearTimeout(timer);
  client.release(end === 'late');
}

const ended = () => 'ended' as const;

/** PostgreSQL's CancelRequest: a connection of its own that sends 16 bytes. It works on TLS-only servers too. */
function cancel(client: pg.PoolClient): void {
  const { processID, secretKey, host, port } = client as unknown as {
    processID: number | null;
    secretKey: number | null;
    host: string;
    port: number;
  };
  if (processID === null || secretKey === null) return;
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(80877102, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  const socket = host?.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  socket.unref();
  socket.setTimeout(GRACE, () => socket.destroy());
  // A server that cannot be reached cannot cancel either: the client is destroyed after GRACE.
  socket.on('error', () => socket.destroy());
  socket.end(request);
}

/** A client of its own for several statements, as a transaction needs. */
export interface Held {
  readonly client: pg.PoolClient;
  run(statement: Statement, signal?: AbortSignal): Promise<pg.QueryResult>;
  /** Runs a last statement if the connection still works; never throws. The client goes back, or is destroyed. */
  release(last?: string): Promise<void>;
}

export async function hold(pool: pg.Pool, signal?: AbortSignal): Promise<Held> {
  const client = await acquire(pool, signal);
  let isBroken = false;
  let isReleased = false;
  const run = async (statement: Statement, own: AbortSignal | undefined = signal) => {
    own?.throwIfAborted();
    const running = client.query(statement);
    let abort: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(own!.reason);
      own?.addEventListener('abort', abort, { once: true });
    });
    try {
      return await (own ? Promise.race([running, aborted]) : running);
    } catch (error) {
      if (own?.aborted) {
        cancel(client);
        // What becomes of it is of no interest: the client is destroyed.
        running.catch(() => undefined);
      }
      isBroken ||= Boolean(own?.aborted) || isLost(error);
      throw error;
    } finally {
      own?.removeEventListener('abort', abort!);
    }
  };
  return {
    client,
    run,
    async release(last) {
      if (isReleased) return;
      isReleased = true;
      if (last !== undefined && !isBroken) {
        // A connection that cannot even do this must not go back to the pool.
        await bounded(client.query(last)).catch(() => {
          isBroken = true;
        });
      }
      client.release(isBroken);
    },
  };
}

async function bounded<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = clock().setTimeout(() => reject(new Error('no answer')), GRACE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clock().clearTimeout(timer);
  }
}
