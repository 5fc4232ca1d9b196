/** Baselines nest, outlive processes, and hold whatever the server and others do meanwhile. */
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { type Database, makeDatabase, soon } from './reset-harness.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

const SCHEMA = `
  create table users (id serial primary key, name text unique);
  create table orders (id serial primary key, user_id int references users, total numeric);
  create table log (at timestamptz default now(), what text);
  insert into users (name) values ('ann'), ('bob');`;

describe('levels', () => {
  test('what beforeAll seeds and migrates is kept until its describe ends', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    const outer = await db.dump();
    const resetter = await db.resetter();
    await resetter.reset(soon());
    await db.run(`
      alter table users add column email text default 'none'; create table carts (id serial primary key, user_id int references users);
      insert into carts (user_id) values (1); insert into users (name, email) values ('cid', 'c@x'); delete from users where name = 'bob';
      insert into orders (user_id, total) values (1, 5); create index on orders (total)`);
    await resetter.push(soon());
    const seeded = await db.dump();
    await db.run(`delete from carts; insert into users (name) values ('dan'); update orders set total = 7;
      alter table carts add column note text; drop index orders_total_idx; insert into log (what) values ('x')`);
    await resetter.reset(soon());
    expect(await db.dump()).toEqual(seeded);

    await db.run("insert into log (what) values ('inner'); update users set email = 'inner'");
    await resetter.push(soon());
    const inner = await db.dump();
    await db.run("truncate log; drop table carts; insert into users (name) values ('eve')");
    await resetter.reset(soon());
    expect(await db.dump()).toEqual(inner);
    resetter.pop();
    await resetter.reset(soon());
    expect(await db.dump()).toEqual(seeded);
    resetter.pop();
    await resetter.reset(soon());
    expect(await db.dump()).toEqual(outer);
  });

  test('a level pushed right after another was popped takes what is there', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    const outer = await db.dump();
    const resetter = await db.resetter();
    await db.run("insert into users (name) values ('first')");
    await resetter.push(soon());
    resetter.pop();
    await db.run('insert into orders (user_id) values (1)');
    await resetter.push(soon());
    const second = await db.dump();
    await db.run('delete from orders; delete from users');
    await resetter.reset(soon());
    expect(await db.dump()).toEqual(second);
    resetter.pop();
    await resetter.reset(soon());
    expect(await db.dump()).toEqual(outer);
  });

  test('a table that is emptied in a level stays empty in it', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    const resetter = await db.resetter();
    await db.run('delete from users');
    await resetter.push(soon());
    const empty = await db.dump();
    await db.run("insert into users (name) values ('ann')");
    await resetter.reset(soon());
    expect(await db.dump()).toEqual(empty);
  });

  test('many describes leave nothing behind', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    const resetter = await db.resetter();
    for (let i = 0; i < 5; i++) {
      await resetter.reset(soon());
      await db.run('insert into orders (total) values (1)');
      await resetter.push(soon());
      await resetter.reset(soon());
      resetter.pop();
    }
    await resetter.reset(soon());
    const { rows } = await server.run(
      "select count(*)::int as n from pg_class where relname like 'rows\\_%' and relnamespace = 'qa_baseline'::regnamespace",
      db.name,
    );
    expect(rows[0].n).toBe(1);
  });
});

