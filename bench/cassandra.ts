/**
 * What Cassandra costs: connecting, a row matcher that passes at once against the raw client's query, how soon a row is
 * seen that is written later, and a reset of 50 tables against truncating those that were written. Matchers are measured
 * inside a real run of Vitest.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import cassandra from 'cassandra-driver';
import { clientConfig, closeClient, connect } from '../bindings/databases/cassandra/client.ts';
import { takeBaseline } from '../bindings/databases/cassandra/reset/baseline.ts';
import { KeyspaceResetter } from '../bindings/databases/cassandra/reset/resetter.ts';
import { Tables } from '../bindings/databases/cassandra/reset/tables.ts';
import { startCassandra } from '../test/support/cassandra.ts';
import { installPackage, project, run } from '../test/support/consumer.ts';
import { figure, median, ratio } from './figures.ts';

const TABLES = 50;

await using server = await startCassandra();
await server.run("CREATE KEYSPACE bench WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
await server.run('CREATE TABLE bench.orders (day date, id text, status text, total int, PRIMARY KEY (day, id))');
await matchers();
await resets();

async function matchers(): Promise<void> {
  installPackage();
  const folder = project({
    'qa.config.ts': `import { cassandra, defineConfig } from '@qa/jest-preset';
export default defineConfig({ connections: { events: cassandra({ contactPoints: '${server.contactPoint}', localDataCenter: 'datacenter1', keyspace: 'bench' }) } });\n`,
    'vitest.config.mts':
      "import { qaPreset } from '@qa/jest-preset/vitest';\nexport default { plugins: [qaPreset()], test: { globals: true, testTimeout: 120000 } };\n",
    'matcher.test.ts': `
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const results: Record<string, number> = {};
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];
afterAll(() => writeFileSync('results.json', JSON.stringify(results)));

test('passing at once', async () => {
  await qa.events.seed('orders', Array.from({ length: 100 }, (_, n) => ({ day: '2026-11-23', id: 'o-' + n, status: 'PAID', total: n })));
  const raw: number[] = [], ours: number[] = [];
  const cql = 'select * from orders where day = ? and id = ?';
  for (let i = 0; i < 1200; i++) {
    const id = 'o-' + i % 100;
    const start = performance.now();
    const { rowLength } = await qa.events.client.execute(cql, ['2026-11-23', id], { prepare: true });
    if (rowLength !== 1) throw new Error('no row');
    const between = performance.now();
    await expect(qa.events.table('orders')).toHaveRowMatching({ day: '2026-11-23', id, status: 'PAID' });
    if (i >= 200) { raw.push(between - start); ours.push(performance.now() - between); }
  }
  results.raw = median(raw);
  results.ours = median(ours);
});

test('a row that is written later', async () => {
  const late: number[] = [];
  for (let i = 0; i < 60; i++) {
    const waiting = expect(qa.events.table('orders')).toHaveRowMatching({ day: '2026-11-24', id: 'late-' + i }).then(() => performance.now());
    await sleep(30 + (i * 37) % 60);
    await qa.events.client.execute("insert into orders (day, id) values ('2026-11-24', ?)", ['late-' + i], { prepare: true });
    const written = performance.now();
    late.push(await waiting - written);
  }
  results.late = median(late);
});
`,
  });
  const { code, output } = await run(folder, 'vitest', ['run'], { timeout: 300_000 });
  if (code !== 0) throw new Error(output);
  const results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
  ratio('a matcher that passes at once', results.ours, results.raw, ['ours', 'execute'], 1.15);
  figure('a row written later is seen after, p50', results.late, 'ms', 20);
}

async function resets(): Promise<void> {
  for (let i = 0; i < TABLES; i += 1) await server.run(`CREATE TABLE bench.t${i} (id int PRIMARY KEY, v text)`);
  const signal = AbortSignal.timeout(300_000);
  const address = { ...server.options, keyspace: 'bench', user: undefined, password: undefined };
  const config = clientConfig(cassandra, { address });
  const opening: number[] = [];
  for (let i = 0; i < 12; i += 1) {
    const start = performance.now();
    const client = await connect(cassandra, config, { signal, baseDir: process.cwd() });
    opening.push(performance.now() - start);
    await closeClient(client);
  }
  figure('a client connects, once a file', median(opening.slice(2)), 'ms');

  const client = await connect(cassandra, config, { signal, baseDir: process.cwd() });
  await client.execute('TRUNCATE orders');
  const tables = new Tables(client, 'bench');
  const place = { connection: 'events', address: '', keyspace: 'bench', user: undefined, redact: String };
  const resetter = new KeyspaceResetter(tables, { place, baseline: await takeBaseline(tables, signal) });
  const written = [0, 7, 14, 21];
  const write = () => Promise.all(written.map((n) => client.execute(`INSERT INTO t${n} (id, v) VALUES (1, 'x')`)));
  const nothing = await rounds(
    async () => undefined,
    () => resetter.reset(signal),
  );
  const dirty = await rounds(write, () => resetter.reset(signal));
  const truncating = await rounds(write, () => Promise.all(written.map((n) => client.execute(`TRUNCATE t${n}`))));
  figure(`reset of ${TABLES} tables, nothing written`, nothing, 'ms');
  ratio(`reset of ${TABLES} tables, 4 written`, dirty, truncating, ['ours', 'TRUNCATE of the 4']);
  await closeClient(client);
}

async function rounds(before: () => Promise<unknown>, reset: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 25; i += 1) {
    await before();
    const start = performance.now();
    await reset();
    times.push(performance.now() - start);
  }
  return median(times);
}
