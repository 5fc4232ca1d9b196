/** Runs every example of README and docs, in both runners: a page that lies fails here. */
import { execSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveReferences } from '../../bindings/core/reference.ts';
import { binding as vaultBinding } from '../../bindings/vault/index.ts';
import { loadConfig } from '../../environment/config/load.ts';
import { type TestAerospike, useAerospike } from '../support/aerospike.ts';
import { project, type RunResult, root, run } from '../support/consumer.ts';
import { CACHE, hasCassandra } from '../support/java-jars.ts';
import { hasKafka, startKafka, type TestKafka } from '../support/kafka.ts';
import { makeTopics } from '../support/kafka-topics.ts';
import { hasKerberos, installKerberos, startKdc, type TestKdc } from '../support/kdc.ts';
import { hasMemcached, startMemcached, type TestMemcached } from '../support/memcached.ts';
import { normalise } from '../support/normalise.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ANY, startRedis, type TestRedis } from '../support/redis.ts';
import { openBinding } from '../support/scope.ts';
import { type SpnegoServer, startSpnego } from '../support/spnego-server.ts';
import { typeErrors } from '../support/types.ts';
import { PROGRAM, ROOT_TOKEN, startVault, type TestVault } from '../support/vault.ts';
import { type Block, blocks, PAGES } from './markdown.ts';

const shop = join(root, 'examples', 'shop');
const shopFile = (name: string) => readFileSync(join(shop, name), 'utf8');

/** The config of pages that bring none. */
const CONFIG = `import { defineConfig, embedded, postgres } from '@qa/jest-preset';
const config = defineConfig({
  connections: { db: postgres({ server: embedded({ schema: './schema.sql' }) }) },
  tags: ['smoke', 'slow'],
});
export default config;
declare module '@qa/jest-preset' { interface Register { config: typeof config } }
`;

/** As the example has it. */
const SHOP = `    shop: {
      command: 'node service/main.mjs',
      env: (qa) => ({ PORT: String(qa.port()), DATABASE_URL: qa.db.url }),
      ready: 'listening on',
    },
`;

/** Before the examples of a page's test file. */
const PRELUDE = `import { startShop } from './service/shop.mjs';
let shop: Awaited<ReturnType<typeof startShop>>;
beforeAll(async () => { shop = await startShop({ databaseUrl: qa.db.url }); qa.state.set('api', shop.url); });
afterAll(() => shop?.stop());
const post = (path: string, body?: unknown) =>
  fetch(qa.state.require<string>('api') + path, { method: 'POST', body: JSON.stringify(body) ?? null });
post;
`;

/** The same on pages that speak of Kafka: both services of the example. */
const KAFKA_PRELUDE = `import { startShipping } from './shipping/shipping.mjs';
let shipping: Awaited<ReturnType<typeof startShipping>>;
beforeAll(async () => { shipping = await startShipping({ databaseUrl: qa.db.url, brokers: qa.kafka.brokers }); });
afterAll(() => shipping?.stop());
`;

/** What the config of such a page refers to. */
const KAFKA_FILES = {
  'payment.avsc': JSON.stringify({
    type: 'record',
    name: 'Payment',
    fields: [
      { name: 'orderId', type: 'string' },
      { name: 'amount', type: 'double' },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    ],
  }),
  'returned.proto': 'syntax = "proto3"; package shop; message Returned { string order_id = 1; }',
};
const needsKafka = (page: string) => page === 'docs/kafka.md';
/** Its examples need no service. */
const isAlone = (page: string) =>
  page === 'docs/services.md' ||
  page === 'docs/aerospike.md' ||
  needsKerberos(page) ||
  needsCassandra(page) ||
  needsMemcached(page) ||
  needsRedis(page) ||
  needsVault(page);
const needsMemcached = (page: string) => page === 'docs/adding-a-binding.md';
const needsRedis = (page: string) => page === 'docs/redis.md';
const needsKerberos = (page: string) => page === 'docs/kerberos.md';
const needsVault = (page: string) => page === 'docs/vault.md';
const needsCassandra = (page: string) => page === 'docs/cassandra.md';

const TYPES = {
  jest: ['node', 'jest', '@qa/jest-preset/jest'],
  vitest: ['node', 'vitest/globals', '@qa/jest-preset/vitest'],
};

