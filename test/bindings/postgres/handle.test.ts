import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SOURCE } from '../../../bindings/core/source.ts';
import { binding, type PostgresHandle } from '../../../bindings/databases/postgres/index.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { type OpenConnection, openBinding } from '../../support/scope.ts';

let server: TestPostgres;
let open: OpenConnection<unknown, PostgresHandle>;
let db: PostgresHandle;
const signal = new AbortController().signal;

beforeAll(async () => {
  server = await startPostgres();
  await server.run(`
    create schema audit;
    create type mood as enum ('sad', 'happy');
    create table orders (id text primary key, status text not null default 'NEW', total numeric(10,2), at timestamptz default now());
    create table "Orders" (id int);
    create table audit."Log" (n bigint generated always as identity, doc jsonb, tags text[], raw bytea, mood mood, day date, span interval);
    create table "we.ird" (x int);
    create table parent (id serial primary key, name text);
  `);
  open = await openBinding(binding, { url: server.url() });
  db = open.handle;
});
beforeEach(() =>
  server.run(`truncate orders, "Orders", audit."Log", "we.ird", parent restart identity`).then(() => {}),
);
afterAll(async () => {
  await open[Symbol.asyncDispose]();
  await server.stop();
});

describe('statements', () => {
  test('query gives rows as the driver types them', async () => {
    expect(await db.query('select 1 as n, $1::text as t', ['x'])).toEqual([{ n: 1, t: 'x' }]);
    expect(db.client.constructor.name).toMatch(/Pool/);
    expect(db.driver.types.builtins.INT8).toBe(20);
    expect(db.url).toBe(server.url());
  });

  test('sql sends values as parameters and nests', async () => {
    const evil = "'; drop table orders; --";
    const part = db.sql`id = ${evil}`;
    await db.seed('orders', [{ id: evil }]);
    expect(await db.sql`select id from orders where ${part} and status = ${'NEW'}`).toEqual([{ id: evil }]);
    expect(db.sql`a ${part} b ${1} ${db.sql`c ${2}`}`.text).toBe('a id = $1 b $2 c $3');
    expect(() => (db.sql as unknown as (text: string) => void)('select 1')).toThrow(/as a tag/);
  });

  test("an error of the server is the driver's own, with the caller's line", async () => {
    await db.seed('orders', [{ id: 'a' }]);
    const error = await db.query("insert into orders values ('a')").catch((e) => e);
    expect(error).toMatchObject({ code: '23505', constraint: 'orders_pkey' });
    expect(error.stack).toMatch(/handle\.test\.ts/);
  });
});

describe('seed', () => {
  test('fills defaults of keys that only some rows have, in order', async () => {
    const rows = await db.seed('orders', [
      { id: 'a', status: 'PAID' },
      { id: 'b' },
      { id: 'c', total: 4.5, status: undefined },
    ]);
    expect(rows).toMatchObject([
      { id: 'a', status: 'PAID', total: null },
      { id: 'b', status: 'NEW', total: null },
      { id: 'c', status: 'NEW', total: '4.50' },
    ]);
    expect(await db.seed('parent', [{ name: 'x' }, { id: 10, name: 'y' }, { name: 'z' }])).toEqual([
      { id: 1, name: 'x' },
      { id: 10, name: 'y' },
      { id: 2, name: 'z' },
    ]);
    expect(await db.seed('parent', [{}, {}])).toHaveLength(2);
  });

  test('documents, lists, bytes, dates and intervals', async () => {
    const row = {
      n: 7,
      doc: { a: [1, { b: 'x' }], s: 'text' },
      tags: ['a', 'b "q"', null],
      raw: Buffer.from([0, 255]),
      mood: 'happy',
      day: '2024-02-29',
      span: { days: 1, hours: 2 },
    };
    expect(await db.seed('audit.Log', [row, { ...row, n: 8, doc: [1, 2], span: '3 days' }])).toEqual([
      { ...row, n: '7' },
      { ...row, n: '8', doc: [1, 2], span: { days: 3 } },
    ]);
  });

  test('far more values than a statement may have parameters', async () => {
    const rows = Array.from({ length: 40_000 }, (_, i) => ({ id: `o-${i}`, status: 'S', total: i }));
    expect(await db.seed('orders', rows)).toHaveLength(40_000);
  });

  test("an unknown column names the nearest; a refused row is the driver's error", async () => {
    await expect(db.seed('orders', [{ id: 'x', stauts: 1 }])).rejects.toThrow(
      /no column `stauts`.*Did you mean `status`\?/,
    );
    await expect(db.seed('orders', [{ id: 'x' }, { id: 'x' }])).rejects.toMatchObject({ code: '23505' });
  });
});

