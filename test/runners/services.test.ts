/** Services under test in real runs of the packed package, in both runners: one service that migrates its database at start. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../servers/processes.ts';
import { project, run, start } from '../support/consumer.ts';
import { jest } from '../support/jest.ts';
import { vitest, vitestConfig } from '../support/vitest.ts';

const RUNNERS = { jest, vitest };
const TYPES = {
  jest: ['node', 'jest', '@qa/jest-preset/jest'],
  vitest: ['node', 'vitest/globals', '@qa/jest-preset/vitest'],
};

/** Writes at its start, as migrations do, and says so. */
const SERVICE = `
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import pg from 'pg';

const { DATABASE_URL, PORT, SECRET } = process.env;
appendFileSync('starts.txt', process.pid + '\\n');
const pool = new pg.Pool({ connectionString: DATABASE_URL });
pool.on('error', () => undefined);
await pool.query('create table if not exists orders (id text primary key, status text)');
await pool.query("insert into orders values ('from the start', 'PAID') on conflict do nothing");

const routes = {
  '/health': async () => 'ok',
  '/orders': async (id) => {
    console.log('an order: ' + id + ', paid with ' + SECRET);
    await pool.query("insert into orders values ($1, 'PAID')", [id]);
  },
  '/crash': async () => void setImmediate(() => { console.error('out of memory'); process.exit(3); }),
};
createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://shop');
  response.end((await routes[pathname]?.(searchParams.get('id'))) ?? '');
}).listen(Number(PORT), '127.0.0.1');
`;

const config = (shop: string) =>
  `
import { defineConfig, embedded, postgres } from '@qa/jest-preset';
const config = defineConfig({
  connections: { db: postgres({ server: embedded(), password: undefined }) },
  services: {
    shop: {
      command: 'node src/server.mjs',
      env: (qa) => ({ DATABASE_URL: qa.db.url, PORT: String(qa.port()), SECRET: 'a card' }),
      ready: '/health',
      ${shop}
    },
  },
});
export default config;
declare module '@qa/jest-preset' { interface Register { config: typeof config } }
`.replace(', password: undefined', '');

const TEST = `
const orders = qa.db.table('orders');
const order = (id: string) => fetch(qa.service('shop').url + '/orders?id=' + id);
for (const id of ['o-1', 'o-2']) {
  test('starts from what the service wrote at its start: ' + id, async () => {
    await expect(orders).toHaveRowsMatching([{ id: 'from the start' }], { exactly: true });
    await order(id);
    await expect(orders).toHaveRowMatching({ id });
    expect(await qa.service('shop').logs()).toBe('an order: ' + id + ', paid with a card');
  });
}
`;

const FILES: Record<string, string> = {
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };",
  ...vitestConfig(),
  'src/server.mjs': SERVICE,
};

describe.each(['jest', 'vitest'] as const)('%s', (runner) => {
  const runs = RUNNERS[runner];
  const inBand = runner === 'jest' ? ['-i', '--detectOpenHandles'] : ['--no-file-parallelism'];
  const starts = (folder: string) => readFileSync(join(folder, 'starts.txt'), 'utf8').trim().split('\n').map(Number);

  test.each([
    ['run', 1],
    ['file', 3],
  ] as const)('scope %s: migrations stay, files and tests begin alike', async (scope, processes) => {
    const folder = project({
      ...FILES,
      'qa.config.ts': config(`scope: '${scope}',`),
      ...Object.fromEntries(['a', 'b', 'c'].map((name) => [`${name}.test.ts`, TEST])),
      'types.test.ts': `test('has types', () => {
        // @ts-expect-error the config names no such service
        expect(() => qa.service('shp')).toThrow('Did you mean \`shop\`?');
        const port: number = qa.port();
        expect(port).toBeGreaterThan(1024);
      });`.replace("test('has", "/** @qa db */\ntest('has"),
      'tsconfig.json': JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          module: 'nodenext',
          target: 'es2023',
          skipLibCheck: true,
          types: TYPES[runner],
        },
        include: ['*.test.ts', 'qa.config.ts'],
      }),
    });
    const result = await runs(folder, inBand);
    expect(result.code, result.output).toBe(0);
    expect(result.output).not.toMatch(/open handle|did not exit/);
    const pids = starts(folder);
    // A file without the service between two that have it makes it begin anew.
    expect(pids.length).toBeGreaterThanOrEqual(processes);
    expect(pids.length).toBeLessThanOrEqual(processes + 1);
    expect(pids.filter(isAlive)).toEqual([]);
    if (scope === 'run') expect(await run(folder, 'tsc', ['-p', '.'])).toEqual({ code: 0, output: '' });
  });

  test('two workers with a database each have a service each', async () => {
    const folder = project({
      ...FILES,
      'qa.config.ts': config(''),
      ...Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`${name}.test.ts`, TEST])),
    });
    const result = await runs(folder, ['--maxWorkers=2']);
    expect(result.code, result.output).toBe(0);
    expect(starts(folder)).toHaveLength(2);
    expect(starts(folder).filter(isAlive)).toEqual([]);
  });

  test('a failure shows what it printed, and that it died; the next test finds it up, with its rows', async () => {
    const folder = project({
      ...FILES,
      'qa.config.ts': config(''),
      'a.test.js': `
        const shop = qa.service('shop');
        test('dies', async () => {
          await fetch(shop.url + '/orders?id=o-1');
          await fetch(shop.url + '/crash');
          await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-2' }, { within: 300 });
        });
        test('goes on', async () => {
          await expect(qa.db.table('orders')).toHaveRowsMatching([{ id: 'from the start' }], { exactly: true });
          expect(await (await fetch(shop.url + '/health')).text()).toBe('ok');
        });`,
    });
    const { tests, output } = await runs(folder, inBand);
    expect(
      Object.values(tests).map(({ status }) => status),
      output,
    ).toEqual(['failed', 'passed']);
    expect(tests.dies!.messages[0]).toMatch(
      /output of shop:\n {2}an order: o-1, paid with a card\n {2}out of memory\n {2}── shop ended with exit code 3 \d+ ms after the test began\n/,
    );
    expect(output).toContain('[qa] the service shop ended with exit code 3 while tests ran; it was started again');
  });

  test('one that does not start is one error for all tests, at once', async () => {
    const folder = project({
      ...FILES,
      'src/server.mjs': "console.error('no such module'); process.exit(1);",
      'qa.config.ts': config(''),
      'a.test.js': TEST.replaceAll(': string', ''),
      'b.test.js': TEST.replaceAll(': string', ''),
    });
    const { tests, output } = await runs(folder, inBand);
    expect(
      Object.values(tests).map(({ status }) => status),
      output,
    ).toEqual(['failed', 'failed']);
    for (const { messages } of Object.values(tests)) {
      expect(messages[0]).toMatch(
        /^QaError: The service `shop` ended with exit code 1 before it was ready\. Its last lines:\n {4}no such module\nMend what its lines say/,
      );
    }
  });
});

void [existsSync, writeFileSync, start];
