/** Our matchers in a real Vitest, on a real PostgreSQL: what the user reads. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { type VitestRun, vitest, vitestConfig } from '../support/vitest.ts';

const SUITE = `
import { expect, test, vi } from 'vitest';
const orders = qa.db.table('orders');
const fast = { within: 200 };

test('passes', async () => {
  await expect(orders).toHaveRowMatching({ id: 'o-1', at: expect.any(Date) });
  await expect(orders).not.toHaveRowMatching({ id: 'o-9' });
  await expect(orders).toHaveRowsMatching([{ id: 'o-1' }], { exactly: true });
  const row = await orders.waitFor({ id: 'o-1' });
  expect(row).toMatchObject({ status: 'PENDING' });
  expect(row.at).toBeInstanceOf(Date);
});
test('two soft, then hard', async () => {
  await expect(orders).toHaveRowMatching({ id: 'o-1', status: 'PAID' }, fast);
  await expect.soft(orders).toHaveRowCount(2, fast);
  await expect(orders).not.toHaveRowMatching({ id: 'o-1' }, { ...fast, soft: false });
  throw new Error('never reached');
});
test('a message of its own', async () => {
  await expect(orders, 'after the payment').toHaveRowMatching({ id: 'o-9' }, fast);
});
test('waitFor is hard', async () => {
  await orders.waitFor({ id: 'o-9' }, fast);
});
test('misuse', async () => {
  await expect(orders).not.toHaveRowMatching({ staus: 'PAID' });
});
test('misuse at once, not awaited', () => {
  void expect(orders.all()).toHaveRowCount(1);
});
test('not awaited', () => {
  void expect(orders).toHaveRowMatching({ id: 'o-9' }, fast);
});
test('not awaited, failed in time', async () => {
  void expect(orders).toHaveRowMatching({ id: 'o-9' }, { ...fast, soft: false });
  await new Promise((resolve) => setTimeout(resolve, 600));
});
test.fails('fails', async () => {
  await expect(orders).toHaveRowMatching({ id: 'o-9' }, fast);
});
test('fake timers', async () => {
  vi.useFakeTimers();
  try {
    await qa.db.query('select pg_sleep(0.02)');
    await expect(orders).toHaveRowMatching({ id: 'o-9' }, fast);
  } finally {
    vi.useRealTimers();
  }
});
test('own message before the timeout', { timeout: 900 }, async () => {
  await expect(orders).toHaveRowMatching({ id: 'o-9' });
});
test('counts as an assertion', async () => {
  expect.assertions(2);
  await expect(orders).toHaveRowCount(1);
  await expect(orders).toHaveRowCount(2, fast);
});
`;

let server: TestPostgres;
let result: VitestRun;
const messages = (name: string) => result.tests[name]!.messages;
const lineOf = (message: string) => Number(/rows\.test\.ts:(\d+):/.exec(message)?.[1]);
const lineIn = (text: string) => SUITE.split('\n').findIndex((line) => line.includes(text)) + 1;

beforeAll(async () => {
  server = await startPostgres();
  await server.run(`
    create table orders (id text, status text, at timestamptz default now());
    insert into orders values ('o-1', 'PENDING');
  `);
  const folder = project({
    'qa.config.cjs': `const { defineConfig, postgres } = require('@qa/jest-preset');
      module.exports = defineConfig({ connections: { db: postgres({ url: ${JSON.stringify(server.url())} }) } });`,
    ...vitestConfig('globals: false'),
    'rows.test.ts': SUITE,
  });
  result = await vitest(folder);
});
afterAll(() => server?.stop());

test('passes, with values of the realm of the test', () => {
  expect(result.tests.passes).toEqual({ status: 'passed', messages: [] });
});

test('soft failures and a hard one: each a block of its own, framed at its line', () => {
  const all = messages('two soft, then hard');
  expect(all.map((text) => text.split('\n')[0])).toEqual([
    "Error: expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1', status: 'PAID' })",
    "Error: expect(qa.db.table('orders')).toHaveRowCount(2)",
    "Error: expect(qa.db.table('orders')).not.toHaveRowMatching({ id: 'o-1' })",
  ]);
  expect(all.map(lineOf)).toEqual([
    lineIn("{ id: 'o-1', status: 'PAID' }"),
    lineIn('expect.soft(orders)'),
    lineIn('soft: false });'),
  ]);
  // The code frame as the user sees it.
  const line = lineIn("{ id: 'o-1', status: 'PAID' }");
  expect(result.output).toMatch(new RegExp(`\n +${line}\\| +await expect\\(orders\\).*\n +\\| +\\^`));
  expect(messages('a message of its own')[0]).toMatch(/^Error: after the payment: expect\(qa\.db/);
});

test('waitFor and misuse are hard and framed', () => {
  expect(messages('waitFor is hard')).toEqual([expect.stringMatching(/^QaError: qa\.db\.table\('orders'\)\.waitFor/)]);
  expect(lineOf(messages('waitFor is hard')[0]!)).toBe(lineIn("await orders.waitFor({ id: 'o-9'"));
  expect(messages('misuse')).toEqual([expect.stringMatching(/staus.*status/)]);
  expect(lineOf(messages('misuse')[0]!)).toBe(lineIn('staus'));
});

test('what is not awaited fails its test once, framed at the call, and no other', () => {
  expect(messages('misuse at once, not awaited')).toEqual([expect.stringMatching(/received a Promise/)]);
  expect(messages('not awaited')).toEqual([expect.stringMatching(/was not awaited/)]);
  expect(lineOf(messages('not awaited')[0]!)).toBe(
    lineIn("void expect(orders).toHaveRowMatching({ id: 'o-9' }, fast)"),
  );
  expect(messages('not awaited, failed in time')).toEqual([expect.stringMatching(/was not awaited/)]);
  expect(result.output).not.toMatch(/unhandled/i);
});

test('fails, fake timers, the time of the test, assertions', () => {
  expect(result.tests.fails!.status).toBe('passed');
  expect(messages('fake timers')).toEqual([expect.stringMatching(/No row matched/)]);
  expect(messages('own message before the timeout')).toEqual([expect.stringMatching(/cut short: asked for 5\.0 s/)]);
  expect(messages('counts as an assertion')).toEqual([expect.stringMatching(/Expected 2 rows, found 1 row/)]);
});
