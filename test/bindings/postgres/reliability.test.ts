import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { QaError } from '../../../bindings/core/errors.ts';
import { shared } from '../../../bindings/core/shared.ts';
import { SOURCE } from '../../../bindings/core/source.ts';
import { binding } from '../../../bindings/databases/postgres/index.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { startProxy } from '../../support/proxy.ts';
import { openBinding } from '../../support/scope.ts';

const signal = new AbortController().signal;
let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres({
    settings: ['max_connections=12', 'superuser_reserved_connections=1'],
    tls: true,
    unixSocket: true,
  });
  await server.run(
    "create table t (id int, v text); create role app login password 'app-password-1'; grant pg_read_all_data to app",
  );
});
afterAll(() => server.stop());

const open = (input: object = {}, changes = {}) => openBinding(binding, { url: server.url(), ...input }, changes);

/** The error, after looking that nothing of it shows a password. */
async function failing(run: () => PromiseLike<unknown>): Promise<QaError & { took: number }> {
  const start = performance.now();
  const error = await Promise.resolve(run()).then(
    (value) => {
      throw new Error(`it worked: ${String(value)}`);
    },
    (reason) => reason,
  );
  expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toMatch(/correct-horse|app-password/);
  return Object.assign(error, { took: performance.now() - start });
}

async function sessions(): Promise<{ state: string; query: string }[]> {
  const { rows } = await server.run("select state, query from pg_stat_activity where application_name = 'qa r1 w1'");
  return rows;
}