describe('processes', () => {
  test('the next file finds the baseline, also after a kill in a nested describe', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    const outer = await db.dump();
    const first = await db.resetter();
    await db.run(
      "create table more (id int primary key); insert into more values (1); insert into users (name) values ('kept')",
    );
    await first.push(soon());
    await db.run('truncate users cascade; alter table log rename to logs');
    // Killed: nobody pops, nobody closes. A new process has nothing but the database.
    const second = await db.resetter();
    await second.reset(soon());
    expect(await db.dump()).toEqual(outer);
  });

  test('what was written while no process was there is undone', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    const outer = await db.dump();
    const first = await db.resetter();
    await db.run("insert into log (what) values ('x')");
    await first.reset(soon());
    await first.close();
    await db.run("insert into log (what) values ('late'); select nextval('users_id_seq')");
    const second = await db.resetter();
    await second.reset(soon());
    expect(await db.dump()).toEqual(outer);
  });

  test('a clone of a database with a baseline has that baseline', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    const resetter = await db.resetter();
    await resetter.close();
    await db.pool.end();
    await server.run(`create database cloned template ${db.name}`);
    const pool = new pg.Pool({ connectionString: server.url('cloned') });
    await pool.query('select 1');
    await pool.end();
    await using copy = await makeDatabaseFrom('cloned');
    const before = await copy.dump();
    const second = await copy.resetter();
    await copy.run("delete from users; insert into log (what) values ('x'); alter table log add column n int");
    await second.reset(soon());
    expect(await copy.dump()).toEqual(before);
  });

  test('a crash of the server', async () => {
    await using own = await startPostgres();
    await using db = await makeDatabase(own, SCHEMA);
    const outer = await db.dump();
    const resetter = await db.resetter();
    await db.run("insert into users (name) values ('x')");
    await resetter.reset(soon());
    await db.run("delete from users; insert into log (what) values ('y')");
    await own.crash();
    await expect(resetter.reset(soon())).rejects.toMatchObject({ code: 'QA_CONNECTION_LOST' });
    await own.start();
    await resetter.reset(soon());
    expect(await db.dump()).toEqual(outer);
  });
});

describe('others on the same server', () => {
  test('bulk loads by another worker do not matter', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    await using other = await makeDatabase(server, 'create table big (id int primary key, v text)');
    const outer = await db.dump();
    const resetter = await db.resetter();
    await db.run(
      "insert into log (what) values ('x'); update users set name = 'y' where id = 1; select nextval('orders_id_seq')",
    );
    await other.run("insert into big select n, repeat('x', 200) from generate_series(1, 50000) n");
    await resetter.reset(soon());
    expect(await db.dump()).toEqual(outer);
    expect((await other.run('select count(*)::int as n from big')).rows[0].n).toBe(50000);
  });

  test('WAL that a checkpoint took away', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    const outer = await db.dump();
    const resetter = await db.resetter();
    await db.run("insert into log (what) values ('x')");
    for (let i = 0; i < 3; i++)
      await server.run(
        'select pg_switch_wal(); create table if not exists noise(i int); insert into noise values (1); checkpoint',
      );
    await resetter.reset(soon());
    expect(await db.dump()).toEqual(outer);
  });

  test('a writer that is still open is waited for, and what it commits is undone', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    const outer = await db.dump();
    const resetter = await db.resetter();
    const service = await db.pool.connect();
    await service.query("begin; insert into log (what) values ('late')");
    const reset = resetter.reset(soon());
    await untilBlocked(db.name);
    await service.query('commit');
    service.release();
    await reset;
    expect(await db.dump()).toEqual(outer);
  });

  test('a transaction that never ends stops the reset within its deadline, and is named', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    const resetter = await db.resetter();
    const service = await db.pool.connect();
    await service.query("begin; insert into log (what) values ('never committed')");
    const start = performance.now();
    const error = await resetter.reset(soon(600)).catch((e) => e);
    expect(performance.now() - start).toBeLessThan(1200);
    expect(error).toMatchObject({ code: 'QA_RESET_BLOCKED' });
    expect(error.message).toMatch(
      /"the shop" \(pid \d+, user tester, idle in transaction, for \d\.\d s\).*never committed/,
    );
    expect(error.message).toMatch(/missing `await`, COMMIT or ROLLBACK/);
    expect(error.message).not.toContain(server.password);
    // The service's session lives, nothing of ours waits any longer, and the next reset works.
    await service.query('rollback');
    service.release();
    const { rows } = await server.run("select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'");
    expect(rows[0].n).toBe(0);
    await resetter.reset(soon());
  });

  test('readers with an open transaction do not block it, prepared statements go on', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    const outer = await db.dump();
    const resetter = await db.resetter();
    const service = await db.pool.connect();
    const read = { name: 'read', text: 'select count(*)::int as n from users' };
    await service.query('begin');
    expect((await service.query(read)).rows[0].n).toBe(2);
    await db.run("insert into users (name) select 'u' || n from generate_series(1, 20000) n");
    await resetter.reset(soon());
    await service.query('commit');
    expect((await service.query(read)).rows[0].n).toBe(2);
    service.release();
    expect(await db.dump()).toEqual(outer);
  });

  test('a deadlock with the service ends the reset’s attempt, not the service', async () => {
    await using db = await makeDatabase(server, SCHEMA);
    const outer = await db.dump();
    const resetter = await db.resetter();
    const service = await db.pool.connect();
    await db.run("insert into orders (total) values (1); insert into log (what) values ('a')");
    await service.query("begin; insert into log (what) values ('b')");
    const reset = resetter.reset(soon());
    await untilBlocked(db.name);
    await service.query('insert into users (name) values (null); lock table orders in share mode; commit');
    service.release();
    await reset;
    expect(await db.dump()).toEqual(outer);
  });

  test('a frozen server ends it within the deadline', async () => {
    await using own = await startPostgres();
    await using db = await makeDatabase(own, SCHEMA);
    const resetter = await db.resetter();
    own.freeze();
    const start = performance.now();
    const error = await resetter.reset(soon(400)).catch((e) => e);
    own.thaw();
    expect(performance.now() - start).toBeLessThan(1000);
    expect(error).toMatchObject({ code: 'QA_TIMEOUT' });
    await resetter.reset(soon());
  });
});

