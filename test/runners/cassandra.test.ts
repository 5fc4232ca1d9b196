/** Cassandra in both runners, with the package as npm packs it: the code word for word, on a real server. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasCassandra, startCassandra, type TestCassandra } from '../support/cassandra.ts';
import { project } from '../support/consumer.ts';
import { CACHE } from '../support/java-jars.ts';
import { jest } from '../support/jest.ts';
import { normalise } from '../support/normalise.ts';
import { vitest, vitestConfig } from '../support/vitest.ts';

const SCHEMA = `CREATE TABLE orders_by_day (day date, id text, total int, at timestamp, PRIMARY KEY (day, id));
CREATE TABLE trips (id uuid PRIMARY KEY, distance decimal, n bigint, tags set<text>);
`;
const CONFIG = `import { cassandra, defineConfig, embedded } from '@qa/jest-preset';
const config = defineConfig({
  connections: {
events: cassandra({ server: embedded({ schema: './schema.cql' }) })     // or { contactPoints, localDataCenter, keyspace }
  },
});
export default config;
declare module '@qa/jest-preset' { interface Register { config: typeof config } }
`;
const FIRST = `import assert from 'node:assert';
import { writeFileSync } from 'node:fs';
import cassandra from 'cassandra-driver';

let service: cassandra.Client;
beforeAll(async () => {
  const { contactPoints, localDataCenter, keyspace } = qa.events;
  writeFileSync('point', contactPoints[0]!);
  service = new cassandra.Client({ contactPoints, localDataCenter, keyspace });
  await service.execute("INSERT INTO orders_by_day (day, id, total) VALUES ('2026-11-01', 'before', 1)");
});
afterAll(() => service.shutdown());

test('the code of the issue', async () => {
  await service.execute("INSERT INTO orders_by_day (day, id, total) VALUES ('2026-11-23', 'o-1', 42)");
await expect(qa.events.table('orders_by_day')).toHaveRowMatching({ day: '2026-11-23', id: 'o-1', total: 42 });
});

test('what the last test wrote is gone, what beforeAll wrote is not', async () => {
  await expect(qa.events.table('orders_by_day')).toHaveRowsMatching([{ id: 'before' }], { exactly: true });
});

test('what comes later is waited for', async () => {
  setTimeout(() => void service.execute("INSERT INTO orders_by_day (day, id, total) VALUES ('2026-11-23', 'o-2', 7)"), 300);
  const row = await qa.events.table('orders_by_day').waitFor({ day: '2026-11-23', total: 7 });
  assert.deepStrictEqual(row, { day: '2026-11-23', id: 'o-2', at: null, total: 7 });
  await expect(qa.events.table('orders_by_day', { day: '2026-11-23' })).toHaveRowCount(1);
  await expect(qa.events.table('orders_by_day')).not.toHaveRowMatching({ id: 'o-9' });
});

test('seeding, rows of the realm, the real client and driver', async () => {
  const id = '63a947f5-afcc-41e3-b3c6-17ae8533e5ed';
  await qa.events.seed('trips', [{ id, distance: 1.5, n: '9007199254740993', tags: ['b', 'a'] }]);
  assert.deepStrictEqual(await qa.events.table('trips').all(), [
    { id, distance: '1.5', n: 9007199254740993n, tags: ['a', 'b'] },
  ]);
  const [row] = await qa.events.query('select * from trips where id = ?', [id]);
  expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  expect(row.id).toBeInstanceOf(qa.events.driver.types.Uuid);
  expect(qa.events.client).toBeInstanceOf(cassandra.Client);
  await expect(qa.events.rows('select sum(n) as total from trips')).toHaveRowMatching({ total: 9007199254740993n });
  await expect(qa.events.table('trips')).toHaveRowMatching({ distance: 1.50, tags: new Set(['a', 'b']) });
});
`;
const SECOND = `test('another file starts from the schema', async () => {
  await expect(qa.events.table('orders_by_day')).toHaveRowCount(0);
  expect(qa.events.keyspace).toMatch(/^events_\\d+_[\\da-f]{8}$/);
});
`;
const FAILING = `test('no such order', async () => {
  await qa.events.seed('orders_by_day', [{ day: '2026-11-23', id: 'o-1', total: 7 }, { day: '2026-11-24', id: 'o-2', total: 42 }]);
  await expect(qa.events.table('orders_by_day')).toHaveRowMatching({ id: 'o-1', total: 42 }, { within: 100 });
});
`;

const FILES = {
  'schema.cql': SCHEMA,
  'qa.config.ts': CONFIG,
  'first.test.ts': FIRST,
  'second.test.ts': SECOND,
  'failing.check.ts': FAILING,
  'jest.config.cjs': `module.exports = { preset: '@qa/jest-preset', testMatch: process.env.CHECK ? ['**/*.check.ts'] : ['**/*.test.ts'] };\n`,
  ...vitestConfig('globals: true, include: process.env.CHECK ? ["*.check.ts"] : ["*.test.ts"]'),
};
const env = { QA_CACHE: CACHE };

/** Whether the server of a run is still there. */
async function answers(folder: string): Promise<boolean> {
  const [host, port] = readFileSync(join(folder, 'point'), 'utf8').split(':');
  const socket = connect(Number(port), host);
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

// Each starts several runs with a JVM, on machines that are busy.
const TIMEOUT = 180_000;

describe.skipIf(!hasCassandra())('a throwaway Cassandra', { timeout: TIMEOUT }, () => {
  test('in Jest, in-band and with two workers', async () => {
    const folder = project(FILES);
    const single = await jest(folder, ['-i'], { env, node: 'system' });
    expect(single.code, single.output).toBe(0);
    expect(single.output).not.toMatch(/did not exit|open handle/);
    await expect.poll(() => answers(folder), { timeout: 5000 }).toBe(false);
    const parallel = await jest(folder, ['--maxWorkers=2'], { env });
    expect(parallel.code, parallel.output).toBe(0);
    expect(Object.keys(parallel.tests)).toHaveLength(5);
  });

  test('in Vitest, in processes and in threads', async () => {
    const folder = project(FILES);
    for (const pool of ['forks', 'threads']) {
      const run = await vitest(folder, [`--pool=${pool}`], { env });
      expect(run.code, run.output).toBe(0);
      expect(Object.keys(run.tests)).toHaveLength(5);
      await expect.poll(() => answers(folder), { timeout: 5000 }).toBe(false);
    }
  });

  test('a failure says what was read, and that it was all of the table', async () => {
    const { tests, code, output } = await jest(project(FILES), [], { env: { ...env, CHECK: '1' } });
    expect(code, output).toBe(1);
    const [message = ''] = tests['no such order']!.messages;
    expect(normalise(message.split(/\n\nqa\.log:|\n {4}at /)[0]!).trimEnd()).toMatchInlineSnapshot(`
      "Error: expect(qa.events.table('orders_by_day')).toHaveRowMatching({ id: 'o-1', total: 42 })

      No row matched.

      Looked in  table orders_by_day of qa.events (cassandra://127.0.0.1:<port>/events_1_34cecb86), all of it: its partition key \`day\` is not given
                 for <took>, <n> times
      Saw        2 rows:
                   id     differs in 1
                   total  differs in 1
      Closest    { day: '2026-11-23', id: 'o-1', at: null, total: 7 }
                 differs in 1 of 2 columns (- expected, + received)
                 - total: 42
                 + total: 7
      Look with  select * from orders_by_day where id = 'o-1' allow filtering;"
    `);
  });
});

describe.skipIf(!hasCassandra())('a server that dies and comes back', { timeout: TIMEOUT }, () => {
  let server: TestCassandra;
  beforeAll(async () => {
    server = await startCassandra({ durable: true });
    await server.run("CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    await server.run('CREATE TABLE shop.t (id int PRIMARY KEY)');
  });
  afterAll(() => server?.stop());

  const files = {
    'qa.config.cjs': `const { cassandra } = require('@qa/jest-preset');
module.exports = { connections: { events: cassandra({ contactPoints: process.env.POINT ?? '127.0.0.1:1', localDataCenter: 'datacenter1', keyspace: 'shop' }) } };\n`,
    'a.test.js': `const { existsSync, writeFileSync } = require('node:fs');
test('it dies', async () => {
  await expect(qa.events.table('t')).toHaveRowCount(0);
  process.kill(Number(process.env.SERVER_PID), 'SIGKILL');
  const error = await (async () => { for (;;) await qa.events.query('select * from t'); })().catch((reason) => reason);
  expect(error).toMatchObject({ name: 'QaError', code: 'QA_CONNECTION_LOST', connection: 'events' });
});
test('and comes back', async () => {
  writeFileSync('wanted', '');
  await new Promise((resolve) => { const look = setInterval(() => existsSync('back') && resolve(clearInterval(look)), 20); });
  await expect(qa.events.table('t')).toHaveRowCount(0);
  // The driver's own client needs a moment more on a busy machine.
  for (;;) if (await qa.events.client.execute('select * from t').then(() => true, () => false)) break;
}, 60000);\n`,
    'b.test.js': `test('the next file works', async () => { await expect(qa.events.table('t')).toHaveRowCount(0); });\n`,
    'jest.config.cjs': `module.exports = { preset: '@qa/jest-preset' };\n`,
    ...vitestConfig(),
  };

  test.each(['jest', 'vitest'] as const)(
    'in %s: told once, the next test and file work, and the run ends',
    async (runner) => {
      const folder = project(files);
      // One is told by the config, the other by the environment.
      const address = runner === 'jest' ? { POINT: server.contactPoint } : { QA_EVENTS_URL: server.url('shop') };
      const options = { env: { ...address, SERVER_PID: String(server.pid) }, timeout: 90_000 };
      const args = runner === 'jest' ? ['-i', 'a.test', 'b.test'] : ['--no-file-parallelism'];
      const running = runner === 'jest' ? jest(folder, args, options) : vitest(folder, args, options);
      const watching = (async () => {
        await expect.poll(() => existsSync(join(folder, 'wanted')), { timeout: 60_000, interval: 50 }).toBe(true);
        await server.kill();
        await server.restart();
        writeFileSync(join(folder, 'back'), '');
      })();
      const { code, output, tests } = await running;
      await watching;
      expect(code, output).toBe(0);
      expect(Object.keys(tests)).toHaveLength(3);
      expect(output).not.toMatch(/did not exit|open handle|hanging/i);
    },
  );
});
