/** Throwaway servers that speak Redis' protocol, of whatever program is here. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import type { Lease } from '../../bindings/core/binding.ts';
import { type EmbeddedOptions, embedded } from '../../bindings/core/server.ts';
import { currentRun, lease } from '../../servers/index.ts';
import { ANY, PROGRAMS, startRedis } from '../support/redis.ts';
import { failure } from './harness.ts';
import { isAlive, keeperOf, type Ready, RunInSmall, remains } from './processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'qa-test-find-'));
const clients: Redis[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const client of clients.splice(0)) client.disconnect();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function server(
  given: EmbeddedOptions | object = {},
  { kind = 'redis', worker = '1', connection = 'cache' } = {},
): Promise<Lease> {
  const isLent = Object.values(given).some((value) => typeof value === 'function');
  return lease({
    kind,
    server: isLent ? given : embedded(given as EmbeddedOptions),
    connection,
    namespace: { run: currentRun().id, worker },
    baseDir: folder,
    driver: Redis,
    notice: () => undefined,
  });
}

function clientOf({ options }: Lease, changes: object = {}): Redis {
  const client = new Redis({ ...(options as object), retryStrategy: () => null, maxRetriesPerRequest: 0, ...changes });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

const pidOf = async (client: Redis) => Number(/process_id:(\d+)/.exec(await client.info('server'))![1]);
const portOf = ({ options }: Lease) => options.port as number;

describe.skipIf(ANY === undefined)('a server of the run', () => {
  const binaries = dirname(ANY?.file ?? '');

  test('each worker and each connection has its own, the same one for each of its files', async () => {
    const [first, again, other, second] = await Promise.all([
      server({ binaries }),
      server({ binaries }),
      server({ binaries }, { worker: '2' }),
      server({ binaries }, { connection: 'sessions' }),
    ]);
    expect(first).toEqual({
      options: { host: '127.0.0.1', port: expect.any(Number), password: expect.stringMatching(/^[\w-]{20,}$/) },
      because: 'a throwaway server that this run started',
      isShared: false,
      secret: { password: first.options.password },
    });
    expect(again).toEqual(first);
    expect(new Set([first, other, second].map(portOf)).size).toBe(3);
    expect(await clientOf(first).ping()).toBe('PONG');
    await expect(clientOf(first, { password: 'another' }).ping()).rejects.toThrow();
  });

  test("isolation: 'run' is one for all", async () => {
    const shared = { binaries, isolation: 'run' as const };
    const [one, two] = await Promise.all([server(shared), server(shared, { worker: '2' })]);
    expect(portOf(one)).toBe(portOf(two));
    expect(one.isShared).toBe(true);
  });

  test('one that dies is started anew, and keeps nothing', async () => {
    const lost = await server({ binaries }, { connection: 'lost' });
    await clientOf(lost).set('a', '1');
    process.kill(await pidOf(clientOf(lost)), 'SIGKILL');
    await expect.poll(async () => portOf(await server({ binaries }, { connection: 'lost' }))).not.toBe(portOf(lost));
    expect(await clientOf(await server({ binaries }, { connection: 'lost' })).dbsize()).toBe(0);
  });

  test('one that is lent: empty it is ours, filled it is not', async () => {
    await using own = await startRedis();
    const container = { getHost: () => own.host, getMappedPort: () => own.port };
    expect(await server(container)).toMatchObject({
      options: { port: own.port },
      isShared: true,
      secret: { keys: '0' },
    });
    await using filled = await startRedis({ password: 'pass-of-a-container' });
    await filled.run('SET', 'a', '1');
    const started = { getConnectionUrl: () => filled.url() };
    expect(await server(started)).toMatchObject({
      options: { port: filled.port, password: 'pass-of-a-container' },
      secret: { keys: '1' },
    });
    expect(await failure(server({ stop: () => undefined }))).toMatchObject({ code: 'QA_CONFIG' });
  });
});

describe('which program', () => {
  /** One that says that it is ready and does nothing else. */
  function program(name: string, body = 'echo "Ready to accept connections"; exec sleep 300') {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  afterEach(() => {
    for (const name of ['dragonfly', 'valkey-server', 'redis-server']) rmSync(join(folder, name), { force: true });
  });

  const command = async (kind: string, given: EmbeddedOptions = {}) => {
    // It runs as long as this run: told by a file that it leaves.
    for (const name of ['dragonfly', 'valkey-server', 'redis-server']) {
      if (existsSync(join(folder, name)))
        program(name, `echo $0 >${folder}/${kind}.ran; echo "Ready to accept connections"; exec sleep 300`);
    }
    await server(given, { kind, connection: `c${Math.random()}` });
    return (await promisify(execFile)('cat', [`${folder}/${kind}.ran`])).stdout.trim().replace(`${folder}/`, '');
  };

  test.each([
    ['dragonfly', ['dragonfly', 'valkey-server', 'redis-server'], 'dragonfly'],
    ['redis', ['dragonfly', 'redis-server'], 'redis-server'],
    ['valkey', ['dragonfly', 'valkey-server'], 'valkey-server'],
    ['redis', ['dragonfly', 'valkey-server'], 'dragonfly'],
    ['dragonfly', ['valkey-server', 'redis-server'], 'valkey-server'],
  ])('for %s() of %j it is %s', async (kind, there, taken) => {
    for (const name of there) program(name);
    vi.stubEnv('PATH', `${folder}:/bin`);
    expect(await command(kind, { binaries: folder })).toBe(taken);
  });

  test('none: it says what was looked for', async () => {
    vi.stubEnv('PATH', folder);
    expect(await failure(server())).toMatchObject({
      code: 'QA_SERVER_START',
      message: expect.stringContaining(
        'neither redis-server, dragonfly nor valkey-server is in PATH. Install one (on Debian: `apt-get install redis-server`)',
      ),
    });
    expect(await failure(server({ binaries: 'nowhere' }))).toMatchObject({
      code: 'QA_CONFIG',
      message: expect.stringContaining("`binaries: 'nowhere'` is no folder"),
    });
    expect(await failure(server({ schema: 'x' } as EmbeddedOptions))).toMatchObject({
      code: 'QA_CONFIG',
      message: expect.stringContaining('`embedded({ schema })` means nothing for redis'),
    });
  });

  test('one that does not start: its last lines are shown', async () => {
    program('redis-server', 'echo "Fatal config file error"; exit 1');
    expect(await failure(server({ binaries: folder }))).toMatchObject({
      code: 'QA_SERVER_START',
      message: expect.stringMatching(
        /throwaway redis-server ended with code 1\. Its last lines:\n\s+Fatal config file error/,
      ),
    });
  });
});

