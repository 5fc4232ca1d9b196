/** Tables and queries as rows, and what goes wrong with the connection meanwhile, on a real Cassandra. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Client } from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shared } from '../../../bindings/core/shared.ts';
import { SOURCE } from '../../../bindings/core/source.ts';
import { binding } from '../../../bindings/databases/cassandra/index.ts';
import { type Host, hostsOf } from '../../../bindings/databases/cassandra/sockets.ts';
import { hasCassandra, startCassandra, type TestCassandra } from '../../support/cassandra.ts';
import { startProxy } from '../../support/proxy.ts';
import { failing, makeKeyspace, matches, open, signal } from './harness.ts';

/** Of the driver's own, whose types do not say it. */
interface PooledHost extends Host {
  isUp(): boolean;
  pool: Host['pool'] & { isClosing(): boolean };
}
const hosts = (client: Client) => [...hostsOf(client)] as PooledHost[];

describe.skipIf(!hasCassandra())('on a real Cassandra', () => {
  let server: TestCassandra;
  let keyspace: string;
  beforeAll(async () => {
    server = await startCassandra();
    keyspace = await makeKeyspace(server, [
      'CREATE TABLE $ks.orders (day date, id text, n int, PRIMARY KEY (day, id)) WITH CLUSTERING ORDER BY (id DESC)',
      'CREATE TABLE $ks."Odd" ("orderId" text PRIMARY KEY, "Select" int)',
    ]);
  });
  afterAll(() => server?.stop());

  const rows = (count: number, day = '2026-11-23') =>
    Array.from({ length: count }, (_, i) => ({ day, id: `o-${String(i).padStart(5, '0')}`, n: i }));

  describe('a table', () => {
    test('is narrowed, counted and read, by key and in memory', async () => {
      await using db = await open(server, keyspace);
      const table = db.handle.table.bind(db.handle);
      await db.handle.seed('orders', [...rows(250), ...rows(3, '2026-11-24')]);
      expect(await table('orders').count()).toBe(253);
      expect(await table('orders', { day: '2026-11-24' }).count()).toBe(3);
      expect(await table('orders', { day: '2026-11-24', n: 1 }).count()).toBe(1);
      expect(await table('orders')[SOURCE].count({ signal, atMost: 5 })).toBe(5);
      expect(await table('orders', { n: 2 })[SOURCE].count({ signal, atMost: 1 })).toBe(1);
      // In the order of its clustering.
      expect((await table('orders', { day: '2026-11-24' }).all()).map(({ n }) => n)).toEqual([2, 1, 0]);
      const { rows: found, more } = await table('orders')[SOURCE].find({}, { limit: 2, signal });
      expect([found.length, more]).toEqual([2, true]);
      const explained = await table('orders')[SOURCE].explain(
        { day: '2026-11-24', n: 2, id: 'x' },
        { limit: 1, signal },
      );
      expect(explained).toEqual({
        rows: [{ day: '2026-11-24', id: 'o-00002', n: 2 }],
        total: 253,
        totalIsFloor: false,
        fulfilled: { day: 3, n: 2, id: 0 },
      });
      await db.handle.query('truncate orders');
    });

    test('names are as CQL has them, and the nearest one is proposed', async () => {
      await using db = await open(server, keyspace);
      await db.handle.seed('"Odd"', [{ orderId: 'o-1', Select: 1 }]);
      expect(await matches(db.handle, 'Odd', { orderId: 'o-1', Select: 1 })).toBe(true);
      expect(await matches(db.handle, `${keyspace}."Odd"`, { orderId: 'o-1' })).toBe(true);
      expect(await db.handle.table('ORDERS').count()).toBe(0);
      expect((await failing(() => matches(db.handle, 'Odd', { orderid: 'o-1' }))).message).toMatch(
        /table Odd has no column `orderid`\. Did you mean `orderId`\?$/,
      );
      const missing = await failing(() => db.handle.table('ordres').all());
      expect(missing).toMatchObject({ code: 'QA_NOT_FOUND' });
      expect(missing.message).toMatch(/There is no table `ordres` in the keyspace `k1`\. Did you mean `orders`\?$/);
      expect(missing.stack).toContain('sources.test.ts');
      expect(() => db.handle.table('select * from x')).toThrow(/is not the name of a table/);
      expect((await failing(() => matches(db.handle, 'orders', { n: undefined }))).message).toMatch(/`n` is undefined/);
      expect((await failing(() => db.handle.seed('orders', [{ day: '2026-11-23', nn: 1 }]))).message).toMatch(
        /has no column `nn`/,
      );
      expect((await failing(() => db.handle.seed('orders', [{ day: '2026-11-23' }]))).message).toMatch(
        /has no `id`, which is a part of its key/,
      );
    });

    test('may be altered, dropped and made anew while it is looked at', async () => {
      await using db = await open(server, keyspace);
      const source = db.handle.table('changing');
      expect(await failing(() => source.all())).toMatchObject({ code: 'QA_NOT_FOUND' });
      await source[SOURCE].check({ id: 1 }, signal);
      await server.run(`CREATE TABLE ${keyspace}.changing (id int PRIMARY KEY, a text)`);
      await server.run(`INSERT INTO ${keyspace}.changing (id, a) VALUES (1, 'x')`);
      expect(await source.all()).toEqual([{ id: 1, a: 'x' }]);
      await server.run(`ALTER TABLE ${keyspace}.changing ADD b int`);
      await server.run(`INSERT INTO ${keyspace}.changing (id, b) VALUES (1, 2)`);
      expect(await source.all()).toEqual([{ id: 1, a: 'x', b: 2 }]);
      expect(await matches(db.handle, 'changing', { b: 2 })).toBe(true);
      await server.run(`DROP TABLE ${keyspace}.changing`);
      await server.run(`CREATE TABLE ${keyspace}.changing (id text PRIMARY KEY, c int)`);
      await server.run(`INSERT INTO ${keyspace}.changing (id, c) VALUES ('one', 1)`);
      expect(await source.all()).toEqual([{ id: 'one', c: 1 }]);
      expect(await matches(db.handle, 'changing', { id: 'one', c: 1 })).toBe(true);
      await server.run(`DROP TABLE ${keyspace}.changing`);
      await server.run(`CREATE TABLE ${keyspace}.changing (c int PRIMARY KEY, id text)`);
      await server.run(`INSERT INTO ${keyspace}.changing (id, c) VALUES ('one', 1)`);
      expect(await matches(db.handle, 'changing', { id: 'one' })).toBe(true);
      await server.run(`ALTER TABLE ${keyspace}.changing DROP id`);
      expect((await failing(() => db.handle.table('changing', { id: 'one' }).all())).message).toMatch(
        /has no column `id`/,
      );
    });

    test('too large to be read is told, with what to write; by its key it is found', async () => {
      await using db = await open(server, keyspace);
      const days = Array.from({ length: 25 }, (_, i) => new Date(Date.UTC(2025, 0, 1 + i)).toISOString().slice(0, 10));
      await db.handle.seed(
        'orders',
        days.flatMap((day) => rows(900, day)),
      );
      const error = await failing(() => matches(db.handle, 'orders', { n: -1 }));
      expect(error).toMatchObject({ code: 'QA_QUERY_FAILED' });
      expect(error.message).toMatch(
        /more than 20,000 rows, and its partition key `day` is not given, so all of them would have to be read \(Cassandra would want ALLOW FILTERING\)\. Write `day` into what you expect/,
      );
      expect(await matches(db.handle, 'orders', { day: days[24], n: 899 })).toBe(true);
      expect(await matches(db.handle, 'orders', { day: days[24], n: -1 })).toBe(false);
      expect(await db.handle.table('orders').count()).toBe(22_500);
      expect(await db.handle.table('orders')[SOURCE].count({ signal, atMost: 22_501 })).toBe(22_500);
      expect(await db.handle.table('orders')[SOURCE].count({ signal, atMost: 3 })).toBe(3);
      await db.handle.query('truncate orders');
    }, 60_000);
  });

  test('commands to look for oneself', async () => {
    await using db = await open(server, keyspace);
    const { [SOURCE]: observer } = db.handle.table('orders');
    const { [SOURCE]: odd } = db.handle.table('Odd');
    for (const each of [observer, odd]) await each.find({}, { limit: 1, signal });
    expect(observer.command({ day: '2026-11-23', id: "it's" })).toBe(
      "select * from orders where day = '2026-11-23' and id = 'it''s';",
    );
    expect(observer.command({ id: 'x', n: expect.anything() })).toBe(
      "select * from orders where id = 'x' allow filtering;",
    );
    expect(odd.command({ Select: 1 })).toBe('select * from Odd where "Select" = 1 allow filtering;');
    expect(observer.command({})).toBe('select * from orders;');
  });

  test('a query is looked at as it is, and must only read', async () => {
    await using db = await open(server, keyspace);
    await db.handle.seed('orders', rows(2));
    const source = db.handle.rows('select n, id from orders where day = ? order by id', ['2026-11-23']);
    expect(source[SOURCE].ordered).toBe(true);
    expect(await source.all()).toEqual([
      { n: 0, id: 'o-00000' },
      { n: 1, id: 'o-00001' },
    ]);
    expect(
      await db.handle.query('select n from orders where day = :day and id = :id', { day: '2026-11-23', id: 'o-00001' }),
    ).toEqual([{ n: 1 }]);
    expect(() => db.handle.rows('delete from orders')).toThrow(/begins with `delete`.*qa\.events\.query/s);
    const refused = await failing(() => db.handle.rows('select x from orders').all());
    expect(refused).toMatchObject({ code: 'QA_NOT_FOUND' });
    const raw = await failing(() => db.handle.query('select x from orders'));
    expect(raw).toMatchObject({ name: 'ResponseError', code: 0x2200 });
    expect(raw.stack).toContain('sources.test.ts');
    await db.handle.query('truncate orders');
  });

  test('a schema change that the nodes do not agree on is told once', async () => {
    await server.run(
      "INSERT INTO system.peers (peer, rpc_address, data_center, host_id, rack, release_version, schema_version, tokens) VALUES ('127.0.0.9', '127.0.0.9', 'elsewhere', uuid(), 'r', '5.0.8', uuid(), {'5'})",
    );
    try {
      const notices: string[] = [];
      await using db = await open(
        server,
        keyspace,
        { driver: { protocolOptions: { maxSchemaAgreementWaitSeconds: 1 } } },
        { notice: (line: string) => notices.push(line) },
      );
      await db.client.execute('create table unagreed (id int primary key)');
      expect(notices).toEqual([expect.stringMatching(/^the nodes have not agreed on a schema change in time/)]);
    } finally {
      await server.run("DELETE FROM system.peers WHERE peer = '127.0.0.9'");
    }
  });

  describe('a file that goes on with the client of the one before', () => {
    test('gets it without what a test put on it', async () => {
      await using db = await open(server, keyspace);
      const before = db.client.listenerCount('log');
      db.client.on('log', () => undefined);
      expect(await binding.renew(db.client)).toBe(true);
      expect(db.client.listenerCount('log')).toBe(before);
      expect(await db.handle.table('Odd').count()).toBe(1);
    });

    test('gets another one after `use`, a shutdown, or with heartbeats', async () => {
      await using used = await open(server, keyspace);
      await used.client.execute('USE system');
      expect(await binding.renew(used.client)).toBe(false);
      await using shut = await open(server, keyspace);
      await shut.client.shutdown();
      expect(await binding.renew(shut.client)).toBe(false);
      expect((await failing(() => shut.handle.query('select * from orders'))).message).toMatch(
        /A test has shut the client down/,
      );
      await using beating = await open(server, keyspace, { driver: { pooling: { heartBeatInterval: 30_000 } } });
      expect(await binding.renew(beating.client)).toBe(false);
    });
  });

  test.each(['closed', 'parked', 'forgotten'])('a process whose client is %s ends by itself', (how) => {
    const script = `
      import { binding } from './bindings/databases/cassandra/index.ts';
      import { openBinding } from './test/support/scope.ts';
      const db = await openBinding(binding, JSON.parse(process.env.OPTIONS));
      await db.handle.table('Odd').count();
      if (process.env.HOW === 'closed') await binding.close(db.client);
      if (process.env.HOW === 'parked') console.log(await binding.renew(db.client));
      console.log('done');`;
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
      cwd: join(import.meta.dirname, '../../..'),
      env: { ...process.env, HOW: how, OPTIONS: JSON.stringify({ ...server.options, keyspace }) },
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(stderr).not.toMatch(/Error/);
    expect(stdout).toBe(how === 'parked' ? 'true\ndone\n' : 'done\n');
    expect(status).toBe(0);
  });

  describe('what goes wrong', () => {
    test('a wrong data centre names the right one', async () => {
      const error = await failing(() => open(server, keyspace, { localDataCenter: 'dc1' }));
      expect(error).toMatchObject({ code: 'QA_CONFIG' });
      expect(error.message).toBe(
        `qa.events (cassandra://${server.contactPoint}/${keyspace}): There is no data centre \`dc1\`; the cluster has: datacenter1. Write \`localDataCenter: 'datacenter1'\``,
      );
    });

    test('no data centre, and a keyspace that is misspelt', async () => {
      const error = await failing(() => open(server, keyspace, { localDataCenter: undefined }));
      expect(error.message).toMatch(/does not say which data centre.*Write `localDataCenter: 'datacenter1'`$/);
      const unknown = await failing(() => open(server, `${keyspace}x`));
      expect(unknown).toMatchObject({ code: 'QA_NOT_FOUND' });
      expect(unknown.message).toMatch(/There are: k1\. Did you mean `k1`\?$/);
    });

    test('slow: each statement takes its time and ends well', async () => {
      await using proxy = await startProxy({ host: '127.0.0.1', port: server.port });
      await using db = await open(server, keyspace, { contactPoints: `127.0.0.1:${proxy.port}` });
      proxy.delay = 120;
      const start = performance.now();
      expect(await db.handle.table('Odd').count()).toBe(1);
      expect(performance.now() - start).toBeGreaterThan(240);
    });

    test('the network breaks: a source reads on a new connection, unnoticed', async () => {
      await using proxy = await startProxy({ host: '127.0.0.1', port: server.port });
      await using db = await open(server, keyspace, { contactPoints: `127.0.0.1:${proxy.port}` });
      expect(await db.handle.table('Odd').count()).toBe(1);
      proxy.sever();
      expect(await db.handle.table('Odd').count()).toBe(1);
    });

    test('closed while a lost connection is opened again and again: nothing of it goes on', async () => {
      await using proxy = await startProxy({ host: '127.0.0.1', port: server.port });
      const db = await open(server, keyspace, { contactPoints: `127.0.0.1:${proxy.port}` });
      await db.handle.table('Odd').count();
      // Back, so that the driver makes a host anew and forgets the old one; then gone for good.
      proxy.sever();
      await db.handle.table('Odd').count();
      await proxy[Symbol.asyncDispose]();
      await expect.poll(() => hosts(db.client).some((host) => !host.isUp()), { timeout: 5000 }).toBe(true);
      await binding.close(db.client);
      for (const host of hosts(db.client)) expect(host.pool.isClosing()).toBe(true);
    });

    test('hung: a look ends with its signal, a statement with the time of its test, all with readTimeout', async () => {
      await using db = await open(server, keyspace, { readTimeout: 700 });
      const observer = db.handle.table('Odd')[SOURCE];
      await observer.count({ signal });
      const record = shared();
      server.freeze();
      try {
        const look = await failing(() => observer.find({}, { limit: 1, signal: AbortSignal.timeout(200) }));
        expect(look.name).toBe('TimeoutError');
        expect(look.took).toBeLessThan(650);
        record.runtime = { current: () => ({ timeLeft: () => 500 }) } as never;
        const statement = await failing(() => db.handle.query('select * from orders'));
        expect(statement).toMatchObject({ code: 'QA_TIMEOUT', connection: 'events' });
        expect(statement.message).toMatch(/before the time of the test was up/);
        delete record.runtime;
        const late = await failing(() => db.handle.query('select * from orders'));
        expect(late).toMatchObject({ code: 'QA_TIMEOUT' });
        expect(late.message).toMatch(/does not answer.*`readTimeout`/);
      } finally {
        delete record.runtime;
        server.thaw();
      }
      await expect
        .poll(
          () =>
            db.handle
              .table('Odd')
              .count()
              .catch(() => 0),
          { timeout: 5000 },
        )
        .toBe(1);
    });
  });
});
