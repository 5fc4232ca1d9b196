/**
 * What issue 4 says a user does, word for word, with the package as npm packs it, against a real broker and a service
 * of the tests' own; only addresses are replaced.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RegistryServer } from '../bindings/kafka/registry-server.ts';
import { brokerAt } from '../servers/brokers.ts';
import { isAlive } from '../servers/processes.ts';
import { project, type RunResult, run, start, systemNode } from '../support/consumer.ts';
import { hasKafka, startKafka, type TestKafka } from '../support/kafka.ts';
import { CACHE } from '../support/kafka-jars.ts';
import { makeTopics } from '../support/kafka-topics.ts';
import { normalise } from '../support/normalise.ts';
import { vitestConfig } from '../support/vitest.ts';
import { PAYMENT, startBilling } from './billing.ts';

const CONFIG = `import { avro, defineConfig, json, kafka, protobuf, text } from '@qa/jest-preset';
interface Order { id: string; total: number }
const config = defineConfig({
  connections: {
    kafka: kafka({
      brokers: ['127.0.0.1:9092'],            // or server: embedded()
      topics: {
        orders:   { key: text(), value: json<Order>() },
        payments: { value: avro('./payment.avsc') },
        audit:    { value: avro({ registry: 'http://127.0.0.1:8081' }) },
        shipped:  { value: protobuf('./shipped.proto', 'shop.Shipped') },
      },
    }),
  },
});
export default config;
declare module '@qa/jest-preset' { interface Register { config: typeof config } }
`;

const TEST = `test('an order is billed', async () => {
  await qa.kafka.topic('orders').send({ key: 'o-1', value: { id: 'o-1', total: 42 }, headers: { trace: 't-1' } });
  await expect(qa.kafka.topic('payments')).toReceiveKafkaMessage({ key: 'o-1', value: { amount: 42, at: expect.any(Date) } });
  const m = await qa.kafka.topic('payments').waitFor({ value: { orderId: 'o-1' } });   // hard, typed, returns it
  await expect(qa.kafka.topic('refunds')).not.toReceiveKafkaMessage({ key: 'o-1' }, { afterGroup: 'billing' });   // an undeclared topic: fine
  expect(m.key).toBe('o-1');
});
`;

const TOPICS = { orders: 2, payments: 1, audit: 1, shipped: 1, shared: 4 };
const RUNNERS = ['jest', 'vitest'] as const;
type Runner = (typeof RUNNERS)[number];

describe.skipIf(!hasKafka())('Kafka', () => {
  let broker: TestKafka;
  let registry: RegistryServer;
  let billing: AsyncDisposable;

  beforeAll(async () => {
    [broker, registry] = await Promise.all([startKafka(), new RegistryServer().start()]);
    await makeTopics(broker.brokers, TOPICS);
    billing = await startBilling(broker.brokers);
  });
  afterAll(async () => {
    await billing?.[Symbol.asyncDispose]();
    await Promise.all([broker?.stop(), registry?.stop()]);
  });

  const folderOf = (tests: Record<string, string>, config = CONFIG) =>
    project({
      'qa.config.ts': config.replace('127.0.0.1:9092', broker.broker).replace('8081', String(registry.port)),
      'payment.avsc': JSON.stringify(PAYMENT),
      'shipped.proto': 'syntax = "proto3"; package shop; message Shipped { string order_id = 1; }',
      'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };",
      ...vitestConfig('globals: true, maxWorkers: 2'),
      ...tests,
    });
  const all = (runner: Runner, ...args: string[]) => [...(runner === 'jest' ? ['--ci'] : ['run']), ...args];

  describe.each(RUNNERS)('%s', (runner) => {
    test('the code of the issue runs', async () => {
      expectPassed(await run(folderOf({ 'orders.test.ts': TEST }), runner, all(runner)), 1);
    });

    test('its types hold, and what does not fit is an error', async () => {
      const folder = folderOf({
        'orders.test.ts': `${TEST}
test('typed', async () => {
  const { value } = await qa.kafka.topic('orders').waitFor({ key: 'o-1' });
  const total: number | undefined = value?.total;
  // @ts-expect-error an order has no such field
  await qa.kafka.topic('orders').send({ key: 'o-1', value: { id: 'o-1', totl: total } });
  // @ts-expect-error nor has its partial
  await expect(qa.kafka.topic('orders')).toReceiveKafkaMessage({ value: { totl: 42 } });
  // @ts-expect-error keys are text
  await qa.kafka.topic('orders').send({ key: 1, value: { id: 'o-1', total: 42 } });
});
`,
        'tsconfig.json': JSON.stringify({
          compilerOptions: {
            module: 'nodenext',
            strict: true,
            noEmit: true,
            skipLibCheck: true,
            types: {
              jest: ['node', 'jest', '@qa/jest-preset/jest'],
              vitest: ['node', 'vitest/globals', '@qa/jest-preset/vitest'],
            }[runner],
          },
          files: ['qa.config.ts', 'orders.test.ts'],
        }),
      });
      expect(await run(folder, 'tsc', ['-p', '.'])).toEqual({ code: 0, output: '' });
    });

    test('the failing variant reads well: every failure, softly, and the silence that is broken', async () => {
      const folder = folderOf({ 'orders.test.ts': FAILING });
      const { code, output } = await run(folder, runner, all(runner));
      expect(code).toBe(1);
      await expect(`${sameOffsets(normalise(output, folder))}\n`).toMatchFileSnapshot(`kafka.${runner}.txt`);
    });

    test('two workers share a broker that is not ours: each test its own marks, and not a word of resets', async () => {
      const result = await run(folderOf(FILES), runner, all(runner, '--maxWorkers=2'));
      expectPassed(result, 12);
      expect(result.output).not.toContain('[qa]');
    });

    test('one worker takes many files: each starts from its own marks, and the process ends by itself', async () => {
      const args = runner === 'jest' ? ['-i', '--detectOpenHandles'] : ['--no-isolate', '--maxWorkers=1'];
      const result = await run(folderOf(FILES), runner, all(runner, ...args));
      expectPassed(result, 12);
      expect(result.output).not.toMatch(/open handle|did not exit/);
    });

    test('QA_KAFKA_URL names another broker, in place of a throwaway one, which is not started', async () => {
      const folder = folderOf({ 'where.test.ts': WHERE }, EMBEDDED);
      const url = `kafka://${broker.broker},localhost:${broker.port}`;
      expectPassed(await run(folder, runner, all(runner), { env: { QA_KAFKA_URL: url, PATH: '' } }), 1);
    });

    test('a throwaway broker: one for both workers, with its topics; gone when the run ends', async () => {
      const folder = folderOf(THROWAWAY, EMBEDDED);
      expectPassed(await run(folder, runner, all(runner, '--maxWorkers=2'), { env: { QA_CACHE: CACHE } }), 8);
      const seen = lines(folder);
      expect(new Set(seen.map(({ broker }) => broker)).size).toBe(1);
      expect(await isGone(seen[0]!)).toBe(true);
    });

    test('a started container serves all workers, given as it is or by a function', async () => {
      const started = {
        jest: `{ getBootstrapServers: () => 'PLAINTEXT://${broker.broker}' }`,
        vitest: `async () => ({ getHost: () => '127.0.0.1', getMappedPort: (port: number) => port - 9093 + ${broker.port} })`,
      }[runner];
      const folder = folderOf(FILES, EMBEDDED.replace('embedded()', started));
      const result = await run(folder, runner, all(runner, '--maxWorkers=2'));
      expectPassed(result, 12);
      expect(result.output).not.toContain('[qa]');
    });

    test('a file of which another connection cannot open fails, and the process ends by itself', async () => {
      const config = CONFIG.replace('import { ', 'import { postgres, ').replace(
        'connections: {',
        "connections: {\n    db: postgres({ url: 'postgres://nobody@127.0.0.1:1/nothing' }),",
      );
      const args = runner === 'jest' ? ['-i'] : ['--no-isolate', '--maxWorkers=1'];
      const { code, output } = await run(folderOf({ 'orders.test.ts': TEST }, config), runner, all(runner, ...args));
      expect(code, output).toBe(1);
      expect(output).toMatch(/qa\.db \(postgres:.*\): Nothing listens there/);
      expect(output).not.toContain('did not exit');
    });

    test.each(['SIGINT', 'SIGKILL'] as const)('a throwaway broker is gone 5 s after %s', async (signal) => {
      const folder = folderOf({ '0.test.js': HANGING }, EMBEDDED);
      const { child, done } = start(folder, runner, all(runner), { env: { QA_CACHE: CACHE } }, { detached: true });
      while (!existsSync(join(folder, 'seen.jsonl'))) await sleep(20);
      const [seen] = lines(folder);
      // Ctrl-C goes to the whole group, the other signal to the main process alone.
      process.kill(signal === 'SIGINT' ? -child.pid! : child.pid!, signal);
      await Promise.all([done, expect(isGone(seen!)).resolves.toBe(true)]);
    });
  });

  test("isolation: 'worker': a broker for each worker, the same one for each of its files", async () => {
    const folder = folderOf(THROWAWAY, EMBEDDED.replace('embedded()', "embedded({ isolation: 'worker' })"));
    expectPassed(await run(folder, 'jest', ['--ci', '--maxWorkers=2'], { env: { QA_CACHE: CACHE } }), 8);
    const seen = lines(folder);
    const pairs = new Set(seen.map(({ worker, broker }) => `${worker} ${broker}`));
    expect(pairs.size).toBe(new Set(seen.map(({ worker }) => worker)).size);
    expect(new Set(seen.map(({ broker }) => broker)).size).toBe(pairs.size);
    for (const each of seen) expect(await isGone(each)).toBe(true);
  });

  test("Jest on the machine's own Node", async () => {
    expectPassed(await run(folderOf({ 'orders.test.ts': TEST }), 'jest', ['--ci'], { node: systemNode }), 1);
  });
});

const FAILING = `test('an order is billed', async () => {
  await qa.kafka.topic('orders').send({ key: 'o-2', value: { id: 'o-2', total: 42 } });
  await qa.kafka.topic('payments').waitFor({ key: 'o-2' });
  await expect(qa.kafka.topic('payments')).toReceiveKafkaMessage({ key: 'o-2', value: { amount: 43 } }, { within: 300 });
  await expect(qa.kafka.topic('payments')).not.toReceiveKafkaMessage({ key: 'o-2' });
  await expect(qa.kafka.topic('payment')).toReceiveKafkaMessage({ key: 'o-2' }, { within: 300 });
  expect.soft(1).toBe(2);
});
`;

/** Six files, two tests each; whatever runs beside them uses keys of its own. */
const FILES = Object.fromEntries(
  Array.from({ length: 6 }, (_, n) => [
    `${n}.test.ts`,
    `const shared = qa.kafka.topic<{ n: number }>('shared');
let first: string;
test('sends and sees its own', async () => {
  first = qa.unique('order');
  await shared.sendAll([1, 2, 3].map((n) => ({ key: first, value: { n } })));
  await expect(shared).toReceiveKafkaMessages([1, 2, 3].map((n) => ({ key: first, value: { n } })), { inOrder: true });
});
test('the next one does not see it, but by its own wish', async () => {
  await expect(shared).not.toReceiveKafkaMessage({ key: first }, { stays: 50 });
  await expect(shared).toReceiveKafkaMessage({ key: first }, { since: 'file' });
});
`,
  ]),
);