describe('transaction', () => {
  test('commits, rolls back, and gives the client back', async () => {
    await db.transaction(async (tx) => {
      await tx.seed('orders', [{ id: 't1' }]);
      await tx.sql`update orders set status = ${'PAID'}`;
    });
    await expect(
      db.transaction(async (tx) => {
        await tx.query("insert into orders values ('t2')");
        throw new RangeError('no');
      }),
    ).rejects.toThrow(RangeError);
    expect(await db.table('orders').all()).toMatchObject([{ id: 't1', status: 'PAID' }]);
    expect(db.client.idleCount).toBe(db.client.totalCount);
  });

  test('a swallowed error inside is told at the end', async () => {
    const swallowed = db.transaction(async (tx) => {
      await tx.query('select nonsense').catch(() => undefined);
    });
    await expect(swallowed).rejects.toThrow(/rolled back/);
  });

  test('a connection that dies inside is destroyed', async () => {
    const dying = db.transaction((tx) => tx.query('select pg_terminate_backend(pg_backend_pid())'));
    await expect(dying).rejects.toMatchObject({ code: 'QA_CONNECTION_LOST', connection: 'db' });
    expect(await db.query('select 1 as n')).toEqual([{ n: 1 }]);
  });
});

describe('sources', () => {
  test('names: exact, lower-cased, in a schema, with a dot, missing', async () => {
    await db.seed('Orders', [{ id: 1 }]);
    expect(await db.table('Orders').all()).toEqual([{ id: 1 }]);
    expect(await db.table('ORDERS').count()).toBe(0);
    expect(await db.table('audit.Log').count()).toBe(0);
    expect(await db.table('"we.ird"').count()).toBe(0);
    await expect(db.table('ordres').all()).rejects.toThrow(/no table `ordres`.*Did you mean `orders`\?/s);
    expect(() => db.table('a.b.c.d')).not.toThrow();
    await expect(db.table('a.b.c').all()).rejects.toMatchObject({ code: 'QA_MISUSE' });
  });

  test('find, check, count, explain and the command', async () => {
    await db.seed('orders', [{ id: 'a', status: 'PAID', total: 42 }, { id: 'b', total: 7 }, { id: 'c' }]);
    const source = db.table('orders');
    const observer = source[SOURCE];
    await observer.check({ id: 'a' }, signal);
    await expect(observer.check({ idd: 1 }, signal)).rejects.toThrow(/no column `idd`.*Did you mean `id`\?/);
    await expect(observer.check({ id: undefined }, signal)).rejects.toMatchObject({ code: 'QA_MISUSE' });
    expect(await observer.find({ total: 42 }, { limit: 5, signal })).toMatchObject({
      rows: [{ id: 'a' }],
      more: false,
    });
    expect(await observer.find({}, { limit: 2, signal })).toMatchObject({ more: true });
    expect(await observer.count({ signal })).toBe(3);
    expect(await observer.count({ signal, atMost: 2 })).toBe(2);
    expect(await db.table('orders', { status: 'NEW' }).count()).toBe(2);
    expect(await observer.explain({ status: 'PAID', total: 7, id: 'b' }, { limit: 1, signal })).toMatchObject({
      rows: [{ id: 'b' }],
      total: 3,
      totalIsFloor: false,
      fulfilled: { status: 1, total: 1, id: 1 },
    });
    expect(observer.equal('total', '42.00', 42)).toBe(true);
    expect(observer.command({ id: "o'1", total: null })).toBe(
      "select * from orders where id = 'o''1' and total is null;",
    );
    expect(observer.where()).toBe(`table orders of qa.db (postgres://tester@127.0.0.1:${server.port}/postgres)`);
  });

  test('a query: wrapped, shown, refused', async () => {
    const n = db.rows<{ n: number }>('select count(*)::int as n from orders where id <> $1; ', ['x']);
    expect(await n.all()).toEqual([{ n: 0 }]);
    expect(await n[SOURCE].find({ n: 0 }, { limit: 1, signal })).toMatchObject({ rows: [{ n: 0 }] });
    expect(n[SOURCE].command({ n: 1 })).toContain("where id <> 'x'");
    expect(await db.rows('show server_version_num').count()).toBe(1);
    expect(await db.rows(db.sql`select ${'x'}::text as t`).all()).toEqual([{ t: 'x' }]);
    expect(() => db.rows('delete from orders returning *')).toThrow(/begins with `delete`/);
    await expect(db.rows('with d as (delete from orders returning *) select * from d').all()).rejects.toMatchObject({
      code: 'QA_QUERY_FAILED',
    });
    await expect(db.rows('select 1; delete from orders').all()).rejects.toMatchObject({ code: 'QA_QUERY_FAILED' });
  });
});
