/** Throwaway brokers, from jars that Maven brought before (test/servers/prepare.mjs). */
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Lease } from '../../bindings/core/binding.ts';
import { type EmbeddedOptions, embedded } from '../../bindings/core/server.ts';
import { keeper } from '../../servers/client.ts';
import { currentRun, lease } from '../../servers/index.ts';
import { findJava, findMaven } from '../../servers/java/programs.ts';
import type { DeclaredTopics } from '../../servers/kafka/topics.ts';
import { CACHE, hasKafka, kafkaJars } from '../support/kafka-jars.ts';
import { brokerAt, isWorkedIn } from './brokers.ts';
import { failure } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'qa-test-kafka-'));
const notices: string[] = [];

beforeAll(() => {
  vi.stubEnv('QA_CACHE', CACHE);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.stubEnv('QA_CACHE', CACHE);
  notices.length = 0;
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function broker(
  server: EmbeddedOptions | object | (() => unknown) = {},
  worker = '1',
  topics?: DeclaredTopics,
): Promise<Lease> {
  const isLent = typeof server === 'function' || Object.values(server).some((value) => typeof value === 'function');
  return lease({
    kind: 'kafka',
    server: isLent ? server : embedded(server as EmbeddedOptions),
    connection: 'kafka',
    namespace: { run: currentRun().id, worker },
    baseDir: folder,
    driver: kafkajs,
    ...(topics && { options: { topics } }),
    notice: (line) => notices.push(line),
  });
}

const address = ({ options }: Lease) => (options.brokers as string[])[0]!;

describe.skipIf(!hasKafka())('a broker of the run', () => {
  test('all workers get the same one, which answers', async () => {
    const [first, second] = await Promise.all([broker({}, '1'), broker({}, '2')]);
    expect(first).toEqual({
      options: { brokers: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)] },
      because: 'a throwaway Kafka that this run started',
      isShared: true,
      secret: {},
    });
    expect(second).toEqual(first);
    expect(await answers(address(first))).toBe(true);
  });

  test("isolation: 'worker' gives each its own, and the same one for each of its files", async () => {
    const shared = await broker({}, '1');
    // Never more than two at once on a small machine: the suite beside this one has one.
    await killed(address(shared));
    const own = await broker({ isolation: 'worker' }, '1');
    expect(await broker({ isolation: 'worker' }, '1')).toEqual(own);
    expect(own.isShared).toBe(false);
    expect(address(own)).not.toBe(address(shared));
    expect(await answers(address(own))).toBe(true);
    await killed(address(own));
    expect(await answers(address(await broker({ isolation: 'worker' }, '1')))).toBe(true);
    await killed(address(await broker({ isolation: 'worker' }, '1')));
  });

  test('one that dies is started anew for the next who asks', async () => {
    const first = await broker();
    await killed(address(first));
    expect(await answers(address(first))).toBe(false);
    const second = await broker();
    expect(await answers(address(second))).toBe(true);
    await killed(address(second));
  });

  test('what was prepared once is used: nothing is announced, and the next start makes nothing', async () => {
    await broker();
    const before = readdirSync(CACHE).sort();
    expect(notices).toEqual([]);
    await killed(address(await broker()));
    await broker();
    expect(readdirSync(CACHE).sort()).toEqual(before);
    const prepared = before.filter((name) => /^kafka-[0-9a-f]{12}$/.test(name));
    expect(prepared).not.toEqual([]);
    for (const name of prepared) {
      expect(readdirSync(join(CACHE, name)).sort()).toEqual(['classes.jsa', 'data']);
      expect(readdirSync(join(CACHE, name, 'data')).sort()).toEqual(['bootstrap.checkpoint', 'meta.properties']);
    }
    await killed(address(await broker()));
  });

  test('a Kafka of one’s own, in a path with blanks; preparing it is announced', async () => {
    const home = join(folder, 'my kafka "3.9"');
    mkdirSync(home);
    cpSync(kafkaJars('3.9.1'), join(home, 'libs'), { recursive: true, filter: (name) => !name.endsWith('.jsa') });
    vi.stubEnv('QA_CACHE', join(folder, 'cache of mine'));
    const own = await broker({ home: 'my kafka "3.9"' });
    expect(notices).toEqual(['Kafka is prepared for quick starts (some seconds, once)']);
    expect(await answers(address(own))).toBe(true);
    await killed(address(own));
  });

  test.skipIf(!findMaven().path)(
    'where none is kept Maven fetches it, which is announced',
    async () => {
      const cache = join(folder, 'fetched');
      vi.stubEnv('QA_CACHE', cache);
      const own = await broker({ version: '4.3.1' });
      expect(notices).toEqual([
        `Maven fetches Kafka 4.3.1 (about 45 MB, once; kept in ${cache}/kafka-4.3.1)`,
        'Kafka is prepared for quick starts (some seconds, once)',
      ]);
      expect(await answers(address(own))).toBe(true);
      await killed(address(own));
      expect(readdirSync(cache)).toHaveLength(2);
      expect(readdirSync(join(cache, 'kafka-4.3.1'))).toEqual(
        readdirSync(kafkaJars('4.3.1')).filter((name) => name.endsWith('.jar')),
      );
    },
    300_000,
  );

  test('topics that are declared are there with their partitions and config, made once a run', async () => {
    const declared = { orders: {}, audit: { partitions: 3, config: { 'cleanup.policy': 'compact' } } };
    const [first] = await Promise.all([broker({}, '1', declared), broker({}, '2', declared)]);
    await using admin = await adminOf(first);
    expect(await admin.topics()).toEqual({ audit: 3, orders: 1 });
    expect(await admin.config('audit', 'cleanup.policy')).toBe('compact');

    // Another connection to the same broker, which declares one of them too, and one that differs.
    await broker({}, '1', { orders: { partitions: 9 }, refunds: { partitions: 2 } });
    expect(await admin.topics()).toEqual({ audit: 3, orders: 1, refunds: 2 });

    // What a test deletes is not made again behind its back.
    await admin.delete('refunds');
    await expect.poll(() => admin.topics()).toEqual({ audit: 3, orders: 1 });
    await broker({}, '2', { orders: { partitions: 9 }, refunds: { partitions: 2 } });
    expect(await admin.topics()).toEqual({ audit: 3, orders: 1 });
  });

  test('a topic that the broker refuses is named with its config; the others are made', async () => {
    const declared = { good: {}, wrong: { config: { 'retention.ms': 'a day' } } };
    const error = await failure(broker({}, '1', declared));
    expect(error.code).toBe('QA_SCHEMA_FAILED');
    expect(error.message).toBe(
      'qa.kafka: The throwaway Kafka refused the topic `wrong` with retention.ms=a day: Configuration is invalid. Correct `topics.wrong` in qa.config.',
    );
    expect((await failure(broker({}, '2', declared))).message).toBe(error.message);
    await using admin = await adminOf(await broker());
    await expect.poll(() => admin.topics()).toMatchObject({ good: 1 });
  });

  test('one that is not ready in time says what to give, and leaves nothing', async () => {
    const error = await failure(broker({ startTimeout: 50, isolation: 'worker' }, 'late'));
    expect(error.code).toBe('QA_SERVER_START');
    expect(error.message).toMatch(
      /^qa\.kafka: The throwaway Kafka was not ready after 50 ms\. [\s\S]*Give it more time with `embedded\(\{ startTimeout: 100 \}\)`$/,
    );
  });
});

