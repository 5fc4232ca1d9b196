/** Resets on real servers: of a throwaway one, and of a marked prefix; with a server that tells of changes, and without. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Lease, Proof, Resetter, Scope } from '../../../bindings/core/binding.ts';
import type { RedisClient } from '../../../bindings/databases/redis/client.ts';
import { redisBinding as binding, type RedisOptions } from '../../../bindings/databases/redis/index.ts';
import { PROGRAMS, startRedis, type TestRedis } from '../../support/redis.ts';
import { open } from './harness.ts';

const PASSWORD = 'correct-horse-battery';
const LEASE: Lease = { options: {}, because: 'the test started it', isShared: false, secret: { password: PASSWORD } };
const soon = () => AbortSignal.timeout(5000);

describe.each(PROGRAMS)('$name', (program) => {
  let server: TestRedis;
  /** The service's own connection. */
  let service: Redis;
  const clients: { client: RedisClient; resetter?: Resetter }[] = [];

  beforeAll(async () => {
    server = await startRedis({ program, password: PASSWORD });
    service = server.client();
    // May do all but ask to be told of changed keys.
    await server.run('ACL', 'SETUSER', 'untold', 'on', `>${PASSWORD}`, '~*', '&*', '+@all', '-client|tracking');
  });
  beforeEach(() => service.flushall());
  afterEach(async () => {
    for (const { client, resetter } of clients.splice(0)) {
      await resetter?.close();
      client.close();
    }
  });
  afterAll(() => server?.stop());

  async function resetting(options: RedisOptions = {}, changes: Partial<Scope> = {}) {
    const { url: _, ...address } = { url: '', host: server.host, port: server.port, password: PASSWORD };
    const { client, cache, scope } = await open(server, { url: undefined as never, ...address, ...options }, changes);
    const entry: (typeof clients)[number] = { client };
    clients.push(entry);
    const proof = await binding.ownership(client, client.options, scope);
    const resetter = await binding.reset(client, proof as Proof, scope);
    entry.resetter = resetter;
    return { client, cache, scope, proof, resetter };
  }

  const all = async (db = 0) => {
    await service.select(db);
    const keys = (await service.keys('*')).sort();
    await service.select(0);
    return keys;
  };

  describe.each([
    ['a server that tells of changes', {}],
    ['a server that does not', { user: 'untold' }],
  ])('a throwaway server, %s', (_, user) => {
    const throwaway = () => resetting(user, { lease: LEASE });

    test('what anybody wrote is gone, in all databases', async () => {
      const { resetter, proof, cache, client } = await throwaway();
      expect(proof).toMatchObject({ owned: true, by: 'throwaway' });
      await service.set('before', 'x');
      await resetter.reset(soon());
      expect(client.feed.isAlive).toBe(!('user' in user));
      expect(await all()).toEqual([]);
      await service.set('a', 'x');
      await cache.seed({ b: { f: '1' } });
      await service.select(3);
      await service.set('c', 'x');
      await service.select(0);
      await resetter.reset(soon());
      expect([await all(), await all(3)]).toEqual([[], []]);
      await resetter.reset(soon());
      expect(await all()).toEqual([]);
    });

    test('a baseline comes back: changed, removed, of another type, with its time to live', async () => {
      const { resetter, cache } = await throwaway();
      await resetter.reset(soon());
      await cache.seed({
        text: 'x',
        hash: { a: '1' },
        list: ['a', 'b'],
        set: new Set(['m']),
        zset: new Map([['m', 1]]),
        bytes: Buffer.from([0xff, 0]),
        kept: 'untouched',
        short: cache.value('x', { ttl: 60_000 }),
      });
      await service.set(Buffer.from([0xfe, 0x01]), 'a key of bytes');
      await resetter.push(soon());
      for (const key of ['text', 'list', 'set']) await service.del(key);
      await service.hset('hash', 'b', '2');
      await service.del('zset');
      await service.lpush('zset', 'x');
      await service.set('bytes', 'other');
      await service.persist('short');
      await service.set(Buffer.from([0xfe, 0x01]), 'other');
      await service.set('new', 'x');
      await resetter.reset(soon());
      const get = (name: string) => cache.key(name).get();
      expect(await Promise.all(['text', 'hash', 'list', 'set', 'zset', 'bytes', 'kept', 'new'].map(get))).toEqual([
        'x',
        { a: '1' },
        ['a', 'b'],
        ['m'],
        { m: 1 },
        Buffer.from([0xff, 0]),
        'untouched',
        undefined,
      ]);
      expect(await cache.key('short').ttl()).toBeGreaterThan(50_000);
      expect(String(await service.get(Buffer.from([0xfe, 0x01])))).toBe('a key of bytes');
    });

    test('baselines nest, and what one held is undone after it was popped', async () => {
      const { resetter } = await throwaway();
      await resetter.reset(soon());
      await service.set('outer', '1');
      await resetter.push(soon());
      await resetter.reset(soon());
      await service.set('inner', '1');
      await service.set('outer', '2');
      await resetter.push(soon());
      await service.del('inner', 'outer');
      await resetter.reset(soon());
      expect(await service.mget('outer', 'inner')).toEqual(['2', '1']);
      await service.set('outer', '3');
      resetter.pop();
      await resetter.reset(soon());
      expect(await service.mget('outer', 'inner')).toEqual(['1', null]);
      resetter.pop();
      await resetter.reset(soon());
      expect(await all()).toEqual([]);
      await resetter.reset(soon());
      expect(await all()).toEqual([]);
    });

    test('a test that flushes all does not take the baseline with it', async () => {
      const { resetter } = await throwaway();
      await resetter.reset(soon());
      await service.set('kept', '1');
      await resetter.push(soon());
      await service.flushall();
      await service.set('new', '1');
      await resetter.reset(soon());
      expect(await all()).toEqual(['kept']);
      await service.set('kept', '2');
      await resetter.reset(soon());
      expect(await service.get('kept')).toBe('1');
    });

    test("a key of the baseline that expires stays gone; a stream's groups are where they were", async () => {
      const { resetter } = await throwaway();
      await resetter.reset(soon());
      await service.set('short', 'x', 'PX', 30);
      await service.xadd('events', '1-1', 'n', '1');
      await service.xgroup('CREATE', 'events', 'workers', '0');
      await resetter.push(soon());
      await service.xreadgroup('GROUP', 'workers', 'w', 'STREAMS', 'events', '>');
      await service.xack('events', 'workers', '1-1');
      await sleep(40);
      await resetter.reset(soon());
      expect(await all()).toEqual(['events']);
      expect(await service.xreadgroup('GROUP', 'workers', 'w', 'STREAMS', 'events', '>')).not.toBeNull();
    });

    test('a resetter that served one file serves the next', async () => {
      const { resetter } = await throwaway();
      await resetter.reset(soon());
      await service.set('a', '1');
      await resetter.push(soon());
      expect(resetter.renew?.()).toBe(true);
      await resetter.reset(soon());
      expect(await all()).toEqual([]);
    });
  });

  test('when what tells of changes breaks, nothing is forgotten', async () => {
    const { resetter, client } = await resetting({}, { lease: LEASE });
    await resetter.reset(soon());
    await service.set('kept', '1');
    await resetter.push(soon());
    expect(client.feed.isAlive).toBe(true);
    await service.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await service.set('new', '1');
    await service.set('kept', '2');
    await expect.poll(() => client.feed.isAlive).toBe(false);
    await resetter.reset(soon());
    expect(await all()).toEqual(['kept']);
    expect(await service.get('kept')).toBe('1');
    expect(client.feed.isAlive).toBe(true);
    await service.set('new', '1');
    await resetter.reset(soon());
    expect(await all()).toEqual(['kept']);
  });

  test('a server that is not ours is never emptied, whatever its address says; marks are taken', async () => {
    await service.set('foreign', 'x');
    const notices: string[] = [];
    const { resetter, proof } = await resetting({}, { notice: (line) => notices.push(line) });
    expect(proof).toMatchObject({ by: 'marks', harmless: true });
    expect(notices).toEqual([expect.stringContaining('nothing is reset: redis://127.0.0.1')]);
    await resetter.reset(soon());
    await resetter.push(soon());
    await resetter.reset(soon());
    expect(await all()).toEqual(['foreign']);
    const other = { ...LEASE, secret: { password: 'of-another-server' } };
    expect((await resetting({}, { lease: other })).proof).toMatchObject({
      by: 'marks',
      because: expect.stringContaining('another server'),
    });
    const filled = { ...LEASE, secret: { keys: '7' } };
    expect((await resetting({}, { lease: filled })).proof).toMatchObject({
      by: 'marks',
      because: expect.stringContaining('held 7 keys'),
    });
  });

  describe('a stand', () => {
    beforeEach(async () => {
      await server.run('ACL', 'SETUSER', 'qa-may-empty', 'reset', 'off', '~shop:*', '~tmp:*');
      await service.mset('foreign', '1', 'shopping', '1', 'shop:old', '1');
    });
    afterEach(() => server.run('ACL', 'DELUSER', 'qa-may-empty'));

    test.each([
      ['that tells of changes', {}],
      ['that does not', { user: 'untold' }],
    ])('%s: only what is listed and marked is emptied', async (_, user) => {
      const { resetter, proof } = await resetting({ ...user, reset: { prefix: 'shop:' } });
      expect(proof).toMatchObject({ by: 'marker', because: expect.stringContaining('qa-may-empty') });
      await resetter.reset(soon());
      expect(await all()).toEqual(['foreign', 'qa-may-empty:lock', 'shopping']);
      await service.mset('shop:a', '1', 'foreign2', '1', 'tmp:a', '1');
      await resetter.push(soon());
      await service.mset('shop:a', '2', 'shop:b', '1', 'foreign', '2');
      await resetter.reset(soon());
      expect(await service.mget('shop:a', 'shop:b', 'foreign', 'tmp:a')).toEqual(['1', null, '2', '1']);
      resetter.pop();
      await resetter.reset(soon());
      expect(await all()).toEqual(['foreign', 'foreign2', 'qa-may-empty:lock', 'shopping', 'tmp:a']);
    });

    test('without the marker, or with one for less, it is an error that says what to run', async () => {
      await expect(resetting({ reset: { prefix: ['shop:', 'users:'] } })).rejects.toMatchObject({
        code: 'QA_NO_MARKER',
        message: expect.stringMatching(
          /only shop:\*, tmp:\* may be emptied, not users:.*ACL SETUSER qa-may-empty off resetkeys ~shop:\* ~tmp:\* ~users:\*/s,
        ),
      });
      await expect(resetting({ reset: { prefix: 'sho' } })).rejects.toMatchObject({ code: 'QA_NO_MARKER' });
      await server.run('ACL', 'DELUSER', 'qa-may-empty');
      await expect(resetting({ reset: { prefix: 'shop:' } })).rejects.toMatchObject({
        code: 'QA_NO_MARKER',
        message: expect.stringMatching(/does not carry the marker.*ACL SETUSER qa-may-empty off resetkeys ~shop:\*/s),
      });
      await server.run('ACL', 'SETUSER', 'poor', 'on', `>${PASSWORD}`, '~*', '&*', '+@all', '-@admin');
      await expect(resetting({ user: 'poor', reset: { prefix: 'shop:' } })).rejects.toMatchObject({
        code: 'QA_NO_MARKER',
        message: expect.stringContaining('ACL SETUSER poor +acl|getuser'),
      });
      expect(await all()).toEqual(['foreign', 'shop:old', 'shopping']);
    });

    test('one run at a time; a worker of the same run may take its place', async () => {
      const first = await resetting({ reset: { prefix: 'shop:' } });
      const other = { namespace: { run: 'r2', worker: '1' }, signal: AbortSignal.timeout(300) };
      await expect(resetting({ reset: { prefix: 'shop:' } }, other)).rejects.toMatchObject({
        code: 'QA_RESET_BLOCKED',
        message: expect.stringContaining('Another run, r1, is using this stand'),
      });
      await resetting({ reset: { prefix: 'shop:' } });
      await first.resetter.close();
      const next = await resetting({ reset: { prefix: 'shop:' } }, { ...other, signal: soon() });
      await next.resetter.reset(soon());
      expect(await all()).toEqual(['foreign', 'qa-may-empty:lock', 'shopping']);
    });

    test('a proof that is not the one that was given empties nothing', async () => {
      const { client, scope, proof } = await resetting({ reset: { prefix: 'shop:' } });
      await expect(binding.reset(client, { ...(proof as Proof) }, scope)).rejects.toMatchObject({
        code: 'QA_NOT_OURS',
      });
    });
  });

  test('a server that dies is told, and one that is back is reset', async () => {
    const { resetter } = await resetting({}, { lease: LEASE });
    await resetter.reset(soon());
    await server.crash();
    await expect(resetter.reset(soon())).rejects.toMatchObject({
      code: 'QA_CONNECTION_LOST',
      address: expect.stringContaining('redis://'),
    });
    await server.start();
    await service.set('a', '1');
    await expect
      .poll(() =>
        resetter.reset(soon()).then(
          () => all(),
          () => undefined,
        ),
      )
      .toEqual([]);
  });
});
