/** Services under test in real runs of the packed package, in both runners: one service that migrates its database at start. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../servers/processes.ts';
import { project, run } from '../support/consumer.ts';
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
  connections: { db: postgres({ server: embedded() }) },
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
`;

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

  test('migrations stay: files, tests and workers begin alike; each worker has a service, as it has a database', async () => {
    const folder = project({
      ...FILES,
      'qa.config.ts': config(''),
      ...Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`${name}.test.ts`, TEST])),
      'types.test.ts': `
        /** @qa db */
        test('has types', () => {
          // @ts-expect-error the config names no such service
          expect(() => qa.service('shp')).toThrow('Did you mean \`shop\`?');
          const port: number = qa.port();
          expect(port).toBeGreaterThan(1024);
        });`,
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
    const result = await runs(folder, ['--maxWorkers=2']);
    expect(result.code, result.output).toBe(0);
    const pids = starts(folder);
    // A file that leaves the service out takes its tables away: it begins anew for the next that has it.
    expect(pids.length, result.output).toBeGreaterThanOrEqual(2);
    expect(pids.length, result.output).toBeLessThanOrEqual(3);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await run(folder, 'tsc', ['-p', '.'])).toEqual({ code: 0, output: '' });
  });

  test('failures show what it printed, that it died, and why another did not start', async () => {
    const folder = project({
      ...FILES,
      'qa.config.ts': config('').replace(
        'services: {',
        "services: { broken: { command: ['node', '-e', 'console.error(`no licence`); process.exit(1)'] , ready: 'up' },",
      ),
      'a.test.js': `
        /** @qa db shop */
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
      'b.test.js': `
        /** @qa broken */
        test('one', () => undefined);
        test('two', () => undefined);`,
    });
    const { tests, output } = await runs(folder, inBand);
    const statuses = Object.fromEntries(Object.entries(tests).map(([name, { status }]) => [name, status]));
    expect(statuses, output).toEqual({ dies: 'failed', 'goes on': 'passed', one: 'failed', two: 'failed' });
    expect(output).not.toMatch(/open handle|did not exit/);
    expect(tests.dies!.messages[0]).toMatch(
      /output of shop:\n {2}an order: o-1, paid with a card\n {2}out of memory\n {2}── shop ended with exit code 3 \d+ ms after the test began\n/,
    );
    expect(output).toContain('[qa] the service shop ended with exit code 3 while tests ran; it was started again');
    for (const name of ['one', 'two']) {
      expect(tests[name]!.messages[0]).toMatch(
        /^QaError: The service `broken` ended with exit code 1 before it was ready\. Its last lines:\n {4}no licence\nMend what its lines say/,
      );
    }
    expect(starts(folder).filter(isAlive)).toEqual([]);
  });
});
