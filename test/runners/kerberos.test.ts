/** Kerberos in both runners: the code of the docs word for word, many files in a process, a KDC that hangs. */
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { jest } from '../support/jest.ts';
import { hasKafka, startKafka, type TestKafka } from '../support/kafka.ts';
import { hasKerberos, installKerberos, startKdc, type TestKdc } from '../support/kdc.ts';
import { type SpnegoServer, startSpnego } from '../support/spnego-server.ts';
import { vitest } from '../support/vitest.ts';

const RUNNERS = { jest, vitest };
const CONFIG = {
  'jest.config.cjs':
    "module.exports = { preset: '@qa/jest-preset', testTimeout: Number(process.env.TEST_TIMEOUT ?? 30_000) };",
  'vitest.config.mts': `
    import { qaPreset } from '@qa/jest-preset/vitest';
    const testTimeout = Number(process.env.TEST_TIMEOUT ?? 30_000);
    export default { plugins: [qaPreset()], test: { globals: true, testTimeout } };`,
  'qa.config.ts': `
    import { defineConfig, kerberos } from '@qa/jest-preset';
    const config = defineConfig({
      connections: {
        krb: kerberos({ principal: 'qa@EXAMPLE.TEST', keytab: './qa.keytab' }),               // or the credential cache that is there
      },
    });
    export default config;
    declare module '@qa/jest-preset' { interface Register { config: typeof config } }`,
};
const WORD_FOR_WORD = `
  const url = process.env.SERVICE_URL;
  test('lets in', async () => {
    const res = await fetch(url, { headers: await qa.krb.negotiate('HTTP@api.example.test') });     // SPNEGO
    expect(await res.json()).toEqual({ user: 'qa@EXAMPLE.TEST' });
    await qa.krb.verify(res);
    expect(qa.krb.principal).toBe('qa@EXAMPLE.TEST');
    expect(qa.krb.expiresAt).toBeInstanceOf(Date);
    expect(await qa.krb.token('HTTP@api.example.test')).toMatch(/^YI/);
  });
`;

const ANNOUNCED = `/** @qa kafka */
  test('is announced', async () => {
    const topic = qa.kafka.topic(qa.unique('orders'));
    await topic.create();
    await topic.send({ key: 'o-1', value: { total: 42 } });
    await expect(topic).toReceiveKafkaMessage({ key: 'o-1', value: { total: 42 } });
  });
`;

describe.skipIf(!hasKerberos())('with a real KDC', () => {
  let kdc: TestKdc;
  let service: SpnegoServer;
  let broker: TestKafka | undefined;
  let env: Record<string, string>;
  beforeAll(async () => {
    kdc = await startKdc();
    kdc.keytab('services.keytab', ['HTTP/api.example.test']);
    kdc.keytab('qa.keytab', ['qa']);
    service = await startSpnego(kdc, 'HTTP@api.example.test');
    const keytab = kdc.keytab('kafka.keytab', ['kafka/localhost']);
    const kerberos = { conf: kdc.conf, keytab, principal: `kafka/localhost@${kdc.realm}` };
    if (hasKafka()) broker = await startKafka({ kerberos });
    env = { SERVICE_URL: service.url, QA_KRB_URL: kdc.address };
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await broker?.stop();
    await kdc?.stop();
  });

  /** A project with the keytab and the driver, where they are wanted. */
  const consumer = (files: Record<string, string>, hasDriver = true) => {
    const folder = project({ ...CONFIG, ...files });
    if (hasDriver) installKerberos(folder, kdc);
    return folder;
  };
  const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('qa-krb-'));

  describe.each(['jest', 'vitest'] as const)('%s', (runner) => {
    const runs = RUNNERS[runner];
    const inBand = runner === 'jest' ? ['-i', '--detectOpenHandles'] : ['--no-file-parallelism'];

    test('the code of the docs, word for word, in several files of one process, and in threads', async () => {
      const before = folders();
      const files = Object.fromEntries(['a', 'b', 'c'].map((name) => [`${name}.test.js`, WORD_FOR_WORD]));
      const folder = consumer(files);
      const threads = runner === 'jest' ? ['--workerThreads', '--maxWorkers=2'] : ['--pool=threads', '--maxWorkers=2'];
      for (const args of [inBand, threads]) {
        const result = await runs(folder, args, { env });
        expect(result.code, result.output).toBe(0);
        expect(result.output).not.toMatch(/open handle|did not exit/);
      }
      await expect.poll(folders).toEqual(before);
    });

    test('a KDC that hangs: the test fails in its time, and the run ends', async () => {
      const before = folders();
      const folder = consumer({
        'a.test.js': `
          test('waits', async () => {
            process.kill(Number(process.env.KDC_PID), 'SIGSTOP');
            await qa.krb.token('fresh@api.example.test');
          });`,
      });
      const start = Date.now();
      try {
        const result = await runs(folder, inBand, { env: { ...env, KDC_PID: String(kdc.pid), TEST_TIMEOUT: '2500' } });
        expect(result.code).toBe(1);
        expect(result.tests.waits!.messages[0]).toContain(
          'Getting a ticket for `fresh@api.example.test` did not end before the time of the test was up: the KDC at',
        );
        expect(result.tests.waits!.messages[0]).toMatch(/a\.test\.js:4:/);
        // Natively it is 27 s, and the process ends only then.
        expect(Date.now() - start).toBeLessThan(25_000);
      } finally {
        kdc.thaw();
      }
      await expect.poll(folders).toEqual(before);
    });

    test.skipIf(!hasKafka())('Kafka by its tickets, whose connection opens by itself', async () => {
      const folder = consumer({
        'qa.config.cjs': `
          const { defineConfig, gssapi, kafka, kerberos } = require('@qa/jest-preset');
          const brokers = [process.env.BROKER];
          module.exports = defineConfig({
            connections: {
              krb: kerberos({ principal: 'qa@EXAMPLE.TEST', keytab: './qa.keytab' }),               // or the credential cache that is there
              kafka: kafka({ brokers, sasl: gssapi({ connection: 'krb', serviceName: 'kafka' }) }),
            },
          });`,
        'a.test.js': ANNOUNCED,
        'b.test.js': ANNOUNCED,
      });
      rmSync(join(folder, 'qa.config.ts'));
      const result = await runs(folder, inBand, { env: { ...env, BROKER: broker!.gssapi.broker } });
      expect(result.code, result.output).toBe(0);
      expect(result.output).not.toMatch(/open handle|did not exit/);
    });

    test('what a user reads without the driver', async () => {
      const folder = consumer({ 'a.test.js': "test('never runs', () => undefined);" }, false);
      const result = await runs(folder, inBand, { env });
      expect(result.code).toBe(1);
      expect(result.output).toContain(
        'qa.krb: The driver `kerberos` is not installed. It is compiled on installing, which needs the libraries of Kerberos and a compiler: on Debian apt-get install libkrb5-dev make g++ python3. Run: npm i -D kerberos@">=2.2 <8"',
      );
    });
  });
});