test('what cannot be undone is named, with the mend', async () => {
  await using db = await makeDatabase(server, 'create aggregate total (int) (sfunc = int4pl, stype = int)');
  const resetter = await db.resetter();
  await db.run('drop aggregate total (int)');
  const error = await resetter.reset(soon()).catch((e) => e);
  expect(error).toMatchObject({ code: 'QA_RESET_FAILED' });
  expect(error.message).toMatch(/aggregate public\.total\(integer\) was dropped/);
  expect(error.message).toMatch(/in `beforeAll` or in the schema/);
});

test('any sequence of writes is undone', async () => {
  await using db = await makeDatabase(
    server,
    `${SCHEMA} create table pairs (a int, b text); insert into pairs select n % 3, 'b' from generate_series(1, 9) n`,
  );
  const outer = await db.dump();
  const resetter = await db.resetter();
  const id = fc.integer({ min: 1, max: 12 });
  const write = fc.oneof(
    id.map((n) => `insert into users (name) values ('u${n}') on conflict do nothing`),
    id.map((n) => `delete from users where id = ${n} and not exists (select from orders where user_id = users.id)`),
    id.map((n) => `update users set name = name || '${n}' where id = ${n}`),
    id.map((n) => `insert into orders (user_id, total) select id, ${n} from users limit 1`),
    id.map((n) => `update pairs set b = '${n}' where a = ${n % 3}`),
    id.map((n) => `delete from pairs where ctid in (select ctid from pairs limit ${n})`),
    id.map((n) => `insert into pairs select a, b from pairs limit ${n}`),
    id.map((n) => `select setval('orders_id_seq', ${n * 10})`),
    fc.constant('truncate pairs'),
    fc.constant('truncate users restart identity cascade'),
    id.map((n) => `alter table log add column if not exists c${n} int default ${n}`),
    id.map((n) => `create table if not exists t${n} (id serial primary key)`),
    fc.constant("begin; insert into log (what) values ('x'); rollback"),
    fc.constant('vacuum pairs'),
  );
  const step = fc.oneof(
    { weight: 6, arbitrary: write },
    { weight: 1, arbitrary: fc.constantFrom('push', 'pop', 'reset', 'new process') },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      let current = resetter;
      const stack = [outer];
      for (const s of steps) {
        if (s === 'push') {
          await current.push(soon());
          stack.push(await db.dump());
        } else if (s === 'pop') {
          if (stack.length === 1) continue;
          current.pop();
          stack.pop();
        } else if (s === 'reset') {
          await current.reset(soon());
          expect(await db.dump()).toEqual(stack.at(-1));
        } else if (s === 'new process') {
          current = await db.resetter();
          stack.length = 1;
        } else await db.run(s);
      }
      while (stack.length > 0) {
        await current.reset(soon());
        expect(await db.dump()).toEqual(stack.pop());
        current.pop();
      }
      // The first one's knowledge is out of date where another took over, as it would be in a process of its own.
      if (current !== resetter) await current.close();
    }),
    { numRuns: 40 },
  );
}, 120_000);

/** Resolves when a session of the database waits for a lock. */
async function untilBlocked(database: string): Promise<void> {
  for (;;) {
    const { rows } = await server.run(
      `select from pg_stat_activity where datname = '${database}' and wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) return;
  }
}

function makeDatabaseFrom(name: string): Promise<Database> {
  return makeDatabase(server, '', name);
}
