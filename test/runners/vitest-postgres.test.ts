/** The whole of it in Vitest, on a throwaway PostgreSQL and on a real server that misbehaves. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { project, start } from '../support/consumer.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { recorder } from '../support/recorder.ts';
import { outcome, vitest, vitestConfig } from '../support/vitest.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const EMBEDDED = {
  'qa.config.ts': `
    import { defineConfig, postgres, embedded } from '@qa/jest-preset';
    const config = defineConfig({ connections: { db: postgres({ server: embedded({ schema: './schema.sql' }) }) } });
    export default config;`,
  'schema.sql': `
    create table orders (id text primary key, status text not null default 'NEW', total numeric(10, 2) not null);
    create table audit (id serial primary key, what text);`,
  ...vitestConfig(),
};
const LENT = {
  'qa.config.cjs': `
    const { defineConfig, fromEnv, postgres } = require('@qa/jest-preset');
    module.exports = defineConfig({ connections: { db: postgres({ url: fromEnv('URL_OF_DB') }) }, openTimeout: 1500 });`,
  ...vitestConfig('globals: true, fileParallelism: false'),
};

for (const pool of ['forks', 'threads', 'vmThreads', 'vmForks'] as const) {
  test(`state and reset, while a service holds its own pool (${pool})`, async () => {
    const folder = project({
      ...EMBEDDED,
      ...vitestConfig(`globals: true, pool: '${pool}', maxWorkers: 1`),
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
          const [row] = await qa.db.query('select now() as at');
          expect(row.at).toBeInstanceOf(Date);
        });
        test('fake timers', async () => {
          vi.useFakeTimers();
          try {
            await qa.db.query("insert into orders (id, total) values ('o-2', 1)");
            await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-2' });
          } finally { vi.useRealTimers(); }
        });`,
      'z.test.js':
        "test('the next file starts from the schema', async () => { await expect(qa.db.table('orders')).toHaveRowCount(0); });",
    });
    const result = await vitest(folder);
    expect(result.code, result.output).toBe(0);
    expect(Object.keys(result.tests)).toHaveLength(4);
  });
}

test('in a document of happy-dom, whose globals are not those of Node', async () => {
  const folder = project({
    ...EMBEDDED,
    ...vitestConfig("globals: true, environment: 'happy-dom'"),
    'dom.test.js': `
      const nothing = (options) => expect(qa.db.table('orders')).toHaveRowMatching({ id: 'nope' }, options);
      test('both are there', async () => {
        document.body.innerHTML = '<p id="x">paid</p>';
        expect(AbortController).toBe(window.AbortController);
        setTimeout(() => void qa.db.query("insert into orders (id, total) values ('o-1', 1)"), 100);
        await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1' });
        expect(document.querySelector('#x').textContent).toBe('paid');
      });
      test('waits end', { timeout: 1500 }, async () => { await nothing({ within: 100 }); await nothing(); });
      test('timers of both', async () => { vi.useFakeTimers(); try { await nothing({ within: 100 }); } finally { vi.useRealTimers(); } });`,
  });
  const result = await vitest(folder);
  expect(result.tests['both are there'], result.output).toEqual({ status: 'passed', messages: [] });
  expect(result.tests['waits end']!.messages).toEqual([
    expect.stringContaining("{ id: 'nope' }"),
    expect.stringContaining('cut short'),
  ]);
  expect(result.tests['timers of both']!.messages).toEqual([expect.stringContaining("{ id: 'nope' }")]);
});

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
  const result = await vitest(folder, ['--maxWorkers=2']);
  expect(result.code, result.output).toBe(0);
});

// On a machine that is starved the runner's timer may come before what should precede it by a fraction of a second.
test('a wait ends with its own message: before the time limit, under fake timers, in every hook', {
  retry: 1,
}, async () => {
  const folder = project({
    ...EMBEDDED,
    ...vitestConfig('globals: true, fileParallelism: false'),
    'w.test.js': `
      const nothing = () => expect(qa.db.table('orders')).toHaveRowMatching({ id: 'nope' });
      test('test', { timeout: 900 }, nothing);
      test('fake', { timeout: 900 }, async () => { vi.useFakeTimers(); try { await nothing(); } finally { vi.useRealTimers(); } });
      describe('before', () => { beforeEach(nothing, 900); test('each', () => {}); });
      describe('after', () => { afterEach(nothing, 900); test('each', () => {}); });
      test('hard', { timeout: 900 }, () => qa.db.table('orders').waitFor({ id: 'nope' }));`,
    'all.test.js': `
      const nothing = () => expect(qa.db.table('orders')).toHaveRowMatching({ id: 'nope' });
      describe('all', () => { beforeAll(nothing, 900); test('never', () => {}); });
      describe('end', () => { afterAll(nothing, 900); test('fine', () => {}); });`,
  });
  const result = await vitest(folder);
  for (const name of ['test', 'fake', 'before each', 'after each', 'hard']) {
    expect(result.tests[name]!.messages, name).toHaveLength(1);
    expect(result.tests[name]!.messages[0], name).toContain("{ id: 'nope' }");
    expect(result.tests[name]!.messages[0], name).toContain('cut short');
    expect(result.tests[name]!.messages[0], name).toMatch(/w\.test\.js:\d+/);
  }
  expect(result.output).not.toContain('timed out in');
  expect(result.output.match(/all\.test\.js:2:/g)!.length).toBeGreaterThanOrEqual(2);
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
])('%s: one error for each test, the next file works, no password anywhere', async (_, address, message) => {
  const folder = project({ ...LENT, ...TWO });
  const result = await vitest(folder, [], { env: { URL_OF_DB: address() } });
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
    const result = await vitest(folder, [], { env: { URL_OF_DB: server.url() } });
    expect(outcome(result)).toEqual({ one: 'failed', two: 'failed', 'needs none': 'passed' });
    expect(result.tests.one!.messages).toEqual([expect.stringMatching(/within 1500 ms|openTimeout/)]);
  } finally {
    server.thaw();
  }
});

test('a watch session opens and closes for each of its runs, and runs again when qa.config changes', async () => {
  await using lines = await recorder();
  const folder = project({ ...vitestConfig(), 'a.test.js': "test('a', () => qa.rec.say('one'));" }, 'jest-recorder');
  const { child, done, output } = start(folder, 'vitest', ['--watch'], { env: { RECORDER: lines.address } });
  const until = async (ready: () => boolean) => {
    for (let i = 0; !ready(); i += 1) {
      if (i > 600) throw new Error(`Waited in vain:\n${output()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const closed = () => lines.lines.filter((line) => line === 'close').length;
  try {
    await until(() => closed() === 1 && output().includes('Waiting for file changes'));
    writeFileSync(join(folder, 'a.test.js'), "test('a', () => qa.rec.say('two'));");
    await until(() => closed() === 2);
    const { readFileSync } = await import('node:fs');
    const config = join(folder, 'qa.config.cjs');
    writeFileSync(config, `${readFileSync(config, 'utf8')}\n`);
    await until(() => closed() === 3);
  } finally {
    child.kill('SIGTERM');
    await done;
  }
  const run = (what: string) => ['open', 'reset', what, 'close'];
  expect(lines.lines).toEqual([...run('one'), ...run('two'), ...run('two')]);
});