let stage: TestPostgres;
let broker: TestKafka | undefined;
let profiles: TestAerospike;
let memo: TestMemcached | undefined;
let cache: TestRedis | undefined;
let kdc: TestKdc | undefined;
let api: SpnegoServer | undefined;
let secrets: (TestVault & { roleId: string; secretId: string }) | undefined;
/** What commands of the pages may need: a stand of the user's own. */
const env = () => ({
  DATABASE_URL: stage.url('stage'),
  STAGE_DATABASE_URL: stage.url('stage'),
  STAGE_KAFKA: `kafka://${broker?.broker}`,
  MEMCACHED_URL: memo?.url ?? '',
  AEROSPIKE_HOSTS: profiles.hosts,
  STAGE_AEROSPIKE: profiles.url,
  STAGE_REDIS: cache?.url() ?? '',
  API_URL: api?.url ?? '',
  QA_KRB_URL: kdc?.address ?? '',
  QA_CACHE: CACHE,
  VAULT_ADDR: secrets?.address ?? '',
  ROLE_ID: secrets?.roleId ?? '',
  SECRET_ID: secrets?.secretId ?? '',
  ...(PROGRAM !== undefined && { PATH: `${dirname(PROGRAM)}${delimiter}${process.env.PATH}` }),
});

beforeAll(async () => {
  stage = await startPostgres();
  profiles = await useAerospike();
  if (ANY) cache = await startRedis();
  await stage.run('create database stage');
  await stage.run(shopFile('schema.sql'), 'stage');
  if (PROGRAM) secrets = await startSecrets(stage);
  if (hasMemcached()) memo = await startMemcached();
  if (hasKerberos()) {
    kdc = await startKdc();
    kdc.keytab('services.keytab', ['HTTP/api.example.test']);
    kdc.keytab('qa.keytab', ['qa']);
    api = await startSpnego(kdc, 'HTTP@api.example.test');
  }
  if (!hasKafka()) return;
  broker = await startKafka();
  await makeTopics(broker.brokers, { 'stage-orders': 1 });
});
afterAll(() =>
  Promise.all([
    stage?.stop(),
    broker?.stop(),
    profiles?.stop(),
    memo?.stop(),
    cache?.stop(),
    kdc?.stop(),
    api?.stop(),
    secrets?.stop(),
  ]),
);

