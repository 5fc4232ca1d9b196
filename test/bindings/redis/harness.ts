/** A server, a connection to it as the session opens it, with matchers, and a client of the service's own. */
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Resetter, Scope } from '../../../bindings/core/binding.ts';
import type { RedisClient } from '../../../bindings/databases/redis/client.ts';
import {
  redisBinding as binding,
  type RedisHandle,
  type RedisOptions,
} from '../../../bindings/databases/redis/index.ts';
import { waitForRow } from '../../../matchers/wait-for.ts';
import { type Program, startRedis, type TestRedis, type TestRedisOptions } from '../../support/redis.ts';
import { openBinding } from '../../support/scope.ts';

export interface Suite {
  server: TestRedis;
  client: RedisClient;
  /** As tests see it. */
  cache: RedisHandle;
  /** As the service uses it: another connection. */
  service: Redis;
  resetter: Resetter;
  scope: Scope;
}

/** Fills what it returns before all tests; the database is emptied and marked before each. */
export function redisSuite(program: Program, options: RedisOptions = {}, serverOptions: TestRedisOptions = {}): Suite {
  const suite = {} as Suite;
  beforeAll(async () => {
    suite.server = await startRedis({ program, ...serverOptions });
    suite.service = suite.server.client();
    const opened = await open(suite.server, options);
    Object.assign(suite, opened);
    suite.resetter = await binding.reset(
      opened.client,
      { owned: true, by: 'marks', because: '', harmless: true },
      opened.scope,
    );
  });
  beforeEach(async () => {
    await suite.service.flushall();
    await suite.resetter.reset(AbortSignal.timeout(5000));
  });
  afterAll(async () => {
    suite.client?.close();
    await suite.server?.stop();
  });
  return suite;
}

export async function open(server: TestRedis, options: RedisOptions = {}, changes: Partial<Scope> = {}) {
  const scope = { connection: 'cache', waitFor: waitForRow as Scope['waitFor'], ...changes };
  const { client, handle, scope: made } = await openBinding(binding, { url: server.url(), ...options }, scope);
  return { client, cache: handle, scope: made };
}
