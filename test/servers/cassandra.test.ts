/** Throwaway Cassandras, from jars that Maven brought before (test/servers/prepare.mjs). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import cassandra from 'cassandra-driver';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Lease } from '../../bindings/core/binding.ts';
import { type EmbeddedOptions, embedded } from '../../bindings/core/server.ts';
import { inKeyspace, keyspacesOf, statements } from '../../servers/cassandra/statements.ts';
import { currentRun, lease } from '../../servers/index.ts';
import { CACHE, hasCassandra } from '../support/java-jars.ts';
import { failure } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'qa-test-cassandra-'));
const notices: string[] = [];

beforeAll(() => {
  vi.stubEnv('QA_CACHE', CACHE);
  writeFileSync(join(folder, 'schema.cql'), SCHEMA);
  writeFileSync(join(folder, 'plain.cql'), 'CREATE TABLE orders_by_day (day date, id text, PRIMARY KEY (day, id))');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.stubEnv('QA_CACHE', CACHE);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const SCHEMA = `-- as cqlsh takes it; it names its own keyspace
CREATE KEYSPACE IF NOT EXISTS shop WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3};
USE shop;
CREATE TYPE shop.address (street text, note text); // a type
/* a; comment */
CREATE TABLE shop.orders (id text PRIMARY KEY, "to" frozen<shop.address>, total decimal);
INSERT INTO shop.orders (id, "to", total) VALUES ('shop.orders; o-1', {street: 'it''s'}, 1.50);
BEGIN BATCH
  INSERT INTO orders (id) VALUES ('b-1');
  INSERT INTO shop.orders (id) VALUES ('b-2');
APPLY BATCH;
CREATE FUNCTION shop.twice (x int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS $$ return 2 * x; $$;
`;

function keyspace(server: EmbeddedOptions | object, worker = '1', connection = 'events'): Promise<Lease> {
  const isLent = Object.values(server).some((value) => typeof value === 'function') && !('schema' in server);
  return lease({
    kind: 'cassandra',
    server: isLent ? server : embedded(server as EmbeddedOptions),
    connection,
    namespace: { run: currentRun().id, worker },
    baseDir: folder,
    driver: cassandra,
    notice: (line) => notices.push(line),
  });
}

async function run({ options }: Lease, cql: string): Promise<Record<string, unknown>[]> {
  const client = new cassandra.Client(options as unknown as cassandra.ClientOptions);
  try {
    return (await client.execute(cql)).rows?.map((row) => ({ ...row })) ?? [];
  } finally {
    await client.shutdown();
  }
}

describe.skipIf(!hasCassandra())('a Cassandra of the run', () => {
  test('each worker gets a keyspace of its own on the same server, filled by the schema', async () => {
    const [first, second] = await Promise.all([
      keyspace({ schema: './schema.cql' }, '1'),
      keyspace({ schema: './schema.cql' }, '2'),
    ]);
    expect(first).toMatchObject({
      options: {
        contactPoints: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)],
        localDataCenter: 'datacenter1',
        keyspace: expect.stringMatching(/^events_1_[\da-f]{8}$/),
      },
      because: 'a throwaway Cassandra that this run started',
      isShared: false,
    });
    expect(second.options.contactPoints).toEqual(first.options.contactPoints);
    expect(second.options.keyspace).not.toBe(first.options.keyspace);
    expect(await keyspace({ schema: './schema.cql' }, '1')).toEqual(first);
    for (const each of [first, second]) {
      const rows = await run(each, 'SELECT id FROM orders');
      expect(rows.map(({ id }) => id).sort()).toEqual(['b-1', 'b-2', 'shop.orders; o-1']);
      expect(await run(each, "SELECT twice(21) AS n FROM orders WHERE id = 'b-1'")).toEqual([{ n: 42 }]);
    }
    expect(await run(first, "SELECT * FROM system_schema.keyspaces WHERE keyspace_name = 'shop'")).toEqual([]);
  });

  test("isolation: 'run' gives all workers one keyspace; no schema, an empty one", async () => {
    const [first, second] = await Promise.all([
      keyspace({ isolation: 'run' }, '1'),
      keyspace({ isolation: 'run' }, '2'),
    ]);
    expect(first).toEqual(second);
    expect(first.isShared).toBe(true);
    expect(
      await run(first, `SELECT * FROM system_schema.tables WHERE keyspace_name = '${first.options.keyspace}'`),
    ).toEqual([]);
  });

  test('schema may be a function, which gets the address', async () => {
    const urls: string[] = [];
    const own = await keyspace({ schema: ({ url }: { url: string }) => void urls.push(url) }, '1', 'migrated');
    expect(urls).toEqual([
      `cassandra://${(own.options.contactPoints as string[])[0]}/${own.options.keyspace}?dc=datacenter1`,
    ]);
    const error = await failure(
      keyspace({ schema: () => Promise.reject(new Error('no such migration')) }, '1', 'broken'),
    );
    expect(error.message).toMatch(/^qa\.broken: The function `schema` threw: no such migration\. Mend the function/);
  });

  test('a server that was started for the run is taken as it is, with keyspaces of the run', async () => {
    const own = await keyspace({});
    const [point] = own.options.contactPoints as string[];
    const lent = await keyspace({ getContactPoint: () => point, getDatacenter: () => 'datacenter1' }, '1', 'lent');
    expect(lent.options.keyspace).toMatch(new RegExp(`^qa_${currentRun().id.toLowerCase()}_lent_1_[\\da-f]{8}$`));
    expect(await run(lent, 'SELECT key FROM system.local')).toHaveLength(1);
    expect(lent.because).toBe('a Cassandra that was started for this run');
  });

  test('a statement that the server refuses is shown in its file', async () => {
    writeFileSync(
      join(folder, 'wrong.cql'),
      '-- first\nCREATE TABLE ok (id int PRIMARY KEY);\n\nCREATE TABLE wrong (id intt PRIMARY KEY);\n',
    );
    const unknown = await failure(keyspace({ schema: './wrong.cql' }, '1', 'w1'));
    expect(unknown).toMatchObject({ code: 'QA_SCHEMA_FAILED' });
    expect(
      unknown.message,
    ).toBe(`qa.w1: wrong.cql:4:1: Unknown type w1_1_${/w1_1_(\w+)/.exec(unknown.message)?.[1]}.intt
    4 | CREATE TABLE wrong (id intt PRIMARY KEY);
      | ^
Mend the file: its statements run one by one, as cqlsh runs them.`);
    writeFileSync(join(folder, 'syntax.cql'), 'CREATE TABLE ok (id int PRIMARY KEY);\nCREATE TABLE\n  wrong id int;\n');
    const syntax = await failure(keyspace({ schema: './syntax.cql' }, '1', 'w2'));
    expect(syntax.message).toMatch(
      /syntax\.cql:3:9: line 2:8 no viable alternative.*\n {4}3 \| {3}wrong id int;\n {6}\| {9}\^/,
    );
  });

  test('two keyspaces, commands of cqlsh and missing files are told', async () => {
    writeFileSync(
      join(folder, 'two.cql'),
      'CREATE KEYSPACE a WITH replication = {};\nCREATE KEYSPACE b WITH replication = {};\n',
    );
    const two = await failure(keyspace({ schema: './two.cql' }, '1', 'w3'));
    expect(two.message).toMatch(/two\.cql:2:1: the schema names two keyspaces, a and b, and a connection has one/);
    writeFileSync(join(folder, 'shell.cql'), "SOURCE 'other.cql';\n");
    const shell = await failure(keyspace({ schema: './shell.cql' }, '1', 'w4'));
    expect(shell.message).toMatch(/shell\.cql:1:1: `source` is a command of cqlsh, not CQL/);
    const missing = await failure(keyspace({ schema: './schma.cql' }, '1', 'w5'));
    expect(missing.message).toMatch(/Did you mean `\.\/schema\.cql`\?$/);
  });
});

