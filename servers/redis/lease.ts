/** Hands out servers that speak Redis' protocol: a process for each worker, or one for all. */
import type { Lease, Namespace } from '../../bindings/core/binding.ts';
import { redactUrl } from '../../bindings/core/redact.ts';
import { isEmbedded, type Lent } from '../../bindings/core/server.ts';
import { parseAddress } from '../../bindings/databases/redis/address.ts';
import type { KeeperClient } from '../client.ts';
import { startedOnce } from '../lent.ts';
import { Failed } from '../protocol.ts';
import { findProgram } from './find.ts';
import type { RedisInfo, RedisServerOptions } from './start.ts';

export interface RedisRequest {
  /** Of the binding: the program of that name comes first. */
  kind: string;
  /** `embedded(…)`, or a started server. */
  server: unknown;
  connection: string;
  /** The module `ioredis` of the user's project. */
  driver: unknown;
  namespace: Namespace;
  baseDir: string;
  signal: AbortSignal;
  /** Told the address of a lent server, redacted, for errors. */
  onLent(address: string): void;
}

const DEFAULT_START_TIMEOUT = 60_000;
/** Where a server of testcontainers listens inside. */
const CONTAINER_PORT = 6379;
/** ms */
const CONNECT_TIMEOUT = 5000;

export async function leaseRedis(request: RedisRequest, line: KeeperClient): Promise<Lease> {
  const { kind, server, connection, namespace, baseDir, signal } = request;
  if (!isEmbedded(server)) return lent(request, line);
  const { binaries, isolation = 'worker', startTimeout = DEFAULT_START_TIMEOUT } = server.options;
  const owner = `${connection} ${isolation === 'worker' ? namespace.worker : 'shared'}`;
  const options = { program: findProgram(kind, binaries, baseDir), owner, startTimeout };
  const { id, host, port, password } = await line.start<RedisInfo, RedisServerOptions>('redis', options, signal);
  const url = `redis://:${password}@${host}:${port}/0`;
  // Told to the keeper for those who look at what is kept.
  await line.once(`redis ${id}`, async () => ({ value: url, address: url }), signal);
  return {
    // Not as one address: the config may name the database.
    options: { host, port, password },
    because: 'a throwaway server that this run started',
    isShared: isolation === 'run',
    secret: { password },
  };
}

/** What it held before is not ours: only one that was empty is brought back to that. */
async function lent({ server, driver, onLent, signal }: RedisRequest, line: KeeperClient): Promise<Lease> {
  const url = urlOf(await startedOnce(server as Lent<object>));
  onLent(redactUrl(url));
  const count = async () => ({ value: await keysOf(driver as Driver, url) });
  const keys = await line.once(`lent redis ${url}`, count, signal);
  const { host, port, user, password, tls } = parseAddress(url, 'server');
  return {
    options: { host, port, ...(user && { user }), ...(password && { password }), ...(tls && { ssl: true }) },
    because: 'a server that was started for this run',
    isShared: true,
    secret: { keys: String(keys) },
  };
}

/** The class of `ioredis`. */
type Driver = new (
  url: string,
  options: object,
) => {
  on(event: 'error', listener: (error: Error) => void): unknown;
  info(section: string): Promise<string>;
  disconnect(): void;
};

/** How many keys it holds, in all databases. */
async function keysOf(Redis: Driver, url: string): Promise<number> {
  let trouble: Error | undefined;
  const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null, commandTimeout: CONNECT_TIMEOUT });
  redis.on('error', (error) => {
    trouble ??= error;
  });
  try {
    const keyspace = await redis.info('keyspace');
    return [...keyspace.matchAll(/keys=(\d+)/g)].reduce((sum, [, keys]) => sum + Number(keys), 0);
  } catch (error) {
    throw trouble ?? error;
  } finally {
    redis.disconnect();
  }
}

function urlOf(given: unknown): string {
  const started = (given ?? {}) as Record<string, unknown>;
  if (typeof started.getConnectionUrl === 'function') return String(started.getConnectionUrl());
  if (typeof started.getHost === 'function' && typeof started.getMappedPort === 'function')
    return `redis://${started.getHost()}:${started.getMappedPort(CONTAINER_PORT)}/0`;
  throw new Failed({
    code: 'QA_CONFIG',
    what: '`server` is neither `embedded(…)` nor a started server: it has no `getConnectionUrl()`, and not `getHost()` and `getMappedPort()`',
    mend: 'Give `embedded()`, or what `await new RedisContainer(…).start()` returns',
  });
}
