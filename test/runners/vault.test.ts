/** The Vault in both runners: the code of the docs word for word, one login a run, throwaway servers. */
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { project, run } from '../support/consumer.ts';
import { jest } from '../support/jest.ts';
import { hasKafka, startKafka, type TestKafka } from '../support/kafka.ts';
import { makeTopics } from '../support/kafka-topics.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { PROGRAM, ROOT_TOKEN, startVault, type TestVault } from '../support/vault.ts';
import { vitest } from '../support/vitest.ts';

const RUNNERS = { jest, vitest };
const TYPES = {
  jest: ['node', 'jest', '@qa/jest-preset/jest'],
  vitest: ['node', 'vitest/globals', '@qa/jest-preset/vitest'],
};
const FILES = {
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };",
  'vitest.config.mts':
    "import { qaPreset } from '@qa/jest-preset/vitest';\nexport default { plugins: [qaPreset()], test: { globals: true } };\n",
};
const REGISTER =
  "export default config;\ndeclare module '@qa/jest-preset' { interface Register { config: typeof config } }\n";
const CONFIG = `
  import { defineConfig, fromEnv, fromVault, kafka, postgres, vault } from '@qa/jest-preset';
  const config = defineConfig({
    connections: {
      vault: vault({ address: fromEnv('VAULT_ADDR'), auth: { approle: { roleId: fromEnv('ROLE_ID'), secretId: fromEnv('SECRET_ID') } } }),
      db: postgres({ url: fromVault('secret/data/shop/db#url') }),                    // connection \`vault\` opens first, by itself
      kafka: kafka({ brokers: ['k:9092'], sasl: { mechanism: 'scram-sha-256', username: 'qa', password: fromVault('secret/data/kafka#password') } }),
    },
  });
  ${REGISTER}`;
/** Waits for its third version, which comes while it waits. */
const WORD_FOR_WORD = `
  test('a secret', async () => {
    const { password } = await qa.vault.secret('secret/data/shop/api').read();
    expect(password).toBe('canary-of-the-api');
    setTimeout(() => qa.vault.client.write('secret/data/shop/rotated', { data: { user: 'qa', password: 'canary-of-version-3' } }), 100);
    await expect(qa.vault.secret('secret/data/shop/rotated')).toHaveSecret({ version: 3, data: { user: 'qa' } });   // waits; values never printed
    const found = await qa.vault.secret('secret/data/shop/rotated').waitFor({ version: 3 });
    expect(found.user).toBe('qa');
  });
  test('what is opened with secrets works', async () => {
    expect(await qa.db.query('select 1 as one')).toEqual([{ one: 1 }]);
    expect(Object.keys(await qa.kafka.topic('orders').offsets())).toEqual(['0']);
  });
`;
/** Only the database is named: the Vault opens all the same. */
const DOCBLOCK = `/** @qa db */
  test('the database', async () => {
    expect(await qa.db.query('select 1 as one')).toEqual([{ one: 1 }]);
    expect(() => qa.kafka.client).toThrow('names only these connections: vault, db');
    expect(await qa.vault.secret('secret/shop/api').read()).toEqual({ password: 'canary-of-the-api' });
  });
`;
const FAILS = `/** @qa vault */
  test('differs', async () => {
    await expect(qa.vault.secret('secret/shop/api')).toHaveSecret({ data: { password: 'another' } }, { within: 50 });
  });
  test('is not there', async () => { await qa.vault.secret('secret/shop/apis').read(); });
`;
const CANARY = /canary-of|correct-horse|root-token/;

