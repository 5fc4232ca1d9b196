/** The whole of it in Jest, on a throwaway PostgreSQL and on a real server that misbehaves. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { jest, outcome } from '../support/jest.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const JEST = "module.exports = { preset: '@qa/jest-preset' };";
const SCHEMA = `
  create table orders (id text primary key, status text not null default 'NEW', total numeric(10, 2) not null);
  create table audit (id serial primary key, what text);`;
const EMBEDDED = {
  'qa.config.ts': `
    import { defineConfig, postgres, embedded } from '@qa/jest-preset';
    const config = defineConfig({ connections: { db: postgres({ server: embedded({ schema: './schema.sql' }) }) } });
    export default config;`,
  'schema.sql': SCHEMA,
  'jest.config.cjs': JEST,
};
const LENT = {
  'qa.config.cjs': `
    const { defineConfig, fromEnv, postgres } = require('@qa/jest-preset');
    module.exports = defineConfig({ connections: { db: postgres({ url: fromEnv('URL_OF_DB') }) }, openTimeout: 1500 });`,
  'jest.config.cjs': JEST,
};

for (const node of ['newer', 'system'] as const) {
  test(`state and reset, in band, with no handle left open (${node} Node)`, async () => {
    const folder = project({
      ...EMBEDDED,
      'shop.test.ts': `
        import { Pool } from 'pg';
        let service: Pool;
        beforeAll(async () => {
          service = new Pool({ connectionString: qa.db.url });
          await service.query("insert into orders (id, total) values ('seed', 1)");
          await service.query('create table migrated (id int)');
          qa.state.set('api', 'up');
        });
        afterAll(() => service.end());
        test('writes', { tags: ['smoke'] }, async () => {
          await service.query("insert into orders (id, status, total) values ('o-1', 'PAID', 42)");
          await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1', total: 42 });
          await expect(qa.db.table('orders')).toHaveRowCount(2);
        });
        test('starts from what beforeAll wrote', async () => {
          await expect(qa.db.table('orders')).toHaveRowsMatching([{ id: 'seed' }], { exactly: true });
          await expect(qa.db.table('migrated')).toHaveRowCount(0);
          expect(qa.state.require('api')).toBe('up');
          expect(qa.db.client).toBeInstanceOf(Pool);
        });`,
      'z.test.js':
        "test('the next file starts from the schema', async () => { await expect(qa.db.table('orders')).toHaveRowCount(0); });",
    });
    const result = await jest(folder, ['-i', '--detectOpenHandles'], { node });
    expect(result.code, result.output).toBe(0);
    expect(Object.keys(result.tests)).toHaveLength(3);
    expect(result.output).not.toContain('open handle');
    expect(result.output).not.toContain('did not exit');
  });
}

test('workers have a database each', async () => {
  const one = (name: string) => `
    test('${name}', async () => {
      for (let i = 0; i < 20; i += 1) await qa.db.query('insert into audit (what) values ($1)', ['${name}']);
      await expect(qa.db.table('audit')).toHaveRowsMatching(Array.from({ length: 20 }, () => ({ what: '${name}' })), { exactly: true });
    });
    test('${name} is reset', async () => { await expect(qa.db.table('audit')).toHaveRowCount(0); });`;
  const folder = project({
    ...EMBEDDED,
    ...Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`${name}.test.js`, one(name)])),
  });
  const result = await jest(folder, ['--maxWorkers=2']);
  expect(result.code, result.output).toBe(0);
});

test('a wait ends with its own message: before the timeout, under fake timers, in hooks', async () => {
  const folder = project({
    ...EMBEDDED,
    'w.test.js': `
      const nothing = () => expect(qa.db.table('orders')).toHaveRowMatching({ id: 'nope' });
      test('test', { timeout: 900 }, nothing);
      test('fake', { timeout: 900 }, async () => { jest.useFakeTimers(); try { await nothing(); } finally { jest.useRealTimers(); } });
      test('legacy', { timeout: 900 }, async () => { jest.useFakeTimers({ legacyFakeTimers: true }); try { await nothing(); } finally { jest.useRealTimers(); } });
      describe('hook', () => { beforeAll(nothing, 900); test('fails', () => {}); });
      test('hard', { timeout: 900 }, () => qa.db.table('orders').waitFor({ id: 'nope' }));`,
  });
  const result = await jest(folder, ['-i']);
  for (const name of ['test', 'fake', 'legacy', 'hook fails', 'hard']) {
    expect(result.tests[name]!.messages, name).toHaveLength(1);
    expect(result.tests[name]!.messages[0], name).toContain("{ id: 'nope' }");
    expect(result.tests[name]!.messages[0], name).toContain('cut short');
    expect(result.tests[name]!.messages[0], name).toMatch(/w\.test\.js:\d+/);
  }
});

const TWO = {
  'a.test.js': `
    afterEach(() => { throw new Error('must not run'); });
    test('one', () => {});
    test('two', () => {});`,
  'b.test.js': '/** @qa */ test("needs none", () => {});',
};

test.each<[name: string, address: () => string, message: RegExp]>([
  ['refused', () => 'postgres://u:s3cret-word@127.0.0.1:1/db', /qa\.db \(postgres:\/\/u@127\.0\.0\.1:1\/db\)/],
  ['a wrong password', () => server.url().replace(/:[^:@/]*@/, ':wrong-s3cret-word@'), /password|authentication/i],
  ['an unknown database', () => server.url('nowhere'), /nowhere/],
])('%s: one error for each test, the next file works, no password anywhere', async (_, address, message) => {
  const folder = project({ ...LENT, ...TWO });
  const result = await jest(folder, ['-i'], { env: { URL_OF_DB: address() } });
  expect(outcome(result)).toEqual({ one: 'failed', two: 'failed', 'needs none': 'passed' });
  for (const name of ['one', 'two']) expect(result.tests[name]!.messages).toEqual([expect.stringMatching(message)]);
  expect(result.output).not.toContain('s3cret-word');
  expect(result.output).not.toContain('must not run');
  expect(result.output).not.toContain('jest-preset/dist');
});

test('a server that hangs ends within openTimeout', async () => {
  const folder = project({ ...LENT, ...TWO });
  server.freeze();
  try {
    const result = await jest(folder, ['-i'], { env: { URL_OF_DB: server.url() } });
    expect(outcome(result)).toEqual({ one: 'failed', two: 'failed', 'needs none': 'passed' });
    expect(result.tests.one!.messages).toEqual([expect.stringMatching(/within 1500 ms|openTimeout/)]);
  } finally {
    server.thaw();
  }
});
