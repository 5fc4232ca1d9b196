/**
 * Aerospike: what opening costs a file, matchers against the raw client, how soon a record is seen that is written
 * later, and a reset. On a real `asd` where there is one, else on the tests' own server, which says it: then only the
 * comparisons mean something. Measured inside a real run of Vitest.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AEROSPIKE, useAerospike } from '../test/support/aerospike.ts';
import { installPackage, project, run } from '../test/support/consumer.ts';
import { figure, ratio } from './figures.ts';

installPackage();
await using server = await useAerospike();
const folder = project({
  'qa.config.ts': `import { aerospike, defineConfig } from '@qa/jest-preset';
export default defineConfig({ connections: {
  profiles: aerospike({ hosts: '${server.hosts}', namespace: 'test', reset: { sets: ['qa_bench'] } }) } });\n`,
  'vitest.config.mts':
    "import { qaPreset } from '@qa/jest-preset/vitest';\nexport default { plugins: [qaPreset()], test: { globals: true, testTimeout: 120000, maxWorkers: 1 } };\n",
  'bench.test.ts': `
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const results: Record<string, number> = {};
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];
afterAll(async () => {
  writeFileSync('results.json', JSON.stringify(results));
  const { client, driver } = qa.profiles;
  for (const set of ['qa_bench', 'qa_rows', 'qa_foreign']) await client.truncate('test', set, 0);
  await client.remove(new driver.Key('test', 'qa_marker', 'qa-may-empty')).catch(() => undefined);
});

test('opening', async () => {
  const { driver, hosts } = qa.profiles;
  const times: number[] = [];
  for (let i = 0; i < 30; i++) {
    const start = performance.now();
    const client = await driver.connect({ hosts });
    times.push(performance.now() - start);
    client.close();
  }
  results.connect = median(times);
});

test('an entry and a row that pass at once', async () => {
  await qa.profiles.seed('qa_rows', new Map(Array.from({ length: 100 }, (_, i) => [i, { n: i, status: 'PAID' }])));
  const { client, driver } = qa.profiles;
  const raw: number[] = [], ours: number[] = [], rawScan: number[] = [], oursScan: number[] = [];
  for (let i = 0; i < 1500; i++) {
    const n = i % 100;
    const start = performance.now();
    const { bins } = await client.get(new driver.Key('test', 'qa_rows', n));
    if (bins.n !== n) throw new Error('no record');
    const between = performance.now();
    await expect(qa.profiles.key('qa_rows', n)).toHaveEntry({ n, status: 'PAID' });
    if (i >= 300) { raw.push(between - start); ours.push(performance.now() - between); }
  }
  for (let i = 0; i < 300; i++) {
    const start = performance.now();
    const found = await client.query('test', 'qa_rows').results();
    if (!found.some(({ bins }) => bins.n === 7)) throw new Error('no record');
    const between = performance.now();
    await expect(qa.profiles.set('qa_rows')).toHaveRowMatching({ n: 7, status: 'PAID' });
    if (i >= 50) { rawScan.push(between - start); oursScan.push(performance.now() - between); }
  }
  Object.assign(results, { raw: median(raw), ours: median(ours), rawScan: median(rawScan), oursScan: median(oursScan) });
});

test('a record that is written later', async () => {
  const { client, driver } = qa.profiles;
  const late: number[] = [];
  for (let i = 0; i < 100; i++) {
    const waiting = expect(qa.profiles.key('qa_rows', 'late-' + i)).toHaveEntry({ n: i }).then(() => performance.now());
    await sleep(30 + (i * 37) % 60);
    await client.put(new driver.Key('test', 'qa_rows', 'late-' + i), { n: i });
    const written = performance.now();
    late.push(await waiting - written);
  }
  results.late = median(late);
});

test('a reset', async () => {
  const foreign = new Map(Array.from({ length: 5000 }, (_, i) => [i, { i }]));
  await qa.profiles.seed('qa_foreign', foreign);
  const times: number[] = [], clean: number[] = [];
  for (let i = 0; i < 20; i++) {
    await qa.profiles.seed('qa_bench', new Map(Array.from({ length: 100 }, (_, n) => [n, { n }])));
    let start = performance.now();
    await qa.reset();
    times.push(performance.now() - start);
    start = performance.now();
    await qa.reset();
    clean.push(performance.now() - start);
  }
  results.reset = median(times);
  results.clean = median(clean);
});
`,
});
await mark();
const { code, output } = await run(folder, 'vitest', ['run', 'bench.test'], { timeout: 300_000 });
if (code !== 0) throw new Error(output);
const results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));

console.log(`  on ${AEROSPIKE}`);
figure('the client connects, once a file', results.connect, 'ms');
ratio('an entry that passes at once', results.ours, results.raw, ['ours', 'client.get'], 1.15);
ratio('a row of 100 that passes at once', results.oursScan, results.rawScan, ['ours', 'client.query'], 1.15);
figure('a record written later is seen after, p50', results.late, 'ms', 20);
figure('reset, 100 records beside 5,000 foreign ones', results.reset, 'ms');
figure('reset, nothing written', results.clean, 'ms');

/** Says that the namespace may be emptied, as a user would. */
async function mark(): Promise<void> {
  const { default: aerospike } = await import('aerospike');
  const client = await aerospike.connect({ hosts: server.hosts });
  const [node] = client.getNodes();
  const cluster = (await client.infoAny('cluster-name')).split('\t')[1]!.trim();
  const marker = ['qa-may-empty', cluster === 'null' ? '-' : cluster, node!.name, 'test'].join(':');
  await client.put(new aerospike.Key('test', 'qa_marker', 'qa-may-empty') as never, { marker });
  client.close();
}
