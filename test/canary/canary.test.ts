/**
 * Every failure of every binding, in both runners, with a secret of its own each: all that comes out of it is searched
 * for any form of any of them. A binding or an output that is not covered fails the suite.
 */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bindings } from '../../bindings/registry.ts';
import { USERS } from '../bindings/aerospike/users.ts';
import { startStandIn, type TestAerospike } from '../support/aerospike.ts';
import { run } from '../support/consumer.ts';
import { jest } from '../support/jest.ts';
import { freePort, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ANY, startRedis, type TestRedis } from '../support/redis.ts';
import { PROGRAM, startVault, type TestVault } from '../support/vault.ts';
import { vitest } from '../support/vitest.ts';
import { canary, type Leak, leaks } from './leaks.ts';
import { type Canaries, canariesOf, canaryProject, FILES, KINDS, type Place, titlesOf, USER } from './project.ts';
import { SYSTEMS } from './systems.ts';

const RUNNERS = {
  jest: (folder: string, env: Record<string, string>) => jest(folder, [], { env }),
  vitest: (folder: string, env: Record<string, string>) => vitest(folder, ['--reporter=junit'], { env }),
};
/** Tests whose hooks fail in their place: what happens after a test, and in Vitest what keeps it from running. */
const OF_HOOKS = { jest: ['before the end'], vitest: ['below it', 'below that', 'before the end'] };
/** Outputs of a run beside what it prints, by their files. */
const REPORTS = ['results.json', 'junit.xml', 'qa.ndjson'] as const;

let servers: { postgres: TestPostgres; redis: TestRedis; vault: TestVault; aerospike: TestAerospike };
let traps: Trap[];
let canaries: Canaries;
let env: Record<string, string>;

beforeAll(async () => {
  const secrets = {
    database: canary('database'),
    cache: canary('cache').replace('"', '+'),
    vault: canary('vault'),
    own: canary('own'),
  };
  const [postgres, redis, vault, aerospike] = await Promise.all([
    startPostgres(),
    startRedis({ password: secrets.cache }),
    startVault(),
    startStandIn({ users: USERS }),
  ]);
  servers = { postgres, redis, vault, aerospike };
  await postgres.run(`
    create role canary login superuser password '${secrets.database}';
    create table accounts (id text primary key, token text unique, details jsonb, raw bytea)`);
  await vault.policy('shop', 'path "secret/*" { capabilities = ["read", "list"] }');
  await vault.api('POST', 'secret/data/shop', { data: { token: secrets.vault, deep: { list: [secrets.vault] } } });
  const token = await vault.tokenWith(['shop']);

  traps = await Promise.all([trap((socket) => socket.destroy()), trap(() => undefined)]);
  const wrong = (name: string) => canary(`a wrong password of ${name}`);
  const made = canariesOf({
    refused: await freePort(),
    closed: traps[0]!.port,
    hung: traps[1]!.port,
    real: {
      db: {
        kind: 'postgres',
        options: {
          host: '127.0.0.1',
          port: postgres.port,
          user: 'canary',
          password: secrets.database,
          database: 'postgres',
        },
      },
      cache: {
        kind: 'redis',
        options: { url: redis.url().replace(secrets.cache, encodeURIComponent(secrets.cache)), channels: ['news'] },
      },
      vault: { kind: 'vault', options: { address: vault.address, auth: { token } } },
      dbWrong: {
        kind: 'postgres',
        options: {
          host: '127.0.0.1',
          port: postgres.port,
          user: 'canary',
          password: wrong('db'),
          database: 'postgres',
        },
      },
      cacheWrong: { kind: 'redis', options: { host: '127.0.0.1', port: redis.port, password: wrong('cache') } },
      vaultWrong: { kind: 'vault', options: { address: vault.address, auth: { token: wrong('vault') } } },
      recordsWrong: {
        kind: 'aerospike',
        options: { hosts: aerospike.hosts, namespace: 'test', user: 'tester', password: wrong('records') },
      },
    },
  } satisfies Place);
  const wrongOnes = Object.fromEntries(
    ['db', 'cache', 'vault', 'records'].map((name) => [`${name}, wrong`, wrong(name)]),
  );
  canaries = { ...made, secrets: { ...made.secrets, ...secrets, ...wrongOnes, token } };
  // Colours stand within texts; what is streamed comes beside what is printed.
  env = { CANARIES: JSON.stringify(canaries), QA_LOG: 'debug', FORCE_COLOR: '1', NO_COLOR: '' };
});
afterAll(async () => {
  await Promise.all([...Object.values(servers ?? {}), ...(traps ?? [])].map((server) => server.stop()));
});

test('every binding of the registry has its faults here', () => {
  expect(Object.keys(SYSTEMS).sort()).toEqual(Object.keys(bindings).sort());
});

describe.skipIf(!ANY || !PROGRAM).each(['jest', 'vitest'] as const)('%s', (runner) => {
  let result: Awaited<ReturnType<(typeof RUNNERS)['jest' | 'vitest']>>;
  let outputs: Record<string, string>;
  beforeAll(async () => {
    const folder = canaryProject();
    result = await RUNNERS[runner](folder, env);
    const reports = REPORTS.map((name) => [
      name,
      existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '',
    ]);
    outputs = { console: result.output, ...Object.fromEntries(reports) };
  });

  test('every test of it failed, and each output tells of them', () => {
    const titles = Object.values(FILES).flatMap(titlesOf);
    const failed = Object.entries(result.tests).filter(([, { status }]) => status === 'failed');
    const missing = titles.filter((title) => !failed.some(([name]) => name.endsWith(title)));
    expect(missing, result.output).toEqual(OF_HOOKS[runner]);
    for (const [name, text] of Object.entries(outputs))
      expect(text.match(/‹redacted›/g)?.length, name).toBeGreaterThan(5);
    expect(outputs.console).toContain('nothing is reset');
  });

  test('no output shows any form of a secret', () => {
    expect(leaks(outputs, canaries.secrets).map(tell)).toEqual([]);
  });

  test('what must be said is said, though it is a password too', () => {
    const said = result.tests.Words!.messages.join('\n');
    for (const kind of KINDS) expect(said).toContain(`qa.${kind}Words`);
    expect(said.match(new RegExp(USER, 'g'))!.length).toBeGreaterThanOrEqual(5);
    for (const kind of KINDS) {
      const [message = ''] = result.tests[`${kind}Refused`]!.messages;
      expect(message).toContain(`qa.${kind}Refused`);
      if (kind !== 'kerberos') expect(message).toContain('127.0.0.1');
    }
  });
});

describe.skipIf(!ANY || !PROGRAM)('qa doctor', () => {
  test('shows no form of a secret, in words and as JSON', async () => {
    const folder = canaryProject();
    const [words, json] = await Promise.all([
      run(folder, 'qa', ['doctor'], { env }),
      run(folder, 'qa', ['doctor', '--json'], { env }),
    ]);
    for (const { output } of [words, json]) {
      for (const name of Object.keys(canaries.connections)) expect(output).toContain(name);
    }
    expect(leaks({ words: words.output, json: json.output }, canaries.secrets).map(tell)).toEqual([]);
  });
});

function tell({ name, output, excerpt }: Leak): string {
  return `${name} in ${output}: ${excerpt}`;
}

interface Trap {
  port: number;
  stop(): Promise<void>;
}

/** A server that accepts connections and does nothing that anybody waits for. */
async function trap(accept: (socket: Socket) => void): Promise<Trap> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    accept(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
