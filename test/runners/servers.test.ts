/** A throwaway server in real runs of the packed package: workers of one run share it, and it ends with the run. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { isAlive } from '../servers/processes.ts';
import { project, start } from '../support/consumer.ts';
import { vitestConfig } from '../support/vitest.ts';

const CONFIG = `
const { defineConfig, defineBinding, connection, embedded } = require('@qa/jest-preset');
const binding = defineBinding({
  kind: 'postgres',
  driver: { name: 'pg', range: '>=8' },
  parse: (input) => input,
  withAddress: (options, url) => ({ ...options, url }),
  describe: () => ({ address: 'a throwaway one' }),
  async open({ url }, scope) {
    const pg = await scope.driver();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return Object.assign(client, { adminUrl: scope.lease.secret.adminUrl });
  },
  health: async () => ({ version: '', latency: 0, identity: '' }),
  close: (client) => client.end(),
  handle: (opened) => ({ query: async (sql) => (await opened().client.query(sql)).rows, client: () => opened() }),
});
module.exports = defineConfig({
  connections: { db: connection(binding, { server: embedded({ schema: './schema.sql' }) }) },
});
`;

const TEST = `
const fs = require('node:fs');
test('has a database of its own', async () => {
  const [{ seen }] = await qa.db.query('select count(*)::int as seen from files');
  await qa.db.query('insert into files default values');
  const { driver, client } = qa.db.client();
  const admin = new driver.Client({ connectionString: client.adminUrl });
  await admin.connect();
  const { rows: [row] } = await admin.query(
    "select current_setting('data_directory') as data, pg_read_file('postmaster.pid') as pidfile");
  await admin.end();
  const [{ database }] = await qa.db.query('select current_database() as database');
  fs.appendFileSync('seen.jsonl', JSON.stringify({
    worker: qa.run.worker, seen, database, data: row.data, server: parseInt(row.pidfile), run: process.env.QA_RUN_SOCKET,
  }) + '\\n');
});
`;

const FILES: Record<string, string> = {
  'qa.config.cjs': CONFIG,
  'schema.sql': 'create table files (id serial);',
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };",
  ...vitestConfig('globals: true, maxWorkers: 2'),
  ...Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`${i}.test.js`, TEST])),
};

interface Seen {
  worker: string;
  seen: number;
  database: string;
  data: string;
  server: number;
  run: string;
}

test.each([
  ['jest', 'two workers', 'newer', ['--maxWorkers=2']],
  ['jest', 'in band', 'newer', ['-i']],
  ['jest', 'the system’s Node', 'system', ['--maxWorkers=2']],
  ['jest', 'worker threads', 'newer', ['--maxWorkers=2', '--workerThreads']],
  ['jest', '--detectOpenHandles', 'newer', ['--detectOpenHandles']],
  ['vitest', 'forks', 'newer', ['run']],
  ['vitest', 'threads', 'newer', ['run', '--pool=threads']],
  ['vitest', 'shared processes', 'newer', ['run', '--no-isolate']],
] as const)('%s, %s', async (runner, _, node, args) => {
  const folder = project(FILES);
  const { code, output } = await start(folder, runner, args, { node }).done;
  expect(code, output).toBe(0);
  expect(output).not.toMatch(/open handle|did not exit/);

  const seen = read(folder);
  expect(seen).toHaveLength(6);
  expect(new Set(seen.map(({ server }) => server)).size).toBe(1);
  const workers = new Set(seen.map(({ worker }) => worker));
  expect(new Set(seen.map(({ database }) => database)).size).toBe(workers.size);
  // Nothing of this binding resets: the files of a worker see what the earlier ones wrote, those of another do not.
  for (const worker of workers) {
    const counts = seen.filter((each) => each.worker === worker).map((each) => each.seen);
    expect(counts).toEqual(counts.map((_, index) => index));
  }
  expect(await isGone(seen[0]!)).toBe(true);
});

const ENDS = (['jest', 'vitest'] as const).flatMap((runner) =>
  (['SIGINT', 'SIGTERM', 'SIGKILL'] as const).map((signal) => ({ runner, signal })),
);

test.each(ENDS)('$runner, ended by $signal while a test waits', async ({ runner, signal }) => {
  const folder = project({ ...FILES, ...HANGING });
  const args = runner === 'jest' ? ['--maxWorkers=2'] : ['run'];
  const { child, done } = start(folder, runner, args, {}, { detached: true });
  const file = join(folder, 'seen.jsonl');
  while (!existsSync(file) || readFileSync(file, 'utf8').split('\n').length < 3) await sleep(20);
  const [seen] = read(folder);
  // Ctrl-C goes to the whole group, the other signals to the main process alone.
  process.kill(signal === 'SIGINT' ? -child.pid! : child.pid!, signal);
  await Promise.all([done, expect(isGone(seen!)).resolves.toBe(true)]);
});

/** Both workers wait in their first file. */
const HANGING = Object.fromEntries(
  ['0.test.js', '1.test.js'].map((name) => [
    name,
    TEST.replace(/\}\);\s*$/, 'await new Promise(() => {});\n}, 9000);'),
  ]),
);

function read(folder: string): Seen[] {
  const lines = readFileSync(join(folder, 'seen.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

async function isGone({ server, data, run }: Seen): Promise<boolean> {
  const isLeft = () => isAlive(server) || existsSync(dirname(data)) || existsSync(dirname(run));
  const deadline = performance.now() + 5000;
  while (isLeft() && performance.now() < deadline) await sleep(20);
  return !isLeft();
}
