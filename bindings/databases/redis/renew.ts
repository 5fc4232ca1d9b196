/** A connection that has served one file, made as good as new for the next. */
import type { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { clock } from '../../core/clock.ts';
import { orAborted } from '../../core/operation.ts';
import type { RedisClient } from './client.ts';

/** Time for the server to answer, ms; one that does not is not worth keeping. */
const PATIENCE = 250;

/** What a session is like: what a test has changed of it shows here. */
export interface Snapshot {
  info: string;
  keys: ReadonlySet<string>;
  listeners: ReadonlyMap<string | symbol, ReadonlySet<unknown>>;
}

const snapshots = new WeakMap<RedisClient, Snapshot>();

/** Remembers a newly opened connection, as far as the server tells. */
export async function remember(client: RedisClient): Promise<void> {
  const redis = client.redis as Redis;
  if (client.isCluster) return;
  const info = await sessionOf(redis);
  if (info === undefined) return;
  const listeners = new Map(redis.eventNames().map((name) => [name, new Set<unknown>(redis.rawListeners(name))]));
  snapshots.set(client, { info, keys: new Set(Object.keys(redis)), listeners });
}

/** False: a test has left it in a state that cannot be undone, or the server does not answer. */
export async function renew(client: RedisClient): Promise<boolean> {
  const before = snapshots.get(client);
  const redis = client.redis as Redis;
  if (before === undefined || redis.status !== 'ready' || redis.mode !== 'normal' || client.trouble !== undefined)
    return false;
  const { setTimeout, clearTimeout } = clock();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error('No answer.')), PATIENCE);
  try {
    const info = await orAborted(sessionOf(redis), late.signal);
    // Commands that a test has defined are properties of the client.
    const isAsBefore = info === before.info && Object.keys(redis).every((key) => before.keys.has(key));
    if (!isAsBefore) return false;
    const [seconds] = await orAborted(redis.time(), late.signal);
    client.marks.file = Number(seconds) * 1000;
  } catch {
    // It broke while nobody used it: the next file opens another.
    return false;
  } finally {
    clearTimeout(timer);
  }
  client.marks.test = client.marks.file;
  client.marks.streams.clear();
  client.streams.clear();
  if (client.channels && !client.channels.renew()) return false;
  removeOthers(redis, before);
  return true;
}

/** Database, subscriptions, transaction, name, user and tracking of the session; undefined where the server does not tell. */
async function sessionOf(redis: Redis): Promise<string | undefined> {
  const line = await redis.call('CLIENT', 'INFO').catch(() => undefined);
  if (typeof line !== 'string') return undefined;
  return (line.match(/\b(?:id|name|flags|db|sub|psub|ssub|multi|watch|user|redir|resp)=\S*/g) ?? []).join(' ');
}

function removeOthers(emitter: EventEmitter, { listeners }: Snapshot): void {
  for (const name of emitter.eventNames()) {
    for (const listener of emitter.rawListeners(name)) {
      if (!listeners.get(name)?.has(listener)) emitter.removeListener(name, listener as () => void);
    }
  }
}
