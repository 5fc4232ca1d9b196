import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SOURCE } from '../../../bindings/core/source.ts';
import { binding, type PostgresHandle } from '../../../bindings/databases/postgres/index.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { type OpenConnection, openBinding } from '../../support/scope.ts';

let server: TestPostgres;
let open: OpenConnection<unknown, PostgresHandle>;
let db: PostgresHandle;
const { signal } = new AbortController();

beforeAll(async () => {
  server = await startPostgres();
  open = await openBinding(binding, { url: server.url() });
  db = open.handle;
});
afterAll(async () => {
  await open[Symbol.asyncDispose]();
  await server.stop();
});

const find = async (source: ReturnType<PostgresHandle['table']>, expected: Record<string, unknown>) =>
  (await source[SOURCE].find(expected, { limit: 10, signal })).rows;

describe('a table that changes under its sources', () => {
  beforeEach(() =>
    server
      .run('drop table if exists t cascade; create table t (a int4, b text); insert into t values (42, $$x$$)')
      .then(() => {}),
  );

  test.each([
    ['a column of another type', 'alter table t alter a type text', { a: '42' }, [{ a: '42', b: 'x' }]],
    ['a wider type', 'alter table t alter a type numeric; update t set a = 42.5', { a: 42.5 }, [{ a: '42.5', b: 'x' }]],
    [
      'a new column',
      "alter table t add c date default '2024-01-01'",
      { c: '2024-01-01' },
      [{ a: 42, b: 'x', c: '2024-01-01' }],
    ],
    ['a dropped column', 'alter table t drop b', { a: 42 }, [{ a: 42 }]],
    ['a renamed column', 'alter table t rename b to d', { d: 'x' }, [{ a: 42, d: 'x' }]],
    [
      'the table made anew',
      "drop table t; create table t (b int8, a text); insert into t values (1, '42')",
      { a: '42' },
      [{ b: '1', a: '42' }],
    ],
    [
      'a view instead',
      "drop table t; create view t as select 42::int8 as a, 'x'::text as b",
      { a: 42 },
      [{ a: '42', b: 'x' }],
    ],
  ])('%s', async (_, change, expected, rows) => {
    const source = db.table('t');
    expect(await find(source, { a: 42 })).toHaveLength(1);
    await server.run(change);
    await source[SOURCE].check(expected, signal);
    expect(await find(source, expected)).toEqual(rows);
    expect(await db.table('t', expected).count()).toBe(1);
    await server.run('drop view if exists t').catch(() => server.run('drop table t cascade'));
  });

  test('it goes, and comes back', async () => {
    const source = db.table('t');
    expect(await source.count()).toBe(1);
    await server.run('drop table t');
    await expect(source.count()).rejects.toMatchObject({ code: 'QA_NOT_FOUND' });
    await source[SOURCE].check({ anything: 1 }, signal);
    await server.run('create table t (z int)');
    expect(await source.count()).toBe(0);
  });

  test('seed follows', async () => {
    await db.seed('t', [{ a: 1 }]);
    await server.run('alter table t add c jsonb, alter a type text');
    expect(await db.seed('t', [{ a: 'one', c: { x: [1] } }])).toEqual([{ a: 'one', b: null, c: { x: [1] } }]);
  });

  test('attributes of a composite type', async () => {
    await server.run('create type pair as (x int, y int); create table p (v pair); insert into p values ((1, 2))');
    expect(await find(db.table('p'), { v: { x: 1 } })).toEqual([{ v: { x: 1, y: 2 } }]);
    await server.run('alter type pair rename attribute x to left_one; alter type pair add attribute z int');
    expect(await find(db.table('p'), { v: { left_one: 1 } })).toEqual([{ v: { left_one: 1, y: 2, z: null } }]);
  });
});