const EMBEDDED = `import { defineConfig, embedded, json, kafka, text } from '@qa/jest-preset';
const config = defineConfig({
  connections: {
    kafka: kafka({ server: embedded(), topics: { shared: { key: text(), value: json(), partitions: 4 } } }),
  },
});
export default config;
declare module '@qa/jest-preset' { interface Register { config: typeof config } }
`;

const WHERE = `test('the brokers are those of the variable', async () => {
  expect('kafka://' + qa.kafka.brokers.join(',')).toBe(process.env.QA_KAFKA_URL);
  const key = qa.unique('order');
  await qa.kafka.topic('shared').send({ key, value: 1 });
  await expect(qa.kafka.topic('shared')).toReceiveKafkaMessage({ key, value: 1 });
});
`;

const NOTE = `require('node:fs').appendFileSync('seen.jsonl', JSON.stringify({
    broker: qa.kafka.brokers[0], worker: qa.run.worker, run: process.env.QA_RUN_SOCKET }) + '\\n');`;

const THROWAWAY = Object.fromEntries(
  Array.from({ length: 4 }, (_, n) => [
    `${n}.test.js`,
    `test('its topic is there, with its partitions', async () => {
  ${NOTE}
  expect(Object.keys(await qa.kafka.topic('shared').offsets())).toHaveLength(4);
  await qa.kafka.topic('made-' + qa.run.worker).create();
});
test('what a test made is gone in the next one', async () => {
  const made = qa.kafka.topic('made-' + qa.run.worker);
  await expect(made.offsets()).rejects.toMatchObject({ code: 'QA_NOT_FOUND' });
});
`,
  ]),
);

const HANGING = `test('waits', async () => { ${NOTE} await new Promise(() => {}); }, 9000);`;

interface Seen {
  broker: string;
  worker: string;
  run: string;
}

function lines(folder: string): Seen[] {
  const text = readFileSync(join(folder, 'seen.jsonl'), 'utf8').trim();
  return text.split('\n').map((line) => JSON.parse(line));
}

async function isGone({ broker, run }: Seen): Promise<boolean> {
  const isLeft = () => existsSync(dirname(run)) || isRunning(broker);
  const deadline = performance.now() + 5000;
  while (isLeft() && performance.now() < deadline) await sleep(20);
  return !isLeft();
}

function isRunning(broker: string): boolean {
  try {
    return isAlive(brokerAt(broker).pid);
  } catch {
    return false;
  }
}

/** How many orders went before differs with the order of tests. */
function sameOffsets(text: string): string {
  return text.replace(/\b(offset:?) \d+/g, '$1 <n>');
}

function expectPassed({ code, output }: RunResult, count: number): void {
  expect(code, output).toBe(0);
  expect(output).toMatch(new RegExp(`Tests:? +${count} passed`));
}
