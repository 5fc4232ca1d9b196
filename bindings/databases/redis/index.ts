/** Dragonfly, Redis, Valkey, and whatever else speaks Redis' protocol, through `ioredis`. */
import type { Binding } from '../../core/binding.ts';
import { type Connection, connection } from '../../core/connection.ts';
import { parseAddress } from './address.ts';
import { RedisClient } from './client.ts';
import { RedisHandle } from './handle.ts';
import { inspect } from './inspect.ts';
import { describeTarget, type ParsedOptions, parseOptions, type RedisOptions } from './options.ts';
import { renew } from './renew.ts';
import { ownership, reset } from './reset/index.ts';
import { health } from './server.ts';

export type { ChannelOptions } from './channel.ts';
export type { RedisHandle } from './handle.ts';
export type { RedisKey } from './key.ts';
export type { KeyRow } from './keys.ts';
export type { RedisOptions } from './options.ts';
export type { Scalar, SeedOptions, SeedValue, StoredAs } from './seed.ts';
export type { StreamOptions } from './stream.ts';

type RedisBinding = Binding<ParsedOptions, RedisClient, RedisHandle>;

/** One binding under three names: what a server can do is asked of the server. */
function bindingOf<const Kind extends string>(kind: Kind) {
  return {
    kind,
    driver: { name: 'ioredis', range: '>=6 <7' },
    parse: parseOptions,
    withAddress({ server: _, cluster: __, ...options }: ParsedOptions, address: string, path: string): ParsedOptions {
      return { ...options, address: parseAddress(address, path) };
    },
    describe: (options: ParsedOptions) => ({ address: describeTarget(options, kind) }),
    open: (options, scope) => RedisClient.open(kind, options, scope),
    close: async (client) => client.close(),
    renew,
    health,
    inspect,
    ownership,
    reset,
    handle: (opened, scope) => new RedisHandle(opened, scope),
  } satisfies RedisBinding;
}

export const dragonflyBinding = bindingOf('dragonfly');
export const redisBinding = bindingOf('redis');
export const valkeyBinding = bindingOf('valkey');

/**
 * A DragonflyDB.
 *
 * @throws QaError QA_CONFIG when the config is loaded or the connection opens, naming what is wrong
 * @example
 * dragonfly({ url: 'redis://127.0.0.1:6379/0', keyPrefix: 'shop:' })
 * dragonfly({ server: embedded() })
 */
export function dragonfly(options: RedisOptions): Connection<RedisHandle> {
  return connectionOf(dragonflyBinding, options);
}

/**
 * A Redis; the same as `dragonfly`, by its own name.
 *
 * @throws QaError QA_CONFIG
 * @example
 * redis({ url: fromEnv('REDIS_URL'), channels: ['news'] })
 */
export function redis(options: RedisOptions): Connection<RedisHandle> {
  return connectionOf(redisBinding, options);
}

/**
 * A Valkey; the same as `dragonfly`, by its own name.
 *
 * @throws QaError QA_CONFIG
 * @example
 * valkey({ host: '127.0.0.1', user: 'app', password: fromEnv('CACHE_PASSWORD') })
 */
export function valkey(options: RedisOptions): Connection<RedisHandle> {
  return connectionOf(valkeyBinding, options);
}

function connectionOf(binding: RedisBinding, options: RedisOptions): Connection<RedisHandle> {
  return connection(binding, options);
}
