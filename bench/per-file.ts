/**
 * What a test file costs more with one PostgreSQL connection of ours, than in the bare runner, and than with the
 * `beforeAll` that everybody writes by hand. The slope between 10 and 60 files; start-up is a figure of its own.
 */
import { installPackage, project, run } from '../test/support/consumer.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { figure, ratio } from './figures.ts';

const ROUNDS = 3;
const FEW = 10;
const MANY = 60;

installPackage();
await using stand = await startPostgres();

const plain = `test('adds', () => { expect(1 + 1).toBe(2); });\n`;
const byHand = `
let pool;
beforeAll(async () => {
  const pg = typeof require === 'function' ? require('pg') : (await import('pg')).default;
  pool = new pg.Pool({ connectionString: ${JSON.stringify(stand.url())} });
  await pool.query('select 1');
});
afterAll(() => pool.end());
${plain}`;
const bare = {
  'jest.config.cjs': "module.exports = { testEnvironment: 'node' };\n",
  'vitest.config.mts': 'export default { test: { globals: true } };\n',
};
const ours = {
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };\n",
  'vitest.config.mts':
    "import { qaPreset } from '@qa/jest-preset/vitest';\nexport default { plugins: [qaPreset()], test: { globals: true } };\n",
  'qa.config.ts': `import { defineConfig, embedded, postgres } from '@qa/jest-preset';
export default defineConfig({ connections: { db: postgres({ server: embedded({ schema: './schema.sql' }) }) } });\n`,
  'schema.sql': 'create table orders (id text primary key);\n',
};
const WAYS = { bare: [bare, plain], 'by hand': [bare, byHand], ours: [ours, plain] } as const;
type Way = keyof typeof WAYS;

const folders = new Map<string, string>();
for (const [way, [config, text]] of Object.entries(WAYS)) {
  for (const count of [FEW, MANY]) {
    const files = Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}.test.js`, text]));
    folders.set(`${way} ${count}`, project({ ...config, ...files }));
  }
}

for (const [runner, args] of [
  ['jest', ['--runInBand', '--silent']],
  ['jest', ['--maxWorkers=2', '--silent']],
  ['vitest', ['run', '--maxWorkers=2']],
] as const) {
  const times = new Map<string, number[]>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, folder] of folders) {
      const start = performance.now();
      const { code, output } = await run(folder, runner, args);
      if (code !== 0) throw new Error(`${runner} failed (${name}):\n${output}`);
      // The first round fills the runners' caches.
      if (round > 0) times.set(name, [...(times.get(name) ?? []), performance.now() - start]);
    }
  }
  // Noise only adds.
  const at = (way: Way, count: number) => Math.min(...times.get(`${way} ${count}`)!);
  const slope = (way: Way) => (at(way, MANY) - at(way, FEW)) / (MANY - FEW);
  const name = `${runner} ${args.find((arg) => /InBand|maxWorkers/.test(arg))}`;
  ratio(`${name}: a file`, slope('ours'), slope('bare'), ['ours', 'bare'], 1.3);
  ratio(`${name}: a file`, slope('ours'), slope('by hand'), ['ours', 'by hand'], 1);
  figure(
    `${name}: start-up more than bare`,
    at('ours', FEW) - at('bare', FEW) - FEW * (slope('ours') - slope('bare')),
    'ms',
  );
}
