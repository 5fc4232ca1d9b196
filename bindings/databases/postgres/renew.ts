/** A pool that has served one file, made as good as new for the next. */
import type { EventEmitter } from 'node:events';
import type pg from 'pg';
import { clock } from '../../core/clock.ts';

/** Time for the server to answer, ms; one that does not is not worth keeping. */
const PATIENCE = 250;

/** What a test may have left in a session, but for prepared statements, which the driver would miss. */
const CLEAN = `rollback; close all; set session authorization default; reset all; unlisten *;
  select pg_advisory_unlock_all(); discard plans; discard temp; discard sequences`;

/** What the driver keeps of a session: no part of its types. */
interface Session {
  connection: { parsedStatements: Record<string, unknown> };
}

const own = new WeakMap<EventEmitter, Map<string | symbol, Set<unknown>>>();

/** Remembers the listeners of a newly made pool or client: others are a test's. */
export function rememberListeners(emitter: EventEmitter): void {
  own.set(emitter, new Map(emitter.eventNames().map((name) => [name, new Set(emitter.rawListeners(name))])));
}

function removeOthers(emitter: EventEmitter): void {
  const known = own.get(emitter);
  for (const name of emitter.eventNames()) {
    for (const listener of emitter.rawListeners(name)) {
      if (!known?.get(name)?.has(listener)) emitter.removeListener(name, listener as () => void);
    }
  }
}

/** False: a test has left it in a state that cannot be undone, or the server does not answer. */
export async function renewPool(pool: pg.Pool): Promise<boolean> {
  const isIdle = pool.totalCount === 1 && pool.idleCount === 1 && pool.waitingCount === 0;
  if (!isIdle || pool.ending || pool.ended) return false;
  const { setTimeout, clearTimeout } = clock();
  let timer: NodeJS.Timeout | undefined;
  try {
    const client = await pool.connect();
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('No answer.')), PATIENCE);
    });
    try {
      const isUsed = Object.keys((client as unknown as Session).connection.parsedStatements).length > 0;
      if (isUsed) return false;
      await Promise.race([client.query(CLEAN), late]);
      removeOthers(client);
    } catch (error) {
      client.release(error as Error);
      return false;
    } finally {
      clearTimeout(timer);
    }
    client.release();
  } catch {
    // The connection broke while nobody used it: the next file opens another.
    return false;
  }
  removeOthers(pool);
  return true;
}
