/** 200 files on 2 workers: connections and memory must not grow from file to file. */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPackage, project, run } from '../test/support/consumer.ts';
import { figure, median } from './figures.ts';

const FILES = 200;

installPackage();
const text = `
const { appendFileSync } = require('node:fs');
test('reads', async () => {
  await qa.db.seed('orders', [{ id: 'o-1' }]);
  const [{ n }] = await qa.db.query('select count(*)::int as n from pg_stat_activity where backend_type = $1', ['client backend']);
  appendFileSync(${JSON.stringify('samples')}, JSON.stringify({ n, rss: process.memoryUsage().rss, at: Date.now() }) + '\\n');
});`;
const folder = project({
  'qa.config.ts': `import { defineConfig, embedded, postgres } from '@qa/jest-preset';
export default defineConfig({ connections: { db: postgres({ server: embedded({ schema: './schema.sql' }) }) } });\n`,
  'schema.sql': 'create table orders (id text primary key);\n',
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };\n",
  ...Object.fromEntries(Array.from({ length: FILES }, (_, i) => [`t${i}.test.js`, text])),
});
appendFileSync(join(folder, 'samples'), '');
const { code, output } = await run(folder, 'jest', ['--maxWorkers=2', '--silent'], { timeout: 300_000 });
if (code !== 0) throw new Error(output);
const samples = readFileSync(join(folder, 'samples'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { n: number; rss: number; at: number })
  .sort((a, b) => a.at - b.at);
const part = (from: number, to: number, of: (sample: (typeof samples)[number]) => number) =>
  median(samples.slice(from * FILES, to * FILES).map(of));

figure(
  'connections to the server, files 20 to 60',
  part(0.1, 0.3, ({ n }) => n),
  'of 2 workers',
);
figure(
  'connections to the server, last 40 files',
  part(0.8, 1, ({ n }) => n),
  'of 2 workers',
);
figure(
  'memory of a worker, files 20 to 60',
  part(0.1, 0.3, ({ rss }) => rss / 2 ** 20),
  'MB',
);
figure(
  'memory of a worker, last 40 files',
  part(0.8, 1, ({ rss }) => rss / 2 ** 20),
  'MB',
);
