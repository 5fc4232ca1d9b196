/** Throwaway Vaults, of whatever program is here. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import type { Lease } from '../../bindings/core/binding.ts';
import { type EmbeddedOptions, embedded } from '../../bindings/core/server.ts';
import { currentRun, lease } from '../../servers/index.ts';
import { PROGRAM } from '../support/vault.ts';
import { failure } from './harness.ts';
import { isAlive, keeperOf, type Ready, RunInSmall, remains } from './processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'qa-test-vaults-'));
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function server(given: EmbeddedOptions | object, worker = '1', connection = 'vault'): Promise<Lease> {
  return lease({
    kind: 'vault',
    server: 'stop' in given ? given : embedded(given as EmbeddedOptions),
    connection,
    namespace: { run: currentRun().id, worker },
    baseDir: folder,
    driver: undefined,
    notice: () => undefined,
  });
}

const tokenOf = ({ options }: Lease) => (options.auth as { token: string }).token;
const pidOf = ({ secret }: Lease) => Number(secret.id!.split('-')[0]);
async function read({ options, secret }: Lease, path: string): Promise<unknown> {
  const headers = { 'X-Vault-Token': secret.token! };
  const response = await fetch(`${options.address}/v1/${path}`, { headers });
  return ((await response.json()) as { data?: { data?: unknown } }).data?.data;
}

describe.skipIf(PROGRAM === undefined)('a server of the run', () => {
  const binaries = dirname(PROGRAM ?? '');

  test('each worker has its own, the same one for each of its files, with the secrets of `seed`', async () => {
    const seed = { 'secret/shop/db': { user: 'qa' }, 'team/data/a b/c': { d: 1 } };
    const [first, again, second] = await Promise.all([
      server({ binaries, seed }),
      server({ binaries, seed }),
      server({ binaries, seed }, '2'),
    ]);
    expect(first).toMatchObject({
      options: { address: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/), auth: { token: expect.any(String) } },
      because: 'a throwaway server that this run started',
      isShared: false,
    });
    expect(again).toEqual(first);
    expect(second.options.address).not.toBe(first.options.address);
    expect(tokenOf(second)).not.toBe(tokenOf(first));
    expect(await read(first, 'secret/data/shop/db')).toEqual({ user: 'qa' });
    expect(await read(second, 'team/data/a%20b/c')).toEqual({ d: 1 });
    // Any process list shows arguments.
    expect(readFileSync(`/proc/${pidOf(first)}/cmdline`, 'utf8')).not.toContain(tokenOf(first));
  });

  test("isolation: 'run' is one for all; one that dies is started anew", async () => {
    const shared = { binaries, isolation: 'run' as const };
    const [one, two] = await Promise.all([server(shared, '1', 'shared'), server(shared, '2', 'shared')]);
    expect(one).toEqual(two);
    expect(one.isShared).toBe(true);
    process.kill(pidOf(one), 'SIGKILL');
    await expect.poll(async () => (await server(shared, '1', 'shared')).options.address).not.toBe(one.options.address);
  });
});

test('what is not there or makes no sense is told', async () => {
  vi.stubEnv('PATH', folder);
  expect(await failure(server({}))).toMatchObject({
    code: 'QA_SERVER_START',
    message: expect.stringContaining('neither bao nor vault is in PATH. Install OpenBao or Vault, name its folder'),
  });
  const cases: [EmbeddedOptions | object, string][] = [
    [{ binaries: 'nowhere' }, "`binaries: 'nowhere'` is no folder"],
    [{ schema: 'x' }, '`embedded({ schema })` means nothing for vault'],
    [{ seed: { secret: { a: 'b' } } }, 'names `secret`, which is no path with a mount'],
    [{ seed: { 'secret/a': 'text' } }, 'has no object at `secret/a`'],
    [{ stop: () => undefined }, '`server` is not `embedded(…)`'],
  ];
  for (const [given, message] of cases) {
    expect(await failure(server(given))).toMatchObject({
      code: 'QA_CONFIG',
      message: expect.stringContaining(message),
    });
  }
  writeFileSync(join(folder, 'bao'), '#!/bin/sh\necho "Error parsing listener"; exit 1\n');
  chmodSync(join(folder, 'bao'), 0o755);
  vi.unstubAllEnvs();
  expect(await failure(server({ binaries: folder }))).toMatchObject({
    code: 'QA_SERVER_START',
    message: expect.stringMatching(/throwaway bao ended with code 1\. Its last lines:\n\s+Error parsing listener/),
  });
});

describe.skipIf(process.platform !== 'linux' || PROGRAM === undefined)(
  'whatever ends a run, its server is gone',
  () => {
    const WITHIN = 5000;
    const ends: Record<string, (run: RunInSmall, ready: Ready) => void> = {
      'its own end': (run) => run.end(),
      'SIGKILL of the main process while the server is stopped': (run, ready) => {
        process.kill(ready.serverPid, 'SIGSTOP');
        run.process.kill('SIGKILL');
      },
    };

    test.each(Object.entries(ends))('%s', async (_, end) => {
      using run = new RunInSmall();
      const ready = await run.worker('vault');
      const keeper = keeperOf(ready);
      expect([ready.serverPid, keeper].map(isAlive)).toEqual([true, true]);
      end(run, ready);
      expect(await remains(ready, WITHIN, keeper)).toEqual([]);
    });

    test('a run that is kept tells address and token, until its command ends it', async () => {
      using run = new RunInSmall();
      const ready = await run.worker('vault-keep');
      const keeper = keeperOf(ready);
      expect(ready.kept).toEqual({
        addresses: [expect.stringMatching(`^${ready.url} \\(token qa-[\\w-]+\\)$`)],
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
