/** Ways to a real server, and what happens when it is down, hung, slow, killed, or another than was meant. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { redisBinding as binding } from '../../../bindings/databases/redis/index.ts';
import { asTest, failureOf } from '../../matchers/harness.ts';
import { freePort } from '../../support/postgres.ts';
import { startProxy } from '../../support/proxy.ts';
import { DRAGONFLY, PROGRAMS, startRedis, type TestRedis } from '../../support/redis.ts';
import { open } from './harness.ts';

const PASSWORD = 'correct-horse-battery';

describe.each(PROGRAMS)('$name', (program) => {
  let server: TestRedis;
  const opened: { client: { close(): void } }[] = [];
  const opening = async (options: object = {}, changes: object = {}) => {
    const it = await open(server, { url: undefined, ...options } as never, changes);
    opened.push(it);
    return it;
  };
  const here = (changes: object = {}) => ({ host: server.host, port: server.port, ...changes });

  beforeAll(async () => {
    server = await startRedis({ program });
  });
  beforeEach(() => server.run('FLUSHALL'));
  afterEach(() => {
    for (const { client } of opened.splice(0)) client.close();
  });
  afterAll(() => server?.stop());

  test('a Unix socket', async ({ skip }) => {
    if (program.name === 'dragonfly') skip('it is started without one');
    const { cache } = await opening({ socket: join(server.folder, 'redis.sock') });
    await cache.seed({ a: '1' });
    expect(await cache.key('a').get()).toBe('1');
    await expect(opening({ socket: join(server.folder, 'none.sock') })).rejects.toMatchObject({
      code: 'QA_CONNECTION_LOST',
      message: expect.stringContaining('There is no such Unix socket'),
    });
  });

  test('a user of the access control list: what it may not do is told with the command', async () => {
    await server.run(
      'ACL',
      'SETUSER',
      'reader',
      'on',
      `>${PASSWORD}`,
      '~shop:*',
      '&*',
      '+@read',
      '+@connection',
      '+time',
      '+info',
      '+client|info',
    );
    const { cache, client } = await opening(here({ user: 'reader', password: PASSWORD }));
    expect(await binding.health(client)).toMatchObject({ identity: expect.stringContaining('reader') });
    expect(await cache.key('shop:a').get()).toBeUndefined();
    await expect(cache.key('other').get()).rejects.toThrow(/Reading the key `other` failed: NOPERM/);
    await expect(cache.seed({ 'shop:a': '1' })).rejects.toThrow(/NOPERM/);
    await expect(opening(here({ user: 'nobody', password: PASSWORD }))).rejects.toMatchObject({
      code: 'QA_AUTH',
      message: expect.stringContaining('refused the user `nobody` or its password'),
    });
  });

  test('a password that the server does not ask for', async () => {
    for (const user of [{}, { user: 'default' }]) {
      await expect(opening(here({ ...user, password: PASSWORD }))).rejects.toMatchObject({
        code: 'QA_AUTH',
        message: expect.stringContaining('the server asks for none and ignores it'),
      });
    }
  });

  test('none where one is asked for, and a database that is not there', async () => {
    await using guarded = await startRedis({ program, password: PASSWORD });
    await expect(opening({ host: guarded.host, port: guarded.port })).rejects.toMatchObject({
      code: 'QA_AUTH',
      message: expect.stringContaining('asks for a password and the config has none'),
    });
    await expect(opening(here({ db: 99 }))).rejects.toMatchObject({
      code: 'QA_NOT_FOUND',
      message: expect.stringContaining('no database of the number 99'),
    });
    const { cache } = await opening(here({ db: 7 }));
    await cache.seed({ a: '1' });
    expect(await server.run('DBSIZE')).toBe(0);
  });

  test('TLS: trusted by its authority, refused without, told where only one side speaks it', async ({ skip }) => {
    if (program.name !== 'redis-server') skip('it is built without TLS');
    await using safe = await startRedis({ program, tls: true });
    const ca = readFileSync(join(safe.folder, 'server.crt'));
    const at = { host: 'localhost', port: safe.port };
    const { cache } = await opening({ ...at, ssl: { ca } });
    expect(cache.url).toBe(`rediss://localhost:${safe.port}/0`);
    await cache.seed({ a: '1' });
    await expect(opening({ ...at, ssl: true })).rejects.toMatchObject({
      code: 'QA_AUTH',
      message: expect.stringContaining('is not trusted'),
    });
    await expect(opening(here({ ssl: true, connectTimeout: 300 }))).rejects.toMatchObject({
      code: 'QA_CONNECTION_LOST',
      message: expect.stringContaining('with TLS, whether that port speaks it'),
    });
    await expect(opening(at)).rejects.toMatchObject({ code: 'QA_CONNECTION_LOST' });
  });

  test('hung: calls end with the time of the test, matchers with their own message, closing at once', async () => {
    const { cache, client } = await opening(here({ commandTimeout: 300 }));
    server.freeze();
    try {
      const start = performance.now();
      await expect(cache.key('a').get()).rejects.toMatchObject({
        code: 'QA_TIMEOUT',
        message: expect.stringContaining('took the connection but does not answer'),
      });
      const text = await failureOf(() => expect(cache.key('a')).toHaveEntry('x', { within: 200 }));
      expect(text).toContain('The source did not answer in time');
      const { thrown } = await asTest(() => cache.seed({ a: '1' }), { timeout: 500 });
      expect(thrown).toMatchObject({ code: 'QA_TIMEOUT' });
      client.close();
      expect(performance.now() - start).toBeLessThan(5000);
    } finally {
      server.thaw();
    }
  });

  test('slow: it is waited for', async () => {
    await using proxy = await startProxy({ host: server.host, port: server.port });
    const { cache } = await opening({ host: '127.0.0.1', port: proxy.port });
    proxy.delay = 150;
    await cache.seed({ slow: '1' });
    const { failures, thrown } = await asTest(() => expect(cache.key('slow')).toHaveEntry('1', { within: 50 }));
    expect([failures, thrown]).toEqual([[], undefined]);
  });

  test('killed while a matcher waits, and back: it goes on; silence that has a gap is not proven', async () => {
    await using own = await startRedis({ program });
    const it = await open(own, { channels: ['news'] });
    opened.push(it);
    setTimeout(async () => {
      await own.crash();
      await own.start();
      await own.run('SET', 'a', '1');
      await own.run('XADD', 'events', '*', 'type', 'paid');
    }, 50);
    const { failures, thrown } = await asTest(() =>
      Promise.all([
        expect(it.cache.key('a')).toHaveEntry('1', { within: 8000 }),
        expect(it.cache.stream('events')).toReceiveMessage({ type: 'paid' }, { within: 8000 }),
      ]),
    );
    expect([failures, thrown]).toEqual([[], undefined]);
    const text = await failureOf(() => expect(it.cache.channel('news')).not.toReceiveMessage('x', { stays: 30 }));
    expect(text).toContain('Silence is not proven');
    expect(text).toMatch(/The connection was broken for .*what was published meanwhile is not recorded/);
    await expect.poll(() => own.run('PUBLISH', 'news', 'again')).toBe(1);
    await expect.poll(() => it.cache.channel('news').messages()).toContain('again');
  });

  test('down: within the deadline, and nothing is left open', async () => {
    const start = performance.now();
    await expect(opening({ host: '127.0.0.1', port: await freePort() })).rejects.toMatchObject({
      code: 'QA_CONNECTION_LOST',
    });
    await expect(opening({ host: 'no-such-host.invalid' })).rejects.toMatchObject({
      code: 'QA_CONNECTION_LOST',
      message: expect.stringContaining('The host name `no-such-host.invalid` could not be resolved'),
    });
    expect(performance.now() - start).toBeLessThan(8000);
  });

  test('a connection serves the next file, unless a test left its traces', async () => {
    const { client, cache } = await opening(here());
    const listener = () => undefined;
    cache.client.on('ready', listener);
    expect(await binding.renew(client)).toBe(true);
    expect(cache.client.listeners('ready')).not.toContain(listener);
    await cache.client.select(3);
    expect(await binding.renew(client)).toBe(false);
    const subscribed = await opening(here());
    await subscribed.cache.client.subscribe('news');
    expect(await binding.renew(subscribed.client)).toBe(false);
    const scripted = await opening(here());
    scripted.cache.client.defineCommand('mine', { numberOfKeys: 0, lua: 'return 1' });
    expect(await binding.renew(scripted.client)).toBe(false);
  });

  test('a cluster: keys, patterns, streams and seeding', async ({ skip }) => {
    if (program.name === 'dragonfly') skip('its cluster needs more than one process');
    await using node = await startRedis({
      program,
      settings: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'],
    });
    await node.run('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
    for (
      let tries = 0;
      tries < 200 && !String(await node.run('CLUSTER', 'INFO')).includes('cluster_state:ok');
      tries += 1
    )
      await sleep(20);
    const { cache, client } = await opening({ cluster: [`127.0.0.1:${node.port}`] });
    await cache.seed({ a: '1', b: { f: '2' }, c: ['x'] });
    expect(await cache.keys('*').count()).toBe(3);
    const { failures, thrown } = await asTest(async () => {
      await expect(cache.key('b')).toHaveEntry({ f: '2' });
      await expect(cache.key('none')).not.toHaveEntry(expect.anything());
      setTimeout(() => void node.run('SET', 'later', '1'), 30);
      await expect(cache.key('later')).toHaveEntry('1');
    });
    expect([failures, thrown]).toEqual([[], undefined]);
    expect(client.place.address).toContain('(cluster)');
  });
});

test.skipIf(DRAGONFLY === undefined)(`Dragonfly of QA_TEST_DRAGONFLY (${DRAGONFLY ?? 'not set'})`, async () => {
  const prefix = `qa-test-${process.pid}:`;
  const service = new Redis(`redis://${DRAGONFLY}`);
  const { client, cache } = await open({ url: () => `redis://${DRAGONFLY}` } as TestRedis, {
    keyPrefix: prefix,
    channels: ['news'],
  });
  try {
    expect(client.server.product).toBe('dragonfly');
    await cache.seed({ a: '1', h: { f: '1' } });
    setTimeout(() => void service.set(`${prefix}a`, '2'), 50);
    const { failures, thrown } = await asTest(async () => {
      await expect(cache.key('a')).toHaveEntry('2');
      await expect(cache.keys('*')).toHaveRowCount(2);
      await service.publish('news', 'paid');
      await expect(cache.channel('news')).toReceiveMessage('paid');
    });
    expect([failures, thrown]).toEqual([[], undefined]);
  } finally {
    await service.del(`${prefix}a`, `${prefix}h`);
    service.disconnect();
    client.close();
  }
});
