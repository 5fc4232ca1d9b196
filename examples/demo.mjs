/**
 * `npm run demo`: the example's suite in Jest and in Vitest, then two tests that fail on purpose in both.
 * Ends with 0 exactly when the suite passed, and the failing tests failed with all that they should tell.
 * Where there is no Java, Kafka's part of both is left out, and where there is no Redis, the cache's; that is told.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newerNode } from '../test/toolchain/node.mjs';
import { LEFT_OUT as CACHE_LEFT_OUT, cacheIsHere } from './shop/with-cache.mjs';
import { kafkaIsHere, LEFT_OUT } from './shop/with-kafka.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const shop = join(root, 'examples', 'shop');
const folderOf = (name) => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));

const RUNNERS = {
  Jest: { node: process.execPath, program: join(folderOf('jest'), 'bin', 'jest.js'), args: [] },
  Vitest: { node: newerNode(), program: join(folderOf('vitest'), 'vitest.mjs'), args: ['run'] },
};

const SOURCES = ['bindings', 'servers', 'environment', 'matchers', 'preset'];

/** What the report of the failing tests must hold: of each test, one soft failure each. */
const EXPECTED_FAILURES = {
  'an order of 20,000 is paid': [
    /toHaveRowMatching[\s\S]+REFUSED/,
    /toHaveRowCount[\s\S]+0 rows/,
    /\b20[01]\b[\s\S]+\b20[01]\b/,
  ],
  ...(kafkaIsHere && {
    'an order of 20,000 is announced as paid': [/toReceiveKafkaMessage[\s\S]+value\.status: 'PAID'[\s\S]+REFUSED/],
  }),
};

const results = [];

buildWhenStale();
for (const runner of Object.keys(RUNNERS)) {
  title(`The example's tests, in ${runner}`);
  const { status } = run(runner, []);
  results.push([`${runner}: the suite passes`, status === 0]);
}
for (const runner of Object.keys(RUNNERS)) {
  title(`Tests that fail on purpose, in ${runner}`);
  results.push([`${runner}: the failing tests fail, and tell all their reasons`, failsAsItShould(runner)]);
}

title('Did all behave as they should?');
for (const [what, isRight] of results) console.log(`${isRight ? 'yes' : 'NO '}  ${what}`);
if (!kafkaIsHere) console.log(`Kafka's part was ${LEFT_OUT}.`);
if (!cacheIsHere) console.log(`The cache's part was ${CACHE_LEFT_OUT}.`);
process.exitCode = results.every(([, isRight]) => isRight) ? 0 : 1;

function run(runner, more) {
  const { node, program, args } = RUNNERS[runner];
  return spawnSync(node, [program, ...args, ...more], { cwd: shop, stdio: 'inherit' });
}

function failsAsItShould(runner) {
  const folder = mkdtempSync(join(tmpdir(), 'qa-demo-'));
  const report = join(folder, 'report.json');
  try {
    const { status } = run(
      runner,
      runner === 'Jest'
        ? ['--roots', join(shop, 'failing'), '--json', '--outputFile', report]
        : ['--dir', 'failing', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    );
    if (status !== 1 || !existsSync(report)) return false;
    const tests = JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap((file) => file.assertionResults);
    const failures = Object.fromEntries(
      tests.filter(({ status }) => status === 'failed').map(({ title, failureMessages }) => [title, failureMessages]),
    );
    return (
      Object.keys(failures).length === Object.keys(EXPECTED_FAILURES).length &&
      Object.entries(EXPECTED_FAILURES).every(
        ([name, expected]) =>
          failures[name]?.length === expected.length &&
          expected.every((pattern, index) => pattern.test(failures[name][index])),
      )
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The example uses the package as users get it: built. */
function buildWhenStale() {
  const built = join(root, 'dist', 'index.cjs');
  const sources = SOURCES.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((path) => join(folder, path)),
  ).concat('tsdown.config.ts', 'package.json');
  const newest = Math.max(...sources.map((path) => statSync(join(root, path)).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  console.log('Building the package…');
  const { status } = spawnSync('npm', ['run', 'build', '--silent', '--', '--logLevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

function title(text) {
  console.log(`\n━━━ ${text} ${'━'.repeat(Math.max(0, 76 - text.length))}\n`);
}
