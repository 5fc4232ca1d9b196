/** What tests write is undone: the same cases for both finders, on a real server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { type Database, makeDatabase, soon } from './reset-harness.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

const SCHEMA = `
  create type status as enum ('NEW', 'PAID');
  create table customers (id serial primary key, name text not null, extra jsonb);
  create table orders (id text primary key, customer int references customers on delete cascade, status status default 'NEW', total numeric(10, 2));
  create table lines (id int generated always as identity primary key, order_id text references orders, n int, twice int generated always as (n * 2) stored);
  create table odd ("Mixed Case" text, f float8, b bytea, j json, r int4range, a text[], s status[], at timestamptz);
  create table events (id bigserial, at date not null, what text, primary key (id, at)) partition by range (at);
  create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
  create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
  create table parent (id int primary key, v text);
  create table child (w text) inherits (parent);
  create table hen (id int primary key, egg int);
  create table egg (id int primary key, hen int references hen);
  alter table hen add foreign key (egg) references egg;
  create unlogged table scratch (id serial primary key, v text);
  create table audit (n serial, what text);
  create function audit() returns trigger language plpgsql as $$ begin insert into audit (what) values (tg_op || ' ' || tg_table_name); return null; end $$;
  create trigger audit after insert or update or delete on orders for each row execute function audit();
  create table always_audited (id int primary key);
  create trigger audit after insert or delete on always_audited for each row execute function audit();
  alter table always_audited enable always trigger audit;
  create table ruled (id int primary key);
  create rule keep as on delete to ruled do instead nothing; alter table ruled enable replica rule keep;
  insert into ruled values (1);
  create materialized view totals as select customer, sum(total) as total from orders group by 1;
  create sequence ticket start 100 increment 5;
  insert into customers (name, extra) select 'customer ' || n, jsonb_build_object('n', n) from generate_series(1, 20) n;
  insert into orders values ('o-1', 1, 'PAID', 42.00), ('o-2', 2, 'NEW', 1.5);
  insert into lines (order_id, n) values ('o-1', 1), ('o-1', 2);
  insert into odd values ('a', 'NaN', '\\x00ff', '{"a":  1}', '[1,5)', '{x,NULL}', '{NEW,PAID}', '2025-01-01 00:00:00.123456+00'), (null, '-0', null, null, 'empty', '{}', null, 'infinity');
  insert into odd select * from odd;
  insert into events (at, what) values ('2025-05-05', 'x'), ('2026-05-05', 'y');
  insert into parent values (1, 'p');
  insert into child values (2, 'c', 'w');
  insert into hen values (1, null); insert into egg values (1, 1); update hen set egg = 1;
  insert into scratch (v) values ('kept');
  select nextval('ticket'), nextval('ticket');
  refresh materialized view totals;`;

const WRITES: Record<string, string> = {
  nothing: 'select 1',
  'new rows': "insert into customers (name) values ('new'); insert into orders values ('o-3', 1)",
  'changed and deleted rows':
    "update customers set name = 'x' where id < 5; delete from lines; delete from orders where id = 'o-2'",
  'a changed key': 'update parent set id = 77; update customers set id = id + 1000 where id > 10',
  'all deleted': 'truncate customers, orders, lines restart identity cascade',
  'rows of which none has a key': 'delete from odd; insert into odd (f) values (1), (1)',
  'one of two equal rows': 'delete from odd where ctid = (select min(ctid) from odd)',
  'values that look equal': `update odd set j = '{"a":1}'::json; update orders set total = 42.0; update odd set f = 0 where f = 0`,
  partitions:
    "insert into events (at, what) values ('2026-01-01', 'z'); delete from events where at < '2026-01-01'; update events set at = '2025-02-02'",
  inheritance: "insert into child values (9, 'x', 'y'); update parent set v = 'both'",
  'foreign keys in a circle':
    'insert into hen values (2, null); insert into egg values (2, 2); update hen set egg = 2 where id = 2; delete from egg where id = 99',
  'triggers and rules that fire for replicas too':
    'insert into always_audited values (1); insert into ruled values (2), (3)',
  'unlogged tables': "insert into scratch (v) values ('x'); delete from scratch where v = 'kept'",
  'sequences alone': "select nextval('ticket')",
  'sequences set': "select setval('ticket', 5, false), setval('customers_id_seq', 1000)",
  'a sequence that was read once': "select nextval('lines_id_seq')",
  'a rolled back insert': "begin; insert into customers (name) values ('gone'); rollback",
  'a materialized view': "insert into orders values ('o-9', 9, 'PAID', 9); refresh materialized view totals",
  'temporary tables': 'create temp table t as select * from customers; insert into t select * from t; drop table t',
  'vacuum, analyze, cluster': 'update customers set name = name',
  'a big table': "insert into audit (what) select repeat('x', 100) from generate_series(1, 20000)",
  'a new table':
    "create table fresh (id serial primary key, o text references orders); insert into fresh (o) values ('o-1')",
  'a dropped table': 'drop table lines',
  'a dropped table with what depends on it': 'drop table customers cascade',
  'a dropped partition': 'drop table events_2025',
  'a detached partition':
    'alter table events detach partition events_2025; insert into events_2025 (id, at) values (99, now())',
  'an added column': "alter table orders add column note text default 'n'; update orders set note = 'm'",
  'a dropped column': 'alter table customers drop column extra',
  'a changed type': 'alter table customers alter column name type varchar(40)',
  'a renamed column': 'alter table orders rename column total to sum',
  'a renamed table': 'alter table audit rename to log',
  'defaults and not null':
    "alter table customers alter column name set default 'x', alter column name drop not null; alter table orders alter column status drop default; insert into customers (name) values (null)",
  constraints:
    "alter table orders drop constraint orders_customer_fkey; alter table orders add constraint positive check (total >= 0); insert into orders values ('o-7', 777)",
  'a dropped primary key':
    "alter table lines drop constraint lines_pkey; insert into lines (order_id, n) values ('o-1', 3)",
  indexes: 'create index on orders (total); create unique index concurrently_not on audit (n)',
  'an enum that grew': "alter type status add value 'LOST'",
  'a dropped enum': 'drop type status cascade',
  'new types':
    "create type colour as enum ('red'); create domain positive as int check (value > 0); create type pair as (a int, b colour)",
  functions:
    "create function f(a int) returns int language sql as 'select a'; create or replace function audit() returns trigger language plpgsql as 'begin return null; end'",
  'a dropped trigger': 'drop trigger audit on orders; alter table customers disable trigger all',
  views:
    'create view v as select * from orders; create materialized view mv as select * from orders; drop materialized view totals',
  schemas:
    'create schema other; create table other.t (id int); create function other.f() returns int language sql as $$select 1$$',
  'sequences made and altered':
    'create sequence s2; alter sequence ticket increment 7; alter sequence ticket owned by audit.n',
  rights:
    'revoke all on orders from public; grant select on orders to public; grant update (name) on customers to public',
  'row security': 'alter table orders enable row level security; create policy p on orders for select using (true)',
  'a large object': "select lo_from_bytea(0, 'hello')",
  'an extension': 'create extension citext; create table c (t citext)',
  rules: 'create rule r as on delete to audit do instead nothing',
};

describe.each(['wal', 'look'] as const)('found by %s', (finder) => {
  let db: Database;
  beforeAll(async () => {
    db = await makeDatabase(server, SCHEMA);
  });
  afterAll(() => db[Symbol.asyncDispose]());

  test.each(Object.entries(WRITES))('%s', async (name, sql) => {
    const resetter = await db.resetter({ finder });
    await resetter.reset(soon());
    const before = await db.dump();
    await db.run(sql);
    if (name.startsWith('vacuum'))
      for (const s of ['vacuum', 'analyze', 'vacuum full customers', 'cluster customers using customers_pkey'])
        await db.run(s);
    await resetter.reset(soon());
    expect(await db.dump()).toEqual(before);
    await resetter.reset(soon());
    expect(await db.dump()).toEqual(before);
    await resetter.close();
  });
});
