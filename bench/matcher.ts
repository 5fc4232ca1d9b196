/**
 * What a matcher costs: one that passes at once against a raw `pool.query`, how soon a row is seen that is committed
 * later, and what a failing match costs in a table of a million rows. Measured inside a real run of Vitest.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPackage, project, run } from '../test/support/consumer.ts';
import { figure, ratio } from './figures.ts';

installPackage();
const folder = project({
  'qa.config.ts': `import { defineConfig, embedded, postgres } from '@qa/jest-preset';
export default defineConfig({ connections: { db: postgres({ server: embedded({ schema: './schema.sql' }) }) } });\n`,
  'schema.sql': `create table orders (id text primary key, status text, total numeric);
insert into orders select 'o-' || n, 'PAID', n from generate_series(1, 1000) n;
create table big (id bigint primary key, status text, total numeric);\n`,
  'vitest.config.mts':
    "import { qaPreset } from '@qa/jest-preset/vitest';\nexport default { plugins: [qaPreset()], test: { globals: true, testTimeout: 120000 } };\n",
  'matcher.test.ts': `
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const results: Record<string, number> = {};
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];
afterAll(() => writeFileSync('results.json', JSON.stringify(results)));

test('passing at once', async () => {
  const raw: number[] = [], ours: number[] = [];
  const text = 'select id, status, total from orders where id = $1 and status = $2';
  for (let i = 0; i < 2500; i++) {
    const id = 'o-' + (1 + i % 1000);
    let start = performance.now();
    const { rows } = await qa.db.client.query(text, [id, 'PAID']);
    if (rows.length !== 1) throw new Error('no row');
    const between = performance.now();
    await expect(qa.db.table('orders')).toHaveRowMatching({ id, status: 'PAID' });
    if (i >= 500) { raw.push(between - start); ours.push(performance.now() - between); }
  }
  results.raw = median(raw);
  results.ours = median(ours);
});

test('a row that is committed later', async () => {
  const other = new pg.Client({ connectionString: qa.db.url });
  await other.connect();
  const late: number[] = [];
  for (let i = 0; i < 100; i++) {
    const waiting = expect(qa.db.table('orders')).toHaveRowMatching({ id: 'late-' + i }).then(() => performance.now());
    await sleep(30 + (i * 37) % 60);
    await other.query("insert into orders values ($1, 'PAID', 1)", ['late-' + i]);
    const committed = performance.now();
    late.push(await waiting - committed);
  }
  await other.end();
  results.late50 = median(late);
  results.late99 = late[98];
});

test('a failing match in a million rows', async () => {
  await qa.db.query("insert into big select n, 'NEW', n from generate_series(1, 1000000) n");
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const start = performance.now();
  await expect(qa.db.table('big')).toHaveRowMatching({ id: 1000001, status: 'PAID' }, { within: 1000, soft: false }).then(
    () => { throw new Error('it passed'); },
    (error) => { if (!/No row matched/.test(error.message)) throw error; },
  );
  results.bigTime = performance.now() - start - 1000;
  results.bigMemory = (process.memoryUsage().rss - before) / 2 ** 20;
});
`,
});
const { code, output } = await run(folder, 'vitest', ['run'], { timeout: 300_000 });
if (code !== 0) throw new Error(output);
const results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));

ratio('a matcher that passes at once', results.ours, results.raw, ['ours', 'pool.query'], 1.15);
figure('a row committed later is seen after, p50', results.late50, 'ms', 20);
figure('a row committed later is seen after, p99', results.late99, 'ms');
figure('a failing match in 1,000,000 rows, beyond its 1 s', results.bigTime, 'ms');
figure('its memory', results.bigMemory, 'MB');