describe.each(PAGES)('%s', (page) => {
  const running = test.skipIf(
    (needsKafka(page) && !hasKafka()) ||
      (needsCassandra(page) && !hasCassandra()) ||
      (needsMemcached(page) && !hasMemcached()) ||
      (needsRedis(page) && !ANY) ||
      (needsKerberos(page) && !hasKerberos()) ||
      (needsVault(page) && !PROGRAM),
  );
  const all = blocks(page);
  const marked = (mark: Block['mark']) => all.filter((block) => block.mark === mark);

  test('every code block says how it is proven', () => {
    expect(all.filter(({ mark }) => mark === undefined).map(({ at }) => at)).toEqual([]);
    expect(all.length).toBeGreaterThan(0);
  });

  const examples =
    marked('body').length + marked('test').reduce((n, { text }) => n + (text.match(/\btest\(/g)?.length ?? 0), 0);
  const inBoth = examples > 0 ? describe : undefined;
  inBoth?.('examples', () => {
    running.each(['jest', 'vitest'] as const)('run in %s', async (runner) => {
      const folder = pageProject(page, all, runner);
      const { code, output } = await run(
        folder,
        runner,
        runner === 'jest' ? ['--ci', 'docs.test'] : ['run', 'docs.test'],
        { env: env() },
      );
      expect(code, output).toBe(0);
      const passed = Number(/Tests:? .*?(\d+) passed/.exec(output)?.[1]);
      expect(passed, output).toBeGreaterThanOrEqual(examples);
    });

    test.each(['jest', 'vitest'] as const)('have types in %s', (runner) => {
      expect(typeErrors(pageProject(page, all, runner))).toBe('');
    });
  });

  test.each(marked('config').map((block) => [block.at, block] as const))('config %s', async (_, { text, language }) => {
    const folder = pageProject(page, [], 'jest', { [`qa.config.${language}`]: text });
    const { connections, stands = {} } = await loadConfig(folder, {});
    const sets = [connections, ...Object.values(stands).map((stand) => stand.connections)];
    const everything = sets.flatMap((set) => Object.entries(set));
    for (const [name, { binding, input }] of everything) {
      const path = `connections.${name}`;
      const options = await resolveReferences(input, { env: { ...process.env, ...env() }, path, use: vaultClient });
      expect(() => binding.parse(options as Record<string, unknown>, path)).not.toThrow();
    }
    expect(everything).not.toHaveLength(0);
    if (language === 'ts') expect(typeErrors(folder)).toBe('');
  });

  const withCommands = marked('run').length + marked('output').length > 0 ? describe : undefined;
  withCommands?.('commands', () => {
    running('end as they should, and print what the page shows', async () => {
      const folder = pageProject(page, all, 'jest');
      let printed = '';
      for (const { at, mark, text, exit, value } of all) {
        if (mark === 'run') {
          printed = '';
          for (const line of text.trim().split('\n')) {
            const { code, output } = await command(folder, line);
            expect(code, `${at}: ${line}\n${output}`).toBe(exit);
            printed += output;
            // What QA_KEEP left is stopped as its output says.
            for (const [, stop] of output.matchAll(/stop with: (.+)/g)) execSync(stop!, { stdio: 'pipe' });
          }
        } else if (mark === 'stage') await stage.run(text, 'stage');
        else if (mark === 'stage-redis') await cache!.run(...(text.trim().split(' ') as [string]));
        else if (mark === 'output') {
          const real = value === 'failing' ? (await failing()).output : printed;
          expect(plain(real, folder), at).toContain(plain(text));
        }
      }
    });
  });
});

/** A Vault of the user's own: with secrets, a role to log in with, and credentials of the stand's database. */
async function startSecrets(database: TestPostgres): Promise<NonNullable<typeof secrets>> {
  const server = await startVault();
  await server.api('POST', 'secret/data/shop/db', { data: { url: database.url('stage') } });
  await server.api('POST', 'secret/data/kafka', { data: { password: 'correct horse' } });
  await server.database('app', database);
  await server.policy(
    'qa',
    'path "database/creds/*" { capabilities = ["read"] }\npath "sys/leases/revoke" { capabilities = ["update"] }',
  );
  return Object.assign(server, await server.approle('qa', { token_policies: ['qa'] }));
}

/** What `fromVault` in a config is read from. */
async function vaultClient() {
  const options = { address: secrets!.address, auth: { token: ROOT_TOKEN } };
  return (await openBinding(vaultBinding, options, { connection: 'vault' })).client;
}

/** A user's folder: the shop, its schema and configs, and what the page adds. */
function pageProject(
  name: string,
  all: readonly Block[],
  runner: 'jest' | 'vitest',
  more: Record<string, string> = {},
): string {
  const page = Object.fromEntries(all.filter(({ mark }) => mark === 'file').map(({ value, text }) => [value, text]));
  const examples = all.flatMap(({ mark, text, at }) =>
    mark === 'test' ? [text] : mark === 'body' ? [`test('${at}', async () => {\n${text}});\n`] : [],
  );
  const folder = project({
    'schema.sql': shopFile('schema.sql'),
    'jest.config.cjs': `module.exports = { preset: '@qa/jest-preset' };\n`,
    'vitest.config.mts': `import { qaPreset } from '@qa/jest-preset/vitest';\nexport default { plugins: [qaPreset()], test: { globals: true } };\n`,
    ...(all.length > 0 && !Object.keys(page).some((file) => file.startsWith('qa.config.'))
      ? { 'qa.config.ts': CONFIG }
      : {}),
    'docs.test.ts': (isAlone(name) ? '' : PRELUDE) + (needsKafka(name) ? KAFKA_PRELUDE : '') + examples.join('\n'),
    ...(needsKafka(name) && KAFKA_FILES),
    'tsconfig.json': JSON.stringify({
      extends: './base.json',
      compilerOptions: { types: TYPES[runner] },
      include: all.length > 0 ? ['docs.test.ts', 'qa.config.ts'] : ['qa.config.ts'],
    }),
    'base.json': shopFile('tsconfig.json'),
    ...page,
    ...more,
  });
  if (needsKerberos(name) && kdc) installKerberos(folder, kdc);
  for (const part of ['service', 'shipping', 'failing', 'with-kafka.mjs'])
    cpSync(join(shop, part), join(folder, part), { recursive: true });
  return folder;
}

/** `QA_TAGS=smoke npx jest --ci`: a line as a user types it. */
function command(folder: string, line: string): Promise<RunResult> {
  const match = /^((?:[A-Z_]+=(?:'[^']*'|\S*) )*)npx (jest|vitest|tsc|qa)( .*)?$/.exec(line);
  if (!match) throw new Error(`Cannot run \`${line}\``);
  const [, variables = '', tool, rest = ''] = match;
  const set = [...variables.matchAll(/([A-Z_]+)=(?:'([^']*)'|(\S*))/g)].map(([, name, quoted, bare]) => [
    name,
    quoted ?? bare!.replace(/^\$(\w+)$/, (_, other: string) => env()[other as keyof ReturnType<typeof env>] ?? ''),
  ]);
  const args = [...rest.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
  return run(folder, tool as 'jest' | 'vitest' | 'tsc' | 'qa', args, { env: { ...env(), ...Object.fromEntries(set) } });
}

/** The example's failing test, once. */
function failing(): Promise<RunResult> {
  const folder = pageProject(
    'README.md',
    [{ at: '', language: '', mark: 'test', value: '', exit: 0, text: '' }],
    'jest',
    { 'qa.config.ts': CONFIG.replace('  tags:', `  services: {\n${SHOP}  },\n  tags:`) },
  );
  failed ??= run(folder, 'jest', ['--ci', '--roots', 'failing', '--', 'failure.test']);
  return failed;
}
let failed: Promise<RunResult> | undefined;

/** Without what differs from run to run, and without indentation: a page may cut a part out. */
function plain(text: string, folder?: string): string {
  return normalise(text, folder)
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '')
    .join('\n');
}