describe.skipIf(process.platform !== 'linux' || PROGRAMS.length === 0)(
  'whatever ends a run, its server is gone',
  () => {
    const WITHIN = 5000;
    const ends: Record<string, (run: RunInSmall, ready: Ready, keeper: number) => void> = {
      'its own end': (run) => run.end(),
      'Ctrl-C': (run) => process.kill(-run.process.pid!, 'SIGINT'),
      'SIGKILL of the main process': (run) => run.process.kill('SIGKILL'),
      'SIGKILL of the main process and the keeper': (run, _ready, keeper) => {
        run.process.kill('SIGKILL');
        process.kill(keeper, 'SIGKILL');
      },
      'SIGKILL of the main process while the server is stopped': (run, ready) => {
        process.kill(ready.serverPid, 'SIGSTOP');
        run.process.kill('SIGKILL');
      },
    };

    test.each(Object.entries(ends))('%s', async (name, end) => {
      using run = new RunInSmall();
      const ready = await run.worker('redis');
      const keeper = keeperOf(ready);
      expect([ready.serverPid, keeper].map(isAlive)).toEqual([true, true]);
      expect(existsSync(ready.data)).toBe(true);
      end(run, ready, keeper);
      const isLeft = name.endsWith('and the keeper');
      expect(await remains(ready, isLeft ? 2500 : WITHIN, keeper)).toEqual(isLeft ? ["the run's folder"] : []);
    });

    test('a run that is kept tells the address, until its command ends it', async () => {
      using run = new RunInSmall();
      const ready = await run.worker('redis-keep');
      const keeper = keeperOf(ready);
      expect(ready.kept).toEqual({
        addresses: [expect.stringMatching(`^redis://:.+@${ready.url}/0$`)],
        stop: `kill ${keeper}`,
      });
      run.process.kill('SIGKILL');
      await sleep(500); // Long enough for what ends it otherwise: 0.1 s.
      expect(isAlive(ready.serverPid)).toBe(true);
      await promisify(execFile)('sh', ['-c', ready.kept!.stop]);
      expect(await remains(ready, WITHIN, keeper)).toEqual([]);
    });
  },
);