describe('a Kafka that was started for the run', () => {
  test.each([
    [
      'getBootstrapServers()',
      { getBootstrapServers: () => 'PLAINTEXT://localhost:19092,b:2' },
      ['localhost:19092', 'b:2'],
    ],
    ['getHost() and getMappedPort()', { getHost: () => 'h', getMappedPort: (port: number) => port + 1 }, ['h:9094']],
  ])('is lent by its %s', async (_, started, brokers) => {
    expect(await broker(started)).toEqual({
      options: { brokers },
      because: 'a Kafka that was started for this run',
      isShared: true,
      secret: {},
    });
  });

  test('a function that starts one is called once', async () => {
    const start = vi.fn(async () => ({ getBootstrapServers: () => 'h:1' }));
    await broker(start);
    await broker(start);
    expect(start).toHaveBeenCalledTimes(1);
  });

  test('what has no address is refused', async () => {
    const error = await failure(broker({ stop: () => undefined }));
    expect(error.code).toBe('QA_CONFIG');
    expect(error.message).toMatch(/neither `embedded\(…\)` nor a started Kafka.*Give `embedded\(\)`, or what/);
  });
});

describe('where nothing can serve, one error tells what was looked for and what to install', () => {
  test('no Java, no Maven, no home', async () => {
    vi.stubEnv('PATH', folder);
    vi.stubEnv('JAVA_HOME', '/nowhere');
    vi.stubEnv('MAVEN_HOME', '');
    vi.stubEnv('M2_HOME', undefined);
    vi.stubEnv('QA_CACHE', join(folder, 'empty'));
    const error = await failure(broker());
    expect(error.code).toBe('QA_SERVER_START');
    expect(error.message.replaceAll(folder, '‹folder›')).toBe(
      `qa.kafka: Nothing here can run a throwaway Kafka. Looked for:
    \`java\` in JAVA_HOME (/nowhere), PATH: not found
    \`mvn\` in MAVEN_HOME (not set), M2_HOME (not set), PATH: not found
    \`home\` (a Kafka of your own): not given
    jars of an earlier run in ‹folder›/empty/kafka-4.3.1: none
Install Java 17 or newer and Maven (on Debian: \`apt-get install openjdk-17-jre-headless maven\`); or give the connection the \`brokers\` of a Kafka of your own.`,
    );
  });

  const realJava = findJava().path;

  test.skipIf(!realJava)('Java, but no Maven', async () => {
    vi.stubEnv('PATH', folder);
    vi.stubEnv('JAVA_HOME', join(realJava!, '..', '..'));
    vi.stubEnv('QA_CACHE', join(folder, 'empty'));
    const error = await failure(broker());
    expect(error.message).toContain(`, PATH: ${realJava}`);
    expect(error.message).toMatch(/Install Maven .*, or unpack Kafka and name it: `embedded\(\{ home \}\)`; or give/);
  });

  test.skipIf(!realJava)('a Maven that cannot reach its repository: what it wrote', async () => {
    const bin = join(folder, 'offline', 'bin');
    mkdirSync(bin, { recursive: true });
    const cache = join(folder, 'empty');
    writeFileSync(
      join(bin, 'mvn'),
      '#!/bin/sh\necho "[INFO] looking"\necho "[ERROR] Could not transfer artifact: Connection refused"\nexit 1\n',
    );
    chmodSync(join(bin, 'mvn'), 0o755);
    vi.stubEnv('MAVEN_HOME', join(bin, '..'));
    vi.stubEnv('QA_CACHE', cache);
    const error = await failure(broker({ version: '4.0.0' }));
    expect(notices).toEqual([`Maven fetches Kafka 4.0.0 (about 45 MB, once; kept in ${cache}/kafka-4.0.0)`]);
    expect(error.code).toBe('QA_SERVER_START');
    expect(error.message).toMatch(/could not fetch org\.apache\.kafka:kafka_2\.13:4\.0\.0; it ended with code 1/);
    expect(error.message).toMatch(/\n {4}\[ERROR\] Could not transfer artifact: Connection refused\nLet Maven reach/);
    expect(error.message).not.toContain('looking');
    expect(readdirSync(cache)).toEqual([]);
  });

  test.skipIf(!realJava)('a Java that is too old', async () => {
    const bin = join(folder, 'old', 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'java'), '#!/bin/sh\necho \'openjdk version "11.0.2" 2019-01-15\' >&2\n');
    chmodSync(join(bin, 'java'), 0o755);
    vi.stubEnv('JAVA_HOME', join(bin, '..'));
    expect((await failure(broker({ version: '4.3.1' }))).message).toBe(
      `qa.kafka: Kafka 4.3.1 needs Java 17, and ${bin}/java is: openjdk version "11.0.2" 2019-01-15. Let JAVA_HOME name a newer Java, or take \`embedded({ version: '3.9.1' })\``,
    );
  });
});

