/** Resets on a real Cassandra: back to the baseline, by looking, and nothing else is touched. */
import cassandra from 'cassandra-driver';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Lease, Resetter, Scope } from '../../../bindings/core/binding.ts';
import { clientConfig, closeClient, connect } from '../../../bindings/databases/cassandra/client.ts';
import { binding } from '../../../bindings/databases/cassandra/index.ts';
import { takeBaseline } from '../../../bindings/databases/cassandra/reset/baseline.ts';
import { exactJson } from '../../../bindings/databases/cassandra/reset/exact-json.ts';
import { Tables } from '../../../bindings/databases/cassandra/reset/tables.ts';
import { hasCassandra, startCassandra, type TestCassandra } from '../../support/cassandra.ts';
import { failing, makeKeyspace, open, signal } from './harness.ts';

const SCHEMA = [
  'CREATE TYPE $ks.addr (street text, amount decimal)',
  'CREATE TABLE $ks.orders (day date, id text, total decimal, "to" frozen<addr>, tags set<text>, note text static, PRIMARY KEY (day, id))',
  'CREATE TABLE $ks.events (id uuid PRIMARY KEY, big bigint, v vector<float, 2>, at timestamp, spent list<decimal>)',
  'CREATE TABLE $ks.hits (page text, hour int, n counter, PRIMARY KEY (page, hour))',
  'CREATE TABLE $ks."OddTable" ("The Key" text PRIMARY KEY, x int)',
  'CREATE INDEX ON $ks.orders (total)',
];

