/** The files of one worker share a connection one after another, and see nothing of each other. */
import { expect, test } from 'vitest';
import { project, run } from '../support/consumer.ts';

const FIRST = `
test('leaves what a test may leave', async () => {
  const [{ pid }] = await qa.db.query('select pg_backend_pid() as pid');
  require('node:fs').writeFileSync('pid', String(pid));
  await qa.db.client.query("set search_path = 'elsewhere'");
  await qa.db.client.query('create temp table left_over (id int)');
  await qa.db.client.query("insert into public.orders values ('o-1')");
});`;
const SECOND = `
test('finds the same connection, as good as new', async () => {
  const [row] = await qa.db.query(\`select pg_backend_pid() as pid, current_setting('search_path') as path,
    to_regclass('pg_temp.left_over') as "left", (select count(*)::int from orders) as rows\`);
  const pid = Number(require('node:fs').readFileSync('pid', 'utf8'));
  expect(row).toEqual({ pid, path: '"$user", public', left: null, rows: 0 });
});
test('never gives one back', async () => { await qa.db.client.connect(); });`;
const THIRD = `
test('has one of its own', async () => {
  const [{ pid }] = await qa.db.query('select pg_backend_pid() as pid');
  expect(pid).not.toBe(Number(require('node:fs').readFileSync('pid', 'utf8')));
  expect(qa.db.client.totalCount).toBe(1);
});`;

const FILES = {
  'qa.config.cjs': `const { defineConfig, embedded, postgres } = require('@qa/jest-preset');
module.exports = defineConfig({ connections: { db: postgres({ server: embedded({ schema: './schema.sql' }) }) } });`,
  'schema.sql': 'create table orders (id text primary key);',
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset', testSequencer: './in-order.cjs' };",
  'in-order.cjs': `const Sequencer = require('@jest/test-sequencer').default;
module.exports = class extends Sequencer { sort(tests) { return [...tests].sort((a, b) => (a.path < b.path ? -1 : 1)); } };`,
  '1.test.js': FIRST,
  '2.test.js': SECOND,
  '3.test.js': THIRD,
};

test('in Jest, in band: the process ends by itself, too', async () => {
  const { code, output } = await run(project(FILES), 'jest', ['--runInBand', '--ci']);
  expect(output).toContain('Tests:       4 passed, 4 total');
  expect(output).not.toContain('did not exit');
  expect(code).toBe(0);
});
