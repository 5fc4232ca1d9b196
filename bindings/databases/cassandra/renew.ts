/** A client that has served one file, made as good as new for the next. */
import type { EventEmitter } from 'node:events';
import type cassandra from 'cassandra-driver';
import { clock } from '../../core/clock.ts';
import { hostsOf, letGo } from './sockets.ts';

/** Time for the server to answer, ms; one that does not is not worth keeping. */
const PATIENCE = 250;

interface Own {
  listeners: Map<string | symbol, Set<unknown>>;
  keyspace: string | undefined;
}

/** Parts of the driver that are no part of its types. */
interface Inner {
  connected: boolean;
  isShuttingDown: boolean;
  options: { pooling: { heartBeatInterval?: number } };
}

const own = new WeakMap<cassandra.Client, Own>();

/** Remembers how a newly opened client is: the rest is a test's. */
export function rememberState(client: cassandra.Client): void {
  const emitter: EventEmitter = client;
  own.set(client, {
    listeners: new Map(emitter.eventNames().map((name) => [name, new Set(emitter.rawListeners(name))])),
    keyspace: client.keyspace,
  });
}

/** False: a test has left it in a state that cannot be undone, or the server does not answer. */
export async function renewClient(client: cassandra.Client): Promise<boolean> {
  const known = own.get(client);
  const inner = client as unknown as Inner;
  const isIdle = [...hostsOf(client)].every((host) => host.isUp() && host.pool.getInFlight() === 0);
  if (!known || !inner.connected || inner.isShuttingDown || !isIdle) return false;
  // A heartbeat would keep the process alive, and `use` has changed sessions that we cannot tell.
  if (inner.options.pooling.heartBeatInterval || client.keyspace !== known.keyspace) return false;
  const { setTimeout, clearTimeout } = clock();
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('No answer.')), PATIENCE);
    });
    await Promise.race([client.execute('SELECT key FROM system.local'), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
  const emitter: EventEmitter = client;
  for (const name of emitter.eventNames()) {
    for (const listener of emitter.rawListeners(name)) {
      if (!known.listeners.get(name)?.has(listener)) emitter.removeListener(name, listener as () => void);
    }
  }
  letGo(client);
  return true;
}