describe.skipIf(!hasCassandra())('resets on a real Cassandra', () => {
  let server: TestCassandra;
  let client: cassandra.Client;
  const resetters: Resetter[] = [];
  const opened: AsyncDisposable[] = [];

  beforeAll(async () => {
    server = await startCassandra();
    const config = clientConfig(cassandra, {
      address: { ...server.options, keyspace: undefined, user: undefined, password: undefined },
    });
    client = await connect(cassandra, config, { signal, baseDir: process.cwd() });
  });
  afterEach(async () => {
    await Promise.all(resetters.splice(0).map((each) => each.close()));
    await Promise.all(opened.splice(0).map((each) => each[Symbol.asyncDispose]()));
  });
  afterAll(async () => {
    if (client) await closeClient(client);
    await server?.stop();
  });

  /** A keyspace as a lease hands it out, and what the next file gets. */
  async function leased(schema: readonly string[] = SCHEMA) {
    const keyspace = await makeKeyspace(server, schema);
    const tables = new Tables(client, keyspace);
    const [host, baseline] = await Promise.all([tables.hostId(signal), takeBaseline(tables, signal)]);
    const lease: Lease = {
      options: {},
      because: 'a throwaway server of this run',
      isShared: false,
      secret: { keyspace, host, baseline: JSON.stringify(baseline) },
    };
    const file = async (changes: Partial<Scope> = {}) => {
      const db = await open(server, keyspace, {}, { lease, ...changes });
      opened.push(db);
      const options = binding.parse({ ...server.options, keyspace }, 'c');
      const proof = await binding.ownership(db.client, options, db.scope);
      if (!proof.owned) return { ...db, proof, resetter: undefined as never };
      const resetter = await binding.reset(db.client, proof, db.scope);
      resetters.push(resetter);
      return { ...db, proof, resetter };
    };
    const run = (cql: string, params: unknown[] = []) => server.run(cql.replaceAll('$ks', keyspace), params);
    const dump = async () => {
      const shapes = await tables.shapes(signal);
      const rows = await Promise.all(
        shapes.map(async (shape) => [shape.name, (await tables.rows(shape, signal)).map(String).sort()]),
      );
      const schema = (await tables.schema(signal)).map(({ type, name, create }) => `${type} ${name} ${create}`);
      return { rows: Object.fromEntries(rows), schema };
    };
    return { keyspace, lease, file, run, dump, tables };
  }

  const WRITES = [
    "INSERT INTO $ks.orders (day, id, total, \"to\", tags, note) VALUES ('2026-11-23', 'o-1', 1.50, {street: 's', amount: 2.50}, {'a'}, 'n')",
    "INSERT INTO $ks.orders (day, note) VALUES ('2026-11-24', 'static only')",
    "INSERT INTO $ks.events (id, big, v, at, spent) VALUES (63a947f5-afcc-41e3-b3c6-17ae8533e5ed, 9007199254740993, [0.1, 2], '2026-11-23T10:00:00.123Z', [1.50, 123456789012345678901234567890.10])",
    "UPDATE $ks.hits SET n = n + 3 WHERE page = 'a' AND hour = 1",
    'INSERT INTO $ks."OddTable" ("The Key", x) VALUES (\'it\'\'s\', 1)',
  ];

  test('what was written is gone, whoever wrote it, and what comes after it stays', async () => {
    const { file, run, dump } = await leased();
    const before = await dump();
    const { resetter } = await file();
    for (const cql of WRITES) await run(cql);
    await resetter.reset(signal);
    expect(await dump()).toEqual(before);
    // Right after it: within the same millisecond, where nothing takes longer.
    for (const cql of WRITES) await run(cql);
    const rows = Object.values((await dump()).rows).flat();
    expect(rows).toHaveLength(5);
    await resetter.reset(signal);
    expect(await dump()).toEqual(before);
  });

  test('a write that follows a reset at once is never lost, 60 times', async () => {
    const { file, run } = await leased();
    const { resetter, client: own } = await file();
    const keyspace = own.keyspace;
    const another = new cassandra.Client({
      contactPoints: [server.contactPoint],
      localDataCenter: 'datacenter1',
      keyspace,
    });
    try {
      await another.connect();
      for (let i = 0; i < 60; i += 1) {
        await resetter.reset(signal);
        await another.execute('INSERT INTO events (id, big) VALUES (63a947f5-afcc-41e3-b3c6-17ae8533e5ed, 1)');
        expect(await run('SELECT big FROM $ks.events'), String(i)).toHaveLength(1);
      }
    } finally {
      await another.shutdown();
    }
  });

  test('a baseline with rows: they come back as they were, to the digit', async () => {
    const { file, run, dump } = await leased([...SCHEMA, ...WRITES]);
    const before = await dump();
    const { resetter } = await file();
    await run("DELETE FROM $ks.orders WHERE day = '2026-11-23'");
    await run("UPDATE $ks.orders SET note = 'changed' WHERE day = '2026-11-24'");
    await run("INSERT INTO $ks.orders (day, id) VALUES ('2026-11-25', 'new')");
    await run('UPDATE $ks.events SET spent = spent + [1], big = 1 WHERE id = 63a947f5-afcc-41e3-b3c6-17ae8533e5ed');
    await run("UPDATE $ks.hits SET n = n + 1 WHERE page = 'a' AND hour = 1");
    await run('TRUNCATE $ks."OddTable"');
    await resetter.reset(signal);
    expect(await dump()).toEqual(before);
    await resetter.reset(signal);
    expect(await dump()).toEqual(before);
  });

  test('a baseline of more rows than one page of the driver holds', async () => {
    const { keyspace, run, file, tables, lease } = await leased();
    const writer = await open(server, keyspace);
    opened.push(writer);
    const rows = Array.from({ length: 6000 }, (_, i) => ({ day: `2026-0${1 + (i % 9)}-01`, id: `o-${i}`, total: i }));
    await writer.handle.seed('orders', rows);
    const baseline = JSON.stringify(await takeBaseline(tables, signal));
    const { resetter } = await file({ lease: { ...lease, secret: { ...lease.secret, baseline } } });
    const count = async () => Number((await run('SELECT count(*) AS n FROM $ks.orders'))[0]!.n);
    await resetter.reset(signal);
    expect(await count()).toBe(6000);
    await run("DELETE FROM $ks.orders WHERE day = '2026-03-01' AND id = 'o-5996'");
    await run("INSERT INTO $ks.orders (day, id) VALUES ('2026-12-01', 'new')");
    await resetter.reset(signal);
    expect(await count()).toBe(6000);
    expect(await writer.handle.query('select * from orders')).toHaveLength(6000);
  });

  test('only what was written is touched: the rest keeps its times of writing', async () => {
    const { file, run } = await leased([...SCHEMA, ...WRITES]);
    const { resetter } = await file();
    await run("INSERT INTO $ks.orders (day, id, total) VALUES ('2026-11-30', 'x', 1)");
    const times = () =>
      Promise.all([
        run('SELECT writetime(big) AS t FROM $ks.events'),
        run("SELECT writetime(total) AS t FROM $ks.orders WHERE day = '2026-11-23'"),
      ]);
    const before = await times();
    await resetter.reset(signal);
    expect(await times()).toEqual(before);
    expect(await run("SELECT * FROM $ks.orders WHERE day = '2026-11-30'")).toEqual([]);
  });

  test('a write from the future, and hundreds of partitions', async () => {
    const { file, run, dump } = await leased();
    const before = await dump();
    const { resetter, handle } = await file();
    await run(
      `INSERT INTO $ks."OddTable" ("The Key", x) VALUES ('later', 1) USING TIMESTAMP ${(Date.now() + 3_600_000) * 1000}`,
    );
    await handle.seed(
      'orders',
      Array.from({ length: 150 }, (_, i) => ({ day: `2026-01-01`, id: `o-${i}` })),
    );
    await handle.seed(
      'hits',
      Array.from({ length: 150 }, (_, i) => ({ page: `p-${i}`, hour: 1, n: 1 })),
    );
    await resetter.reset(signal);
    expect(await dump()).toEqual(before);
  });

  test('fake timers and a time that a test has set do not matter', async () => {
    const { file, run } = await leased();
    const { resetter, handle } = await file();
    await run(WRITES[0]!);
    vi.useFakeTimers({ now: new Date('2020-01-01') });
    try {
      await resetter.reset(signal);
      await handle.seed('orders', [{ day: '2026-11-23', id: 'o-1', total: 1 }]);
      expect(await handle.table('orders').count()).toBe(1);
      await resetter.reset(signal);
      expect(await handle.table('orders').count()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('baselines nest', async () => {
    const { file, run, dump } = await leased();
    const { resetter } = await file();
    const level0 = await dump();
    await run(WRITES[0]!);
    await run('CREATE TABLE $ks.made (id int PRIMARY KEY)');
    await resetter.push(signal);
    const level1 = await dump();
    await run("DELETE FROM $ks.orders WHERE day = '2026-11-23'");
    await run('INSERT INTO $ks.made (id) VALUES (1)');
    await resetter.push(signal);
    const level2 = await dump();
    await run('TRUNCATE $ks.made');
    await run(WRITES[3]!);
    await resetter.reset(signal);
    expect(await dump()).toEqual(level2);
    resetter.pop();
    await resetter.reset(signal);
    expect(await dump()).toEqual(level1);
    resetter.pop();
    await resetter.reset(signal);
    expect(await dump()).toEqual(level0);
    expect(resetter.renew?.()).toBe(true);
  });

  test('what a test does to the schema is undone, rows included', async () => {
    const { file, run, dump } = await leased([...SCHEMA, ...WRITES]);
    const before = await dump();
    const { resetter } = await file();
    await run('CREATE TYPE $ks.extra (x int)');
    await run('CREATE TABLE $ks.extra_table (id int PRIMARY KEY, e frozen<extra>)');
    await run(
      'CREATE MATERIALIZED VIEW $ks.by_id AS SELECT day, id, total FROM $ks.orders WHERE id IS NOT NULL AND day IS NOT NULL PRIMARY KEY (id, day)',
    );
    await run(
      'CREATE FUNCTION $ks.twice (x int, y text) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS $$ return 2 * x; $$'.replaceAll(
        '$$',
        '$$$$',
      ),
    );
    await resetter.reset(signal);
    expect(await dump()).toEqual(before);
    await run('ALTER TABLE $ks.events ADD more text');
    await run('DROP TABLE $ks.hits');
    await run('DROP INDEX $ks.orders_total_idx');
    await resetter.reset(signal);
    expect(await dump()).toEqual(before);
  });

  test('the next file goes on from the same baseline, also when the one before was killed', async () => {
    const { file, run, dump } = await leased([...SCHEMA, WRITES[0]!]);
    const before = await dump();
    await file();
    await run(WRITES[2]!);
    await run("DELETE FROM $ks.orders WHERE day = '2026-11-23'");
    const { resetter } = await file();
    await resetter.reset(signal);
    expect(await dump()).toEqual(before);
  });

  describe('what is not ours is never emptied', () => {
    test('without a lease and a list nothing is', async () => {
      const keyspace = await makeKeyspace(server, SCHEMA);
      const db = await open(server, keyspace);
      opened.push(db);
      const refusal = await binding.ownership(db.client, binding.parse({ ...server.options, keyspace }, 'c'), db.scope);
      expect(refusal).toEqual({
        owned: false,
        because: `cassandra://${server.contactPoint}/${keyspace} is not a throwaway server of this run, and the config lists no tables that may be emptied (\`reset: { tables: […] }\`)`,
      });
    });

    test('a lease for another keyspace or another server proves nothing', async () => {
      const { lease, file, keyspace } = await leased();
      const other = await makeKeyspace(server);
      const db = await open(server, other, {}, { lease });
      opened.push(db);
      const options = binding.parse({ ...server.options, keyspace: other }, 'c');
      expect(await binding.ownership(db.client, options, db.scope)).toMatchObject({ owned: false });
      const moved = { ...lease, secret: { ...lease.secret, host: '63a947f5-afcc-41e3-b3c6-17ae8533e5ed' } };
      expect((await file({ lease: moved })).proof).toMatchObject({
        owned: false,
        because: expect.stringContaining(`leads to keyspace ${keyspace} of another server`),
      });
      expect((await file({ lease: { ...lease, secret: {} } })).proof).toMatchObject({ owned: false });
    });

    test('a proof that was copied is none', async () => {
      const { file } = await leased();
      const { client: own, proof, scope } = await file();
      const error = await failing(() => binding.reset(own, { ...proof } as never, scope));
      expect(error).toMatchObject({ code: 'QA_NOT_OURS' });
    });
  });

  describe('a stand with a marker', () => {
    const listed = async (keyspace: string, tables: string[], run = 'r1') => {
      const reset = { tables };
      const db = await open(server, keyspace, { reset }, { namespace: { run, worker: '1' } });
      opened.push(db);
      const proof = await binding.ownership(
        db.client,
        binding.parse({ ...server.options, keyspace, reset }, 'c'),
        db.scope,
      );
      if (!proof.owned) throw new Error(proof.because);
      const resetter = await binding.reset(db.client, proof, db.scope);
      resetters.push(resetter);
      return { ...db, proof, resetter };
    };

    test('only listed tables are emptied, and only with the marker', async () => {
      const keyspace = await makeKeyspace(server, [...SCHEMA, ...WRITES]);
      const missing = await failing(() => listed(keyspace, ['orders', 'Hits']));
      expect(missing).toMatchObject({ code: 'QA_NO_MARKER' });
      const [, statement = ''] = /nobody will miss, run: (CREATE TABLE .*;)$/.exec(missing.message) ?? [];
      await server.run(statement);
      const { resetter, proof } = await listed(keyspace, ['orders', 'Hits']);
      expect(proof).toMatchObject({ by: 'marker' });
      await resetter.reset(signal);
      const count = async (table: string) => (await server.run(`SELECT * FROM ${keyspace}.${table}`)).length;
      expect(await Promise.all(['orders', 'hits', 'events', '"OddTable"'].map(count))).toEqual([0, 0, 1, 1]);
      await server.run(WRITES[0]!.replaceAll('$ks', keyspace));
      await resetter.push(signal);
      await server.run(`INSERT INTO ${keyspace}.orders (day, id) VALUES ('2026-12-01', 'x')`);
      await resetter.reset(signal);
      expect(await count('orders')).toBe(1);
      expect(await count('events')).toBe(1);
    });

    test('a copy of the schema is not marked, and a table that is not there is told', async () => {
      const keyspace = await makeKeyspace(server, [
        ...SCHEMA,
        "CREATE TABLE $ks.qa_may_empty (id int PRIMARY KEY, held_by text) WITH comment = 'qa-may-empty:63a947f5-afcc-41e3-b3c6-17ae8533e5ed'",
      ]);
      const foreign = await failing(() => listed(keyspace, ['orders']));
      expect(foreign).toMatchObject({ code: 'QA_NO_MARKER' });
      for (const cql of (/run: (.*)$/.exec(foreign.message)?.[1] ?? '').split(/(?<=;) /)) await server.run(cql);
      const unknown = await failing(() => listed(keyspace, ['ordres']));
      expect(unknown).toMatchObject({ code: 'QA_CONFIG' });
      expect(unknown.message).toMatch(/`ordres`.*Did you mean `orders`\?$/);
    });

    test('one run at a time', async () => {
      const keyspace = await makeKeyspace(server, SCHEMA);
      const { message } = await failing(() => listed(keyspace, ['orders']));
      await server.run(/run: (.*)$/.exec(message)![1]!);
      const { resetter } = await listed(keyspace, ['orders'], 'r1');
      await listed(keyspace, ['orders'], 'r1');
      const blocked = await failing(() => listed(keyspace, ['orders'], 'r2'));
      expect(blocked).toMatchObject({ code: 'QA_RESET_BLOCKED' });
      expect(blocked.message).toMatch(/Another run \(r1\)/);
      await resetter.close();
      await listed(keyspace, ['orders'], 'r2');
    });
  });
});

test('numbers in JSON become texts, and texts stay', () => {
  expect(exactJson('{"a": [1.50, -2, 1.0E300], "b\\"1.5": "1.5"}')).toBe(
    '{"a": ["1.50", "-2", "1.0E300"], "b\\"1.5": "1.5"}',
  );
  expect(exactJson('true')).toBe('true');
  expect(exactJson(null)).toBeNull();
});
