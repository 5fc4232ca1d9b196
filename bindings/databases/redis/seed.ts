/** Writes keys of all types in one pipeline: what was there under their names is replaced. */
import type { ChainableCommander } from 'ioredis';
import { QaError } from '../../core/errors.ts';
import type { Store } from './store.ts';

export type Scalar = string | number | bigint | boolean | Uint8Array;

/** How a value is stored. */
export type StoredAs = 'string' | 'json' | 'hash' | 'list' | 'set' | 'zset' | 'stream';

export interface SeedOptions {
  /** Default: by the value. `json`: as JSON text. */
  as?: StoredAs;
  /** Time until it expires, ms. Default: never. */
  ttl?: number;
}

const SEEDED: unique symbol = Symbol.for('@qa/jest-preset/redis/seeded') as never;

/** A value with options of its own, made by `qa.<name>.value()`. */
export interface SeedValue extends SeedOptions {
  readonly [SEEDED]: true;
  readonly value: unknown;
}

export function seedValue(value: unknown, options: SeedOptions): SeedValue {
  return { [SEEDED]: true, value, ...options };
}

/** @throws QaError QA_MISUSE before anything is written; the server's own error where it refuses one */
export async function seed(
  store: Store,
  values: Readonly<Record<string, unknown>>,
  options: SeedOptions,
): Promise<void> {
  const { redis, client } = store;
  // Nodes of a cluster each get what is theirs.
  const pipelines: { name: string; ask: ChainableCommander }[] = [];
  let ask = redis.pipeline();
  for (const [name, given] of Object.entries(values)) {
    if (client.isCluster) ask = redis.pipeline();
    const { value, ...own } = isSeedValue(given) ? given : { value: given };
    write(ask, { key: store.full(name), name, value, connection: store.scope.connection, ...options, ...own });
    if (client.isCluster || pipelines.length === 0) pipelines.push({ name, ask });
  }
  await store.scope.trace('seed', { keys: Object.keys(values) }, () =>
    Promise.all(
      pipelines.map(async ({ ask }) => {
        for (const [error] of (await ask.exec()) ?? []) if (error) throw error;
      }),
    ),
  );
}

interface Write extends SeedOptions {
  key: string;
  name: string;
  value: unknown;
  connection: string;
}

function write(ask: ChainableCommander, { key, name, value, as = typeOf(value), ttl, connection }: Write): void {
  const refuse = (what: string, mend: string) =>
    new QaError('QA_MISUSE', { what: `seed(): \`${name}\` ${what}`, mend, connection });
  if (ttl !== undefined && !(Number.isInteger(ttl) && ttl > 0))
    throw refuse(`has the time to live ${String(ttl)}`, 'Give a whole number of ms from 1');
  if (as === undefined)
    throw refuse(
      `is ${value === null ? 'null' : typeof value}, which no key can be`,
      "Leave it out, or store it as JSON: `{ as: 'json' }`",
    );
  const scalar = (part: unknown, where: string): string | Buffer => {
    const stored = stored_(part);
    if (stored === undefined)
      throw refuse(
        `holds ${kindOf(part)} ${where}, and a ${as} holds text and bytes`,
        "Write it as text, or store the whole as JSON: `{ as: 'json' }`",
      );
    return stored;
  };
  const filled = <T>(items: T[]): T[] => {
    if (items.length === 0) throw refuse(`is an empty ${as}, which is no key at all`, 'Leave it out');
    return items;
  };
  const expiring = () => {
    if (ttl !== undefined) ask.pexpire(key, ttl);
  };
  if (as === 'string' || as === 'json') {
    const text = as === 'json' ? JSON.stringify(value) : scalar(value, 'as its value');
    if (text === undefined) throw refuse('is undefined', 'Leave it out');
    if (ttl === undefined) ask.set(key, text);
    else ask.set(key, text, 'PX', ttl);
    return;
  }
  ask.del(key);
  switch (as) {
    case 'hash':
      ask.hset(
        key,
        ...filled(Object.entries(objectOf(value, refuse, as))).flatMap(([field, part]) => [
          field,
          scalar(part, `in its field \`${field}\``),
        ]),
      );
      break;
    case 'list':
      ask.rpush(key, ...filled(listOf(value, refuse, as)).map((item, index) => scalar(item, `at [${index}]`)));
      break;
    case 'set':
      ask.sadd(key, ...filled(listOf(value, refuse, as)).map((item) => scalar(item, 'as a member')));
      break;
    case 'zset': {
      const scores =
        value instanceof Map || isMap(value)
          ? [...(value as Map<unknown, unknown>)]
          : Object.entries(objectOf(value, refuse, as));
      const flat = filled(scores).flatMap(([member, score]) => {
        if (typeof score !== 'number' || Number.isNaN(score))
          throw refuse(`gives \`${String(member)}\` the score ${String(score)}`, 'Give numbers');
        return [Number.isFinite(score) ? score : score > 0 ? '+inf' : '-inf', scalar(member, 'as a member')];
      });
      ask.zadd(key, ...(flat as [number, string]));
      break;
    }
    case 'stream':
      for (const [index, entry] of filled(listOf(value, refuse, as)).entries()) {
        const fields = filled(Object.entries(objectOf(entry, refuse, 'stream of objects')));
        ask.xadd(key, '*', ...fields.flatMap(([field, part]) => [field, scalar(part, `at [${index}].${field}`)]));
      }
  }
  expiring();
}

function typeOf(value: unknown): StoredAs | undefined {
  if (stored_(value) !== undefined) return 'string';
  if (Array.isArray(value)) return 'list';
  const tag = Object.prototype.toString.call(value);
  if (tag === '[object Set]') return 'set';
  if (tag === '[object Map]') return 'zset';
  return tag === '[object Object]' ? 'hash' : undefined;
}

/** As the server keeps it; undefined: it cannot. */
function stored_(value: unknown): string | Buffer | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (!ArrayBuffer.isView(value)) return undefined;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

type Refuse = (what: string, mend: string) => QaError;

function objectOf(value: unknown, refuse: Refuse, as: string): object {
  if (Object.prototype.toString.call(value) === '[object Object]') return value as object;
  throw refuse(`is ${kindOf(value)}, but is to be a ${as}`, 'Give an object');
}

function listOf(value: unknown, refuse: Refuse, as: string): unknown[] {
  if (Array.isArray(value)) return value;
  if (Object.prototype.toString.call(value) === '[object Set]') return [...(value as Set<unknown>)];
  throw refuse(`is ${kindOf(value)}, but is to be a ${as}`, 'Give a list');
}

function isMap(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Map]';
}

function isSeedValue(value: unknown): value is SeedValue {
  return typeof value === 'object' && value !== null && SEEDED in value;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
}
