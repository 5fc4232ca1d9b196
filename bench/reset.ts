/**
 * What a reset costs: `npm run bench` or `node bench/reset.ts` (a Node that runs TypeScript). Each line compares ways
 * to get back to the baseline, in one run, on one server: medians, and the best, which tells more on a machine that does other things too.
 */
import pg from 'pg';
import { makeDatabase, soon } from '../test/bindings/postgres/reset-harness.ts';
import { startPostgres } from '../test/support/postgres.ts';

const ROUNDS = 40;

await using server = await startPostgres({ settings: ['synchronous_commit=off'] });
for (const tables of [200, 1000]) {
  const columns = (parent: number) => `id serial primary key, name text, parent int references t${parent}`;
  const schema = Array.from({ length: tables }, (_, i) => `create table t${i} (${columns(Math.max(0, i - 1))})`);
  const reference = "insert into t0 (name) select 'ref' || n from generate_series(1, 20) n";
  const template = `template_${tables}`;
  await server.run(`create database ${template}`);
  await server.run(`${schema.join(';')}; ${reference}`, template);
  await using db = await makeDatabase(server, `${schema.join(';')}; ${reference}`);
  const clone = new pg.Client({ connectionString: server.url() });
  await clone.connect();

  const [resetter, opening] = await timed(() => db.resetter());
  const reset = () => resetter.reset(soon());
  const write = async () => {
    for (let i = 1; i <= 5; i++) await db.run(`insert into t${i * 7} (name) values ('a'), ('b')`);
  };
  const all = schema.map((_, i) => `t${i}`).join(', ');
  const print = (what: string, times: number[]) => {
    const sorted = times.toSorted((a, b) => a - b);
    const [best, median] = [sorted[0]!, sorted[sorted.length >> 1]!].map((ms) => ms.toFixed(2).padStart(8));
    console.log(`${String(tables).padStart(5)} tables  ${what.padEnd(32)} ${median} ms  best ${best} ms`);
  };
  const compare = async (what: string, count: number, before: () => Promise<unknown>, run: () => Promise<unknown>) =>
    print(what, await rounds(count, before, run));
  const sql = (text: string) => () => db.run(text);

  print('baseline taken, once a worker', [opening]);
  await compare('nothing written', ROUNDS, sql('select'), reset);
  await compare('5 tables written', ROUNDS, write, reset);
  await compare('reference rows changed', ROUNDS, sql("update t0 set name = 'x' where id < 4"), reset);
  await compare('a temporary table', 8, sql('drop table if exists pg_temp.t; create temp table t (id int)'), reset);
  await compare('a column added', 5, sql('alter table t5 add column extra int'), reset);
  await compare('a table made', 5, sql('create table extra (id serial primary key)'), reset);
  await compare('baseline pushed, 5 tables', 10, write, async () => {
    await resetter.push(soon());
    resetter.pop();
  });
  const looking = await db.resetter({ finder: 'look' });
  await compare('5 tables, found by looking', 5, write, () => looking.reset(soon()));
  const fresh = async () => {
    const next = await db.resetter();
    await next.reset(soon());
  };
  await compare('a new file: open and reset', 10, sql('select'), fresh);
  await compare('TRUNCATE of all', 3, write, sql(`truncate ${all}`));
  const drop = () => clone.query('drop database if exists clone');
  await compare('clone of a template', 5, drop, () => clone.query(`create database clone template ${template}`));
  await clone.end();
}

async function rounds(count: number, before: () => Promise<unknown>, run: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    await before();
    times.push((await timed(run))[1]);
  }
  return times;
}

async function timed<T>(run: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now();
  const result = await run();
  return [result, performance.now() - start];
}