test('an option that means nothing here, and a server that is none', async () => {
  const foreign = await failure(keyspace({ binaries: '/x' }));
  expect(foreign).toMatchObject({ code: 'QA_CONFIG' });
  expect(foreign.message).toMatch(/`embedded\(\{ binaries \}\)` means nothing for cassandra/);
  const none = await failure(keyspace({ getHost: () => 'x' }));
  expect(none.message).toMatch(/no `getContactPoint\(\)`.*CassandraContainer/);
});

describe('the text of a schema', () => {
  test('is cut at semicolons that end statements', () => {
    expect(statements(SCHEMA).map(({ text }) => text.split(/\s+/).slice(0, 2).join(' '))).toEqual([
      'CREATE KEYSPACE',
      'USE shop;'.slice(0, -1),
      'CREATE TYPE',
      'CREATE TABLE',
      'INSERT INTO',
      'BEGIN BATCH',
      'CREATE FUNCTION',
    ]);
    for (const { text, offset } of statements(SCHEMA)) expect(SCHEMA.slice(offset, offset + 6)).toBe(text.slice(0, 6));
  });

  test('is moved into another keyspace, strings and names of columns left alone', () => {
    expect(keyspacesOf(statements(SCHEMA))).toEqual(['shop']);
    const text = `INSERT INTO Shop.orders (shop, "to") VALUES ('shop.x', x.shop.y) -- "shop".t`;
    expect(inKeyspace(text, ['shop'], 'k_1')).toBe(
      `INSERT INTO "k_1".orders (shop, "to") VALUES ('shop.x', x.shop.y) -- "shop".t`,
    );
    expect(inKeyspace('"Odd".t', ['Odd'], 'k')).toBe('"k".t');
  });
});