describe.skipIf(PROGRAM === undefined || !hasKafka())('with real servers', () => {
  let server: TestVault;
  let database: TestPostgres;
  let broker: TestKafka;

  beforeAll(async () => {
    [server, database, broker] = await Promise.all([startVault(), startPostgres(), startKafka({ secure: true })]);
    await server.api('POST', 'secret/data/shop/db', { data: { url: database.url() } });
    await server.api('POST', 'secret/data/shop/api', { data: { password: 'canary-of-the-api' } });
    await makeTopics(broker.brokers, { orders: 1 });
    const { ca, password } = broker.secure;
    await server.api('POST', 'secret/data/kafka', { data: { ca, password } });
    await server.policy('reads', 'path "secret/*" { capabilities = ["read", "list", "update", "create"] }');
  });
  afterAll(() => Promise.all([server?.stop(), database?.stop(), broker?.stop()]));

  describe.each(['jest', 'vitest'] as const)('%s', (runner) => {
    const runs = RUNNERS[runner];

    test('the code of the docs, word for word, with its types; one login for all files and workers; nothing is shown', async () => {
      await server.api('DELETE', 'secret/metadata/shop/rotated');
      for (const version of [1, 2])
        await server.api('POST', 'secret/data/shop/rotated', {
          data: { user: 'qa', password: `canary-of-${version}` },
        });
      // It can be used once: a second login would fail.
      const { roleId, secretId } = await server.approle(runner, { token_policies: ['reads'], secret_id_num_uses: 1 });
      const folder = project({
        ...FILES,
        // The broker of the test speaks TLS, and knows another user.
        'qa.config.ts': CONFIG.replace(
          "['k:9092'], ",
          `['${broker.secure.broker}'], ssl: { ca: fromVault('secret/data/kafka#ca') }, `,
        ).replace("username: 'qa'", `username: '${broker.secure.user}'`),
        'secrets.test.ts': WORD_FOR_WORD,
        'docblock.test.ts': DOCBLOCK,
        'fails.test.js': FAILS,
        'tsconfig.json': JSON.stringify({
          compilerOptions: {
            strict: true,
            noEmit: true,
            module: 'nodenext',
            target: 'es2023',
            skipLibCheck: true,
            types: TYPES[runner],
          },
          include: ['secrets.test.ts', 'docblock.test.ts', 'qa.config.ts'],
        }),
      });
      const env = {
        VAULT_ADDR: 'http://127.0.0.1:1',
        QA_VAULT_URL: server.address,
        ROLE_ID: roleId,
        SECRET_ID: secretId,
      };
      const result = await runs(folder, ['--maxWorkers=2'], { env });
      const outcome = Object.fromEntries(Object.entries(result.tests).map(([name, { status }]) => [name, status]));
      expect(outcome, result.output).toEqual({
        'a secret': 'passed',
        'what is opened with secrets works': 'passed',
        'the database': 'passed',
        differs: 'failed',
        'is not there': 'failed',
      });
      expect(result.tests['is not there']!.messages[0]).toContain('Did you mean `secret/shop/api`?');
      expect(result.output).toContain(`nothing is reset: ${server.address} is not a throwaway server of this run`);
      expect(result.output).not.toMatch(CANARY);
      expect(result.output).not.toContain(secretId);
      expect(result.output).not.toMatch(/open handle|did not exit/);
      // Types of the matcher in Vitest are those of the page in docs.
      if (runner === 'jest') expect(await run(folder, 'tsc', ['-p', '.'])).toEqual({ code: 0, output: '' });
    });

    test('a throwaway server: seeded, brought back before each test, another one with QA_STAND', async () => {
      const file = (name: string) => `
        beforeAll(() => qa.vault.seed({ 'secret/shop/beforehand': { by: '${name}' } }));
        test('${name} writes', async () => {
          expect(await qa.vault.secret('secret/shop/db').read()).toEqual({ user: 'seeded' });
          await qa.vault.seed({ 'secret/shop/db': { user: 'written' }, 'secret/shop/new': { a: 'b' } });
          await expect(qa.vault.secret('secret/shop/db')).toHaveSecret({ version: 2, data: { user: 'written' } });
        });
        test('${name} starts from what beforeAll wrote', async () => {
          await expect(qa.vault.secret('secret/shop/db')).toHaveSecret({ version: 1, data: { user: 'seeded' } });
          await expect(qa.vault.secret('secret/shop/beforehand')).toHaveSecret({ data: { by: '${name}' } });
          await expect(qa.vault.secret('secret/shop/new')).not.toHaveSecret({ data: { a: 'b' } });
        });`;
      const folder = project({
        ...FILES,
        'qa.config.ts': `
          import { defineConfig, embedded, fromEnv, vault } from '@qa/jest-preset';
          const config = defineConfig({
            connections: {
              vault: vault({ server: embedded({ binaries: '${dirname(PROGRAM!)}', seed: { 'secret/shop/db': { user: 'seeded' } } }) }),
            },
            stands: { stage: { connections: { vault: vault({ address: fromEnv('STAGE_VAULT'), auth: { token: fromEnv('STAGE_TOKEN') } }) } } },
          });
          ${REGISTER}`,
        'a.test.ts': file('a'),
        'b.test.ts': file('b'),
        'stand.test.ts': `
          const onStage = process.env.QA_STAND ? test : test.skip;
          onStage('on the stand', async () => {
            expect(qa.vault.url).toBe(process.env.STAGE_VAULT);
            expect(await qa.vault.secret('secret/shop/api').read()).toEqual({ password: 'canary-of-the-api' });
          });`,
      });
      const own = await runs(folder, ['--maxWorkers=2']);
      expect(own.code, own.output).toBe(0);
      expect(own.output).not.toMatch(/open handle|did not exit|nothing is reset/);
      // Which stand is in force is not the runner's affair.
      if (runner === 'jest') return;
      const env = { QA_STAND: 'stage', STAGE_VAULT: server.address, STAGE_TOKEN: ROOT_TOKEN };
      const stage = await runs(folder, ['stand.test'], { env });
      expect(stage.code, stage.output).toBe(0);
      expect(stage.output).not.toMatch(CANARY);
    });
  });
});
