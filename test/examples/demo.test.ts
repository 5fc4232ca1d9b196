/** `npm run demo`, as the README promises it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, stripColours, systemNode } from '../support/consumer.ts';
import { CACHE } from '../support/kafka-jars.ts';

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

/** Four runs, of which each may start a broker. */
const timeout = 240_000;

/** What the demo itself asks for. */
const runsCache = ['dragonfly', 'valkey-server', 'redis-server'].some(
  (program) => spawnSync(program, ['--version']).status === 0,
);
const runsKafka = ['java', 'mvn'].every((program) => spawnSync(program, ['-version']).status === 0);

test('the demo shows both runners, passing and failing, and ends with 0', { timeout }, async () => {
  const { code, output } = await node([join(root, 'examples', 'demo.mjs')]);
  expect(code, output).toBe(0);
  expect(output.match(/^yes {2}.*$/gm), output).toHaveLength(4);
  expect(output).toContain('PASS tests/shop.test.ts');
  expect(output).toMatch(/✓ tests\/shop\.test\.ts \(13 tests\)/);
  expect(output.includes("Kafka's part was left out")).toBe(!runsKafka);
  expect(output.includes("The cache's part was left out")).toBe(!runsCache);
  if (runsCache) {
    expect(output).toContain('PASS tests/cache.test.ts');
    expect(output).toMatch(/✓ tests\/cache\.test\.ts \(2 tests\)/);
  }
  if (runsKafka) {
    expect(output).toContain('PASS tests/shipping.test.ts');
    expect(output).toMatch(/✓ tests\/shipping\.test\.ts \(4 tests\)/);
    // The log has it, too.
    expect(
      output.match(/toReceiveKafkaMessage\(\{ key: 'o-2', value: \{ status: 'PAID'.*\n\s*No message/g),
    ).toHaveLength(2);
  }
});

test('without Java and Redis it leaves Kafka and the cache out, and says so', { timeout }, async () => {
  const path = mkdtempSync(join(tmpdir(), 'qa-test-path-'));
  symlinkSync(systemNode, join(path, 'node')); // the services' command
  const { code, output } = await node([join(root, 'examples', 'demo.mjs')], { PATH: path, JAVA_HOME: '' });
  rmSync(path, { recursive: true });
  expect(code, output).toBe(0);
  expect(output.match(/^yes {2}.*$/gm), output).toHaveLength(4);
  expect(output).toContain("Kafka's part was left out: needs `java` and `mvn`, or a Kafka at QA_KAFKA_URL.");
  expect(output).toMatch(/^Tests: +6 skipped, 13 passed/m);
  expect(output).toMatch(/^ *Tests +13 passed \| 6 skipped/m);
  expect(output).toContain("The cache's part was left out");
  expect(output).not.toMatch(/\[qa\] qa\.kafka/);
});

test('it does not end with 0 when something is wrong', { timeout }, async () => {
  const { code, output } = await node([join(root, 'examples', 'demo.mjs')], {
    QA_DB_URL: 'postgres://nobody@127.0.0.1:1/nothing',
  });
  expect(code, output).toBe(1);
  // A test that fails for another reason is not the failure that the demo is to show.
  expect(output.match(/^NO {3}.*$/gm), output).toHaveLength(4);
});

test('the types of the example hold', async () => {
  expect(await node([tsc, '-p', join(root, 'examples', 'shop')])).toEqual({ code: 0, output: '' });
});

async function node(args: string[], env: Record<string, string> = {}) {
  const child = spawn(systemNode, args, {
    cwd: root,
    env: { ...withoutRunner(), NO_COLOR: '1', QA_CACHE: CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = await once(child, 'close');
  return { code, output: stripColours(output) };
}

/** What this test's own runner has set is not a user's. */
function withoutRunner(): NodeJS.ProcessEnv {
  const own = /^(QA_|VITEST|JEST_|TEST$|NODE_ENV$|NODE_OPTIONS$|FORCE_COLOR$|VITE_|npm_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