describe('what SQL cannot judge', () => {
  test('is left to memory when the server refuses the comparison', async () => {
    await server.run("create table latin (s text); insert into latin values ('a'), ('b')");
    // Two columns of one name cannot be told apart in SQL.
    const twice = db.rows('select s, s from latin order by s');
    expect(await find(twice, { s: 'b' })).toEqual([{ s: 'a' }, { s: 'b' }]);
    expect(twice[SOURCE].ordered).toBe(true);
  });

  test('a column whose collation takes different texts for equal', async () => {
    await server.run(`create collation loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
      create table loosely (l text collate loose, x text, c char(3)); insert into loosely values ('ÄB', 'a', 'p')`);
    expect(await db.table('loosely', { l: 'ab' }).count()).toBe(0);
    expect(await db.table('loosely', { l: 'ÄB', x: 'a', c: 'p' }).count()).toBe(1);
    expect(await db.table('loosely', { x: 'A' }).count()).toBe(0);
    expect(await find(db.rows('select l from loosely'), { l: 'äb' })).toEqual([]);
  });

  test('narrowing by it is refused', async () => {
    await server.run('create table if not exists docs (doc jsonb)');
    await expect(db.table('docs', { doc: { a: 1 } }).all()).rejects.toThrow(/cannot be compared in SQL.*qa\.db\.rows/);
    await expect(db.table('docs', { dok: 1 }).count()).rejects.toThrow(/Did you mean `doc`\?/);
  });

  test('comparisons that can never be meant say what to write', async () => {
    await server.run('create table if not exists times (day date, at timestamptz)');
    const observer = db.table('times')[SOURCE];
    await expect(observer.check({ day: new Date() }, signal)).rejects.toThrow(/`day` is of type date\. .*'YYYY-MM-DD'/);
    await expect(observer.check({ at: '2024-01-01' }, signal)).rejects.toThrow(/timestamptz.*new Date/);
  });

  test('with `accept` every row is looked at, page by page', async () => {
    await server.run(
      "create table many as select n, jsonb_build_object('n', n) as doc from generate_series(1, 12000) n",
    );
    const observer = db.table('many')[SOURCE];
    let seen = 0;
    const accept = (row: Readonly<Record<string, unknown>>) => {
      seen += 1;
      return (row.doc as { n: number }).n === 11_999;
    };
    expect(await observer.find({ doc: { n: 11_999 } }, { limit: 1, signal, accept })).toEqual({
      rows: [{ n: 11_999, doc: { n: 11_999 } }],
      more: false,
    });
    expect(seen).toBeGreaterThan(11_999);
    expect(await observer.find({}, { limit: 2, signal, accept: (row) => Number(row.n) > 5000 })).toMatchObject({
      more: true,
    });
    const twice = db.rows('select n, n from many')[SOURCE];
    const last = (row: Readonly<Record<string, unknown>>) => row.n === 12_000;
    expect(await twice.find({ n: 12_000 }, { limit: 1, signal, accept: last })).toEqual({
      rows: [{ n: 12_000 }],
      more: false,
    });
    expect(db.client.idleCount).toBe(db.client.totalCount);
  });
});

test('statements that a passing look costs: one', async () => {
  await server.run('create table if not exists cheap (id int primary key, v text)');
  const source = db.table('cheap');
  await source[SOURCE].check({ id: 1 }, signal);
  await find(source, { id: 1 });
  const { client } = db;
  const statements: unknown[] = [];
  const count = (taken: { query(...args: unknown[]): unknown }) => {
    const original = taken.query;
    taken.query = function (this: unknown, ...args) {
      statements.push(args[0]);
      return original.apply(this, args);
    };
  };
  const taken = await client.connect();
  count(taken as never);
  taken.release();
  const again = db.table('cheap');
  await again[SOURCE].check({ id: 1 }, signal);
  await find(again, { id: 1 });
  expect(statements).toHaveLength(1);
});

describe('a table of a million rows', () => {
  beforeAll(async () => {
    await server.run(
      "create table big as select n as id, 'name ' || n as name, n % 7 as k, md5(n::text) as h from generate_series(1, 1000000) n",
    );
  });

  test('a failure is explained in bounded time and memory', async () => {
    const observer = db.table('big')[SOURCE];
    global.gc?.();
    const before = process.memoryUsage().heapUsed;
    const start = performance.now();
    const explained = await observer.explain({ id: 77, k: 3, name: 'no' }, { limit: 3, signal });
    expect(performance.now() - start).toBeLessThan(8000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(30e6);
    expect(explained.rows).toHaveLength(3);
    expect(explained).toMatchObject({
      total: 1_000_000,
      totalIsFloor: false,
      fulfilled: { id: 1, k: 142_857, name: 0 },
    });
  });

  test('counting that takes too long is cut off, and says so', async () => {
    const slow = db.rows(
      'select n, pg_sleep(case when n > 30000 then 0.01 else 0 end)::text as s from generate_series(1, 100000) n',
    );
    const explained = await slow[SOURCE].explain({ n: 5 }, { limit: 1, signal });
    expect(explained).toMatchObject({ total: 20_000, totalIsFloor: true, rows: [{ n: 5 }] });
  });
});
