import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { failure, leaseFor, notices, query } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'qa-test-'));
// A project: its packages are ours.
symlinkSync(join(import.meta.dirname, '../../node_modules'), join(folder, 'node_modules'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

describe('lease', () => {
  test('one database for each worker, cloned from what the schema filled once', async () => {
    const made: string[] = [];
    const schema = async ({ url }: { url: string }) => {
      made.push(url);
      await query(
        url,
        "create table orders(id serial primary key, name text default 'x'); insert into orders default values",
      );
    };
    const [one, again, two] = await Promise.all(
      ['1', '1', '2'].map((worker) => leaseFor(schema, { connection: 'db', worker })),
    );
    expect(made).toHaveLength(1);
    expect(again).toEqual(one);
    expect(two!.options.url).not.toBe(one!.options.url);
    expect(one).toMatchObject({ isShared: false, because: expect.stringContaining('throwaway') });

    await query(one!.options.url, 'insert into orders default values');
    expect(await query(one!.options.url, 'select id from orders')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await query(two!.options.url, 'select id from orders')).toEqual([{ id: 1 }]);
    expect(await query(one!.options.url, 'select current_database() as name')).toEqual([
      { name: one!.secret.database },
    ]);
  });

  test("`isolation: 'run'` is one for all", async () => {
    const [one, two] = await Promise.all(
      ['1', '2'].map((worker) => leaseFor({ isolation: 'run' }, { connection: 'shared', worker })),
    );
    expect(one).toEqual(two);
    expect(one!.isShared).toBe(true);
  });

  test('twelve workers at once', async () => {
    const leases = await Promise.all(
      Array.from({ length: 12 }, (_, worker) =>
        leaseFor('./fixtures/orders.sql', { connection: 'crowd', worker: `${worker + 1}` }),
      ),
    );
    expect(new Set(leases.map(({ options }) => options.url)).size).toBe(12);
    for (const { options } of leases) {
      expect(await query(options.url, 'select state from orders')).toEqual([{ state: 'new' }]);
    }
  });

  test('connections share the server, not the database', async () => {
    const a = await leaseFor('./fixtures/orders.sql', { connection: 'orders' });
    const b = await leaseFor('./fixtures/migrations', { connection: 'Orders' });
    expect(a.secret.adminUrl).toBe(b.secret.adminUrl);
    expect(await query(a.options.url, 'select state from orders')).toEqual([{ state: 'new' }]);
    expect(await query(b.options.url, 'select note from audit order by note')).toEqual([
      { note: '1' },
      { note: '10' },
      { note: '2' },
    ]);
  });

  test('files in a list run in its order; statements run one by one', async () => {
    const first = file('z.sql', "create type s as enum ('a'); create table t(s s);");
    const second = file(
      'a.sql',
      "alter type s add value 'b'; insert into t values ('b'); create index concurrently i on t(s);",
    );
    const { options } = await leaseFor([first, second], { connection: 'list' });
    expect(await query(options.url, 'select s from t')).toEqual([{ s: 'b' }]);
  });

  test('a changed schema makes a new template and leaves the old database alone', async () => {
    const path = file('changing.sql', 'create table v(n int); insert into v values (1)');
    const before = await leaseFor(path, { connection: 'changing' });
    file('changing.sql', 'create table v(n int); insert into v values (2)');
    const after = await leaseFor(path, { connection: 'changing' });
    expect(await query(after.options.url, 'select n from v')).toEqual([{ n: 2 }]);
    expect(await query(before.options.url, 'select n from v')).toEqual([{ n: 1 }]);
  });

  test('200 leases of one worker make no further connections and take a few milliseconds each', async () => {
    const ask = () => leaseFor('./fixtures/orders.sql', { connection: 'many' });
    const { secret } = await ask();
    const sessions = "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend'";
    const before = await query(secret.adminUrl, sessions);
    const handles = process.getActiveResourcesInfo().length;
    for (let i = 0; i < 200; i += 1) await ask();
    expect(await query(secret.adminUrl, sessions)).toEqual(before);
    expect(process.getActiveResourcesInfo().length - handles).toBeLessThan(5);
  });

  test('fifty askers at once make one attempt at a broken schema, and all read the same', async () => {
    let attempts = 0;
    const schema = async () => {
      attempts += 1;
      throw new Error('no licence');
    };
    const errors = await Promise.all(
      Array.from({ length: 50 }, (_, worker) =>
        failure(leaseFor(schema, { connection: 'broken', worker: String(worker) })),
      ),
    );
    expect(attempts).toBe(1);
    expect(new Set(errors.map(({ message }) => message))).toEqual(
      new Set([
        'qa.broken: The function `schema` threw: no licence. Mend the function; it got the address of an empty database as `{ url }`',
      ]),
    );
  });
});

describe('the role that the service gets', () => {
  test('may do what migrations do, but is no superuser: row level security holds', async () => {
    const { options } = await leaseFor(undefined, { connection: 'role' });
    const sql = `
      create extension pgcrypto;
      create role reader login; grant reader to current_user;
      create schema app; create table app.secrets(owner text);
      insert into app.secrets values ('a'), ('b');
      alter table app.secrets enable row level security; alter table app.secrets force row level security;
      create policy own on app.secrets using (owner = 'a');
      set session_replication_role = replica; reset session_replication_role;
      grant usage, create on schema app to reader; alter table app.secrets owner to reader;`;
    await query(options.url, sql);
    const client = new pg.Client({ connectionString: String(options.url) });
    await client.connect();
    await client.query('set role reader');
    expect((await client.query('select owner from app.secrets')).rows).toEqual([{ owner: 'a' }]);
    await client.end();
    expect(await query(options.url, 'select usesuper from pg_user where usename = current_user')).toEqual([
      { usesuper: false },
    ]);
  });

  test('is a superuser while the schema is applied: any extension can be created there', async () => {
    const path = file(
      'extension.sql',
      'create extension pg_stat_statements; create extension "uuid-ossp"; create table t();',
    );
    const { options } = await leaseFor(path, { connection: 'extension' });
    expect(await query(options.url, "select tableowner from pg_tables where tablename = 't'")).toEqual([
      { tableowner: 'qa_extension' },
    ]);
  });

  test('cannot use up the connections that resets need', async () => {
    const { options, secret } = await leaseFor(undefined, { connection: 'greedy' });
    const clients: pg.Client[] = [];
    const refused = await failure(
      (async () => {
        for (;;) {
          const client = new pg.Client({ connectionString: String(options.url) });
          client.on('error', () => undefined);
          clients.push(client);
          await client.connect();
        }
      })(),
    );
    try {
      expect(refused.code).toBe('53300');
      expect(await query(secret.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    } finally {
      await Promise.all(clients.slice(0, -1).map((client) => client.end()));
    }
  });

  test('the administrator can read the WAL', async () => {
    const { secret } = await leaseFor(undefined, { connection: 'wal' });
    const [{ wal }] = (await query(
      secret.adminUrl,
      'select count(*) > 0 as wal from pg_get_wal_records_info(pg_current_wal_flush_lsn() - 2000, pg_current_wal_flush_lsn())',
    )) as [{ wal: boolean }];
    expect(wal).toBe(true);
    expect(notices).toEqual([]);
  });
});

describe('a schema that fails says where', () => {
  test('file, line, column, the line and the message', async () => {
    const path = file('bad.sql', "-- ä 😀\ncreate table a(id int);\n\nselect '😀',\n  nme from a;\n");
    const error = await failure(leaseFor('bad.sql', { connection: 'bad', baseDir: folder }));
    expect(error.code).toBe('QA_SCHEMA_FAILED');
    expect(error.message).toBe(
      [
        'qa.bad: bad.sql:5:3: column "nme" does not exist',
        '    5 |   nme from a;',
        '      |   ^',
        'Mend the file: its statements run one by one, as psql runs them.',
      ].join('\n'),
    );
    expect(error.cause).toMatchObject({ code: '42703' });
    expect(path).toContain('bad.sql');
  });

  test('an error without a position is shown at its statement, with its detail', async () => {
    file('twice.sql', 'create table a(id int primary key);\ninsert into a values (1);\ninsert into a values (1);\n');
    const { message } = await failure(leaseFor('twice.sql', { connection: 'twice', baseDir: folder }));
    expect(message).toContain(
      'twice.sql:3:1: duplicate key value violates unique constraint "a_pkey"\n    3 | insert into a values (1);',
    );
    expect(message).toContain('Detail: Key (id)=(1) already exists.');
  });

  test.each([
    ['a misspelt file', './fixtures/order.sql', 'Did you mean `./fixtures/orders.sql`?'],
    ['a missing folder', './nowhere/at/all.sql', 'There is no folder'],
    ['a folder without SQL', '.', 'holds no .sql file'],
  ])('%s', async (_, schema, expected) => {
    const error = await failure(leaseFor(schema, { connection: 'missing' }));
    expect(error.code).toBe('QA_SCHEMA_FAILED');
    expect(error.message).toContain(expected);
  });

  test.each([
    [
      'rows for COPY',
      'create table c(id int);\ncopy public.c (id) from stdin;\n1\n\\.\n',
      'dump.sql:2:1',
      'pg_dump --inserts',
    ],
    ['a command of psql', 'select 1;\n\\connect other\n', 'dump.sql:2:1', 'Remove the line'],
  ])('%s', async (_, text, place, mend) => {
    file('dump.sql', text);
    const { message } = await failure(leaseFor('dump.sql', { connection: 'dump', baseDir: folder }));
    expect(message).toContain(place);
    expect(message).toContain(mend);
  });

  test('a function that leaves its pool open', async () => {
    let pool: pg.Pool | undefined;
    const schema = async ({ url }: { url: string }) => {
      pool = new pg.Pool({ connectionString: url, application_name: 'migrate' });
      await pool.query('create table t()');
    };
    const { message } = await failure(leaseFor(schema, { connection: 'open' }));
    expect(message).toContain('left 1 connection open (`migrate`)');
    expect(message).toContain('await pool.end()');
    await pool!.end();
  });

  test('an aborted maker leaves the task to the next', async () => {
    let attempts = 0;
    const attempted = new EventEmitter();
    const schema = () => {
      attempts += 1;
      attempted.emit('attempt');
      return attempts === 1 ? new Promise(() => undefined) : undefined;
    };
    const abort = new AbortController();
    const firstAttempt = once(attempted, 'attempt');
    const first = leaseFor(schema, { connection: 'slow', signal: abort.signal });
    await firstAttempt;
    const second = leaseFor(schema, { connection: 'slow', worker: '2' });
    abort.abort();
    expect((await failure(first)).code).toBe('QA_TIMEOUT');
    expect((await second).options.url).toContain('slow_2_');
    expect(attempts).toBe(2);
  });
});

describe('a PostgreSQL that was lent', () => {
  test('an object like testcontainers’ (around a real server, no container): databases of its own, never stopped', async () => {
    const host = await leaseFor(undefined, { connection: 'host' });
    const server = { getConnectionUri: () => host.secret.adminUrl! };
    const one = await leaseFor(undefined, { connection: 'lent', server });
    const two = await leaseFor(undefined, { connection: 'lent', server: async () => server, worker: '2' });
    const three = await leaseFor(undefined, { connection: 'lent', server: Promise.resolve(server), worker: '3' });
    const names = [one, two, three].map(({ secret }) => secret.database);
    expect(new Set(names).size).toBe(3);
    expect(names[0]).toMatch(/^qa_\w{8}_lent_1_/);
    expect(await query(one.options.url, 'select current_database() as name')).toEqual([{ name: names[0] }]);
    expect(one.secret.adminUrl).toBe(host.secret.adminUrl);
  });

  test('a user that may not create databases is told so', async () => {
    const host = await leaseFor(undefined, { connection: 'host' });
    await query(host.secret.adminUrl, "create role poor login password 'sesame-open'");
    const url = new URL(host.secret.adminUrl!);
    url.username = 'poor';
    url.password = 'sesame-open';
    const error = await failure(
      leaseFor(undefined, { connection: 'poor', server: { getConnectionUri: () => url.href } }),
    );
    expect(error.message).toContain('permission denied to create database');
    expect(error.message).toMatch(/^qa\.poor \(postgres:\/\/poor@127\.0\.0\.1:\d+\/postgres\): /);
    expect(error.message).toContain('CREATEDB');
    expect(error.message).not.toContain('sesame');
  });

  test('a kind that has no throwaway server', async () => {
    const error = await failure(leaseFor(undefined, { connection: 'odd', kind: 'oracle' }));
    expect(error.code).toBe('QA_CONFIG');
    expect(error.message).toContain('no throwaway server for `oracle`; there is one for: postgres');
  });

  test('something else is refused', async () => {
    const error = await failure(leaseFor(undefined, { connection: 'odd', server: {} as never }));
    expect(error.code).toBe('QA_CONFIG');
  });
});