describe('the connection breaks', () => {
  test('killed in the middle of a statement', async () => {
    await using db = await open();
    const running = failing(() => db.handle.query('select pg_sleep(20)'));
    await expect.poll(sessions).toHaveLength(1);
    await server.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'qa r1 w1'");
    const error = await running;
    expect(error).toMatchObject({ code: 'QA_CONNECTION_LOST', connection: 'db', cause: { code: '57P01' } });
    expect(error.message).toMatch(
      /^qa\.db \(postgres:\/\/tester@127\.0\.0\.1:\d+\/postgres\): The connection broke: the server ended it/,
    );
    expect(error.stack).toContain('reliability.test.ts');
    expect(await db.handle.query('select 1 as n')).toEqual([{ n: 1 }]);
  });

  test('the network breaks while idle: a source reads on a new connection, unnoticed', async () => {
    await using proxy = await startProxy(server);
    await using db = await open({ url: server.url().replace(/:\d+\//, `:${proxy.port}/`) });
    const source = db.handle.table('t');
    expect(await source.count()).toBe(0);
    await server.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'qa r1 w1'");
    proxy.sever();
    expect(await source.count()).toBe(0);
  });

  test('crashed and restarted between tests', async () => {
    await using db = await open();
    await db.handle.query('select 1');
    await server.crash();
    await server.start();
    expect(await db.handle.table('t').count()).toBe(0);
    expect(await db.handle.query('select 1 as n')).toEqual([{ n: 1 }]);
  });

  test('a client that a test took and lost does not end the process', async () => {
    await using db = await open();
    const client = await db.handle.client.connect();
    const { rows } = await client.query('select pg_backend_pid() as pid');
    await server.run(`select pg_terminate_backend(${rows[0].pid})`);
    await expect
      .poll(() =>
        client.query('select 1').then(
          () => 'ok',
          () => 'lost',
        ),
      )
      .toBe('lost');
    client.release(true);
  });
});

describe('time', () => {
  test('slow: each statement takes its time and ends well', async () => {
    await using proxy = await startProxy(server);
    await using db = await open({ url: server.url().replace(/:\d+\//, `:${proxy.port}/`) });
    proxy.delay = 150;
    const start = performance.now();
    expect(await db.handle.table('t').count()).toBe(0);
    expect(performance.now() - start).toBeGreaterThan(300);
  });

  test('connectTimeout: a server that takes the connection and says nothing', async () => {
    server.freeze();
    try {
      const error = await failing(() => open({ connectTimeout: 300 }));
      expect(error).toMatchObject({ code: 'QA_TIMEOUT', connection: 'db' });
      expect(error.message).toMatch(/does not answer.*connectTimeout/);
      expect(error.took).toBeLessThan(1500);
    } finally {
      server.thaw();
    }
  });

  test('hung in the middle: a look ends with its signal, a statement with the time of its test', async () => {
    await using db = await open();
    const observer = db.handle.table('t')[SOURCE];
    await observer.count({ signal });
    server.freeze();
    const record = shared();
    try {
      const look = await failing(() => observer.find({}, { limit: 1, signal: AbortSignal.timeout(200) }));
      expect(look.name).toBe('TimeoutError');
      expect(look.took).toBeLessThan(1000);
      record.runtime = { current: () => ({ timeLeft: () => 500 }) } as never;
      const statement = await failing(() => db.handle.query('select 1'));
      expect(statement).toMatchObject({ code: 'QA_TIMEOUT', connection: 'db' });
      expect(statement.took).toBeLessThan(1000);
    } finally {
      delete record.runtime;
      server.thaw();
    }
    expect(await db.handle.query('select 1 as n')).toEqual([{ n: 1 }]);
  });

  test('an aborted look is cancelled in the server, and its client used again', async () => {
    await using db = await open();
    const slow = db.handle.rows('select pg_sleep(30), n from generate_series(1, 5) n')[SOURCE];
    await failing(() => slow.find({ n: 3 }, { limit: 1, signal: AbortSignal.timeout(300) }));
    await expect.poll(async () => (await sessions()).filter(({ state }) => state === 'active')).toEqual([]);
    await expect.poll(() => db.handle.client.idleCount).toBe(1);
    expect(db.handle.client.totalCount).toBe(1);
  });

  test('a look that waits for a free connection ends with its signal too', async () => {
    await using db = await open({ pool: { max: 1 } });
    const observer = db.handle.table('t')[SOURCE];
    await observer.count({ signal });
    const busy = db.handle.query('select pg_sleep(1)');
    const looks = [1, 2].map(() => failing(() => observer.count({ signal: AbortSignal.timeout(150) })));
    for (const { name, took } of await Promise.all(looks)) {
      expect(name).toBe('TimeoutError');
      expect(took).toBeLessThan(700);
    }
    await busy;
    expect(await observer.count({ signal })).toBe(0);
  });

  test('statement_timeout names its option', async () => {
    await using db = await open({ statementTimeout: 100 });
    const error = await failing(() => db.handle.query('select pg_sleep(5)'));
    expect(error).toMatchObject({ code: 'QA_TIMEOUT', cause: { code: '57014' } });
    expect(error.message).toContain('`statementTimeout`');
    expect(await failing(() => db.handle.rows('select pg_sleep(5)').all())).toMatchObject({ code: 'QA_TIMEOUT' });
  });

  test('a pool that is used up says so', async () => {
    await using db = await open({ pool: { max: 1 }, connectTimeout: 200 });
    const client = await db.handle.client.connect();
    const error = await failing(() => db.handle.query('select 1'));
    expect(error.message).toMatch(/All connections of the pool are in use.*pool\.max/);
    client.release();
  });
});

describe('the server says no', () => {
  test('connection limit', async () => {
    await using hog = await open({
      url: server.url().replace('tester:correct-horse-battery', 'app:app-password-1'),
      pool: { max: 20 },
    });
    const taken: { release(): void }[] = [];
    // The one that asks, and the pool's first: sessions of tests before have ended.
    await expect
      .poll(async () => (await server.run('select from pg_stat_activity where client_port is not null')).rowCount)
      .toBe(2);
    const takeAll = async (): Promise<void> => {
      taken.push(await hog.handle.client.connect());
      await takeAll();
    };
    await expect(takeAll()).rejects.toMatchObject({ code: '53300' });
    const error = await failing(() => hog.handle.query('select 1'));
    for (const client of taken) client.release();
    expect(error).toMatchObject({ code: 'QA_CONNECTION_LOST', cause: { code: '53300' } });
    expect(error.message).toMatch(/no connection left.*pool\.max/);
  });

  test('a wrong database names those there are', async () => {
    const error = await failing(() => open({ url: server.url('postgrse') }));
    expect(error.message).toMatch(/`postgrse` does not exist\. There are: postgres\. Did you mean `postgres`\?$/);
  });

  test('a host that does not exist', async () => {
    const error = await failing(() => open({ url: 'postgres://u:app-password@no-such-host.invalid/x' }));
    expect(error).toMatchObject({ code: 'QA_CONNECTION_LOST' });
    expect(error.message).toContain('no-such-host.invalid');
  });

  test('no password where one is needed', async () => {
    const error = await failing(() => open({ url: `postgres://tester@127.0.0.1:${server.port}/postgres` }));
    expect(error).toMatchObject({ code: 'QA_AUTH' });
    expect(error.message).toContain('`password`');
  });

  test('a source that may not be read', async () => {
    await server.run("create role blind login password 'app-password-2'");
    await using db = await open({ url: server.url().replace('tester:correct-horse-battery', 'blind:app-password-2') });
    const error = await failing(() => db.handle.table('t').all());
    expect(error.message).toMatch(/permission denied for table t.*Grant the user/);
  });
});

describe('TLS and sockets', () => {
  const tls = () => `postgres://tester:${server.password}@localhost:${server.port}/postgres`;
  const isEncrypted = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';

  test('with its authority; refused without', async () => {
    const ca = readFileSync(join(server.folder, 'data', 'server.crt'), 'utf8');
    await using db = await open({ url: tls(), ssl: { ca } });
    expect(await db.handle.query(isEncrypted)).toEqual([{ ssl: true }]);
    const error = await failing(() => open({ url: tls(), ssl: true }));
    expect(error).toMatchObject({ code: 'QA_AUTH' });
    expect(error.message).toMatch(/certificate is not trusted.*ssl: \{ ca \}/);
    await using lax = await open({ url: tls(), ssl: { rejectUnauthorized: false } });
    expect(await lax.handle.query(isEncrypted)).toEqual([{ ssl: true }]);
  });

  test('asked of a server that has none, and not given to one that wants it', async () => {
    await using strict = await startPostgres({ hba: 'hostssl all all 127.0.0.1/32 scram-sha-256', tls: true });
    const plain = await failing(() => open({ url: strict.url() }));
    expect(plain).toMatchObject({ code: 'QA_AUTH', cause: { code: '28000' } });
    expect(plain.message).toMatch(/only over TLS.*`ssl: true`/);
    await using open_ = await startPostgres();
    const tls = await failing(() => open({ url: open_.url(), ssl: true }));
    expect(tls).toMatchObject({ code: 'QA_AUTH' });
    expect(tls.message).toMatch(/does not support TLS\. Leave `ssl` out\.$/);
  });

  test('a Unix socket', async () => {
    const url = `postgres://tester:${server.password}@/postgres?host=${encodeURIComponent(server.folder)}&port=${server.port}`;
    await using db = await open({ url });
    expect(await db.handle.query('select inet_client_addr() as address')).toEqual([{ address: null }]);
    expect(db.handle.table('t')[SOURCE].where()).toContain(`host=${server.folder}`);
  });

  test('schemas and names in pg_stat_activity', async () => {
    await server.run('create schema if not exists "Odd One"; create table if not exists "Odd One".here (x int)');
    await using db = await open({ schema: ['Odd One', 'public'], applicationName: 'mine' });
    expect(await db.handle.query('show application_name')).toEqual([{ application_name: 'mine' }]);
    expect(await db.handle.table('here').count()).toBe(0);
    expect(await db.handle.table('t').count()).toBe(0);
  });
});

test('a process that forgot to close ends by itself', () => {
  const script = `
    import { binding } from './bindings/databases/postgres/index.ts';
    import { openBinding } from './test/support/scope.ts';
    const db = await openBinding(binding, { url: process.env.URL_UNDER_TEST });
    await db.handle.table('t').count();
    console.log('done');`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
    cwd: join(import.meta.dirname, '../../..'),
    env: { ...process.env, URL_UNDER_TEST: server.url() },
    encoding: 'utf8',
    timeout: 15_000,
  });
  expect(stderr).not.toMatch(/Error/);
  expect(stdout).toBe('done\n');
  expect(status).toBe(0);
});
