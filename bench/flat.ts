/** 200 files on 2 workers: connections and memory must not grow from file to file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPackage, project, run } from '../test/support/consumer.ts';
import { figure, median } from './figures.ts';

const FILES = 200;

installPackage();
const tests = Object.fromEntries(
  ['sample', 'qa'].map((kind) => [
    kind,
    Array.from({ length: FILES }, (_, i) => [
      `t${i}.test.js`,
      `
const { appendFileSync } = require('node:fs');
test('runs', async () => {
  ${kind === 'qa' ? "await qa.db.seed('orders', [{ id: 'o-1' }]);" : ''}
  const n = ${kind === 'qa' ? '(await qa.db.query("select count(*)::int as n from pg_stat_activity where backend_type = \'client backend\'"))[0].n' : '0'};
  appendFileSync('samples', JSON.stringify({ n, rss: process.memoryUsage().rss / 2 ** 20, at: Date.now() }) + '\\n');
});\n`,
    ]),
  ]),
);

/** Medians of the files 20 to 60, and of the last 40. */
async function measure(files: Record<string, string>) {
  const folder = project(files);
  const { code, output } = await run(folder, 'jest', ['--maxWorkers=2', '--silent'], { timeout: 300_000 });
  if (code !== 0) throw new Error(output);
  const samples = readFileSync(join(folder, 'samples'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { n: number; rss: number; at: number })
    .sort((a, b) => a.at - b.at);
  const part = (from: number, to: number) => samples.slice(from * FILES, to * FILES);
  const of = (some: typeof samples) => ({ n: median(some.map(({ n }) => n)), rss: median(some.map(({ rss }) => rss)) });
  return { early: of(part(0.1, 0.3)), late: of(part(0.8, 1)) };
}

const bare = await measure({
  'jest.config.cjs': "module.exports = { testEnvironment: 'node' };\n",
  ...Object.fromEntries(tests.sample!),
});
const ours = await measure({
  'qa.config.ts': `import { defineConfig, embedded, postgres } from '@qa/jest-preset';
export default defineConfig({ connections: { db: postgres({ server: embedded({ schema: './schema.sql' }) }) } });\n`,
  'schema.sql': 'create table orders (id text primary key);\n',
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };\n",
  ...Object.fromEntries(tests.qa!),
});

figure('connections to the server, files 20 to 60', ours.early.n, 'of 2 workers');
figure('connections to the server, last 40 files', ours.late.n, 'of 2 workers');
figure('memory of a worker, files 20 to 60', ours.early.rss, `MB; bare ${bare.early.rss.toFixed(0)}`);
figure('memory of a worker, last 40 files', ours.late.rss, `MB; bare ${bare.late.rss.toFixed(0)}`);