describe('what is asked for wrongly is refused', () => {
  test.each<[EmbeddedOptions, RegExp]>([
    [{ home: 'nowhere' }, /`home: 'nowhere'` is no folder of Kafka: there is no kafka_2.…jar in .*nowhere\/libs/],
    [{ version: 'latest' }, /`version: 'latest'` is no version of Kafka\. Give all three numbers/],
    [{ version: '4.3.1/../x' }, /is no version of Kafka/],
    [{ version: '4.3.1', home: 'nowhere' }, /has both `home` and `version`/],
    [{ schema: './schema.sql' }, /`embedded\(\{ schema \}\)` means nothing for kafka\. Known: `version`/],
  ])('%j', async (options, message) => {
    const error = await failure(broker(options));
    expect(error.code).toBe('QA_CONFIG');
    expect(error.message).toMatch(message);
  });
});

async function adminOf(lease: Lease) {
  const admin = new kafkajs.Kafka({ brokers: [address(lease)], logCreator: () => () => undefined }).admin();
  await admin.connect();
  return {
    async topics(): Promise<Record<string, number>> {
      const { topics } = await admin.fetchTopicMetadata();
      const ours = topics.filter(({ name }) => !name.startsWith('__'));
      return Object.fromEntries(ours.map(({ name, partitions }) => [name, partitions.length]));
    },
    async config(topic: string, name: string): Promise<string | undefined> {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [name] }],
      });
      return resources[0]?.configEntries[0]?.configValue;
    },
    delete: (topic: string) => admin.deleteTopics({ topics: [topic] }),
    [Symbol.asyncDispose]: () => admin.disconnect(),
  };
}

/** ApiVersions v0, which every broker answers with its correlation id. */
function answers(address: string): Promise<boolean> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host!, () => socket.write(Buffer.from('0000000a0012000000000007ffff', 'hex')));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.readInt32BE(4) === 7);
    });
    socket.once('error', () => resolve(false));
  });
}

/** SIGKILL; returns when its folder is gone and the keeper knows: the next who asks gets another broker. */
async function killed(address: string): Promise<void> {
  const { pid, folder } = brokerAt(address);
  process.kill(pid, 'SIGKILL');
  while (existsSync(folder) || isWorkedIn(folder)) await sleep(10);
  // What ended before these questions is known to the keeper when it has answered them.
  const signal = AbortSignal.timeout(10_000);
  const line = await keeper(signal);
  for (let n = 0; n < 3; n += 1) await line.once(`question ${folder} ${n}`, async () => ({ value: n }), signal);
}
