/** Throwaway Aerospikes: on a real `asd` where there is one in PATH, else on the stand-in under its name. */
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import aerospike, { type Key, type KeyOptions } from 'aerospike';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Lease } from '../../../bindings/core/binding.ts';
import { type EmbeddedOptions, embedded } from '../../../bindings/core/server.ts';
import { binding } from '../../../bindings/databases/aerospike/index.ts';
import { READY } from '../../../servers/aerospike/settings.ts';
import { currentRun, lease } from '../../../servers/index.ts';
import { OWN_AEROSPIKE, startStandIn } from '../../support/aerospike.ts';
import { openBinding } from '../../support/scope.ts';
import { failure } from '../harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'qa-test-asd-'));

beforeAll(() => {
  if (OWN_AEROSPIKE === 'asd') return;
  // It reads the same settings as the product, and says the same when it is ready.
  const main = join(import.meta.dirname, 'main.ts');
  writeFileSync(
    join(folder, 'asd'),
    `#!/bin/sh
port=$(awk '/^  service/ { inside = 1 } inside && /port/ { print $2; exit }' "$3")
namespace=$(awk '/^namespace/ { print $2; exit }' "$3")
[ "$1 $2" = "--foreground --config-file" ] || exit 1
exec '${process.execPath}' '${main}' '{"port":'$port',"namespaces":["'$namespace'"],"node":"BB9'$port'","ready":"${READY}","isAlone":true}'
`,
  );
  chmodSync(join(folder, 'asd'), 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function leaseFor(server: unknown, worker = '1', options?: object): Promise<Lease> {
  return lease({
    kind: 'aerospike',
    server,
    connection: 'profiles',
    namespace: { run: currentRun().id, worker },
    baseDir: folder,
    driver: aerospike,
    ...(options && { options }),
    notice: () => undefined,
  });
}

describe(`embedded() on ${OWN_AEROSPIKE}`, () => {
  test('each worker has a server of its own, and the same one for each of its files', async () => {
    const [first, again, second] = await Promise.all([
      leaseFor(embedded(), '1'),
      leaseFor(embedded(), '1'),
      leaseFor(embedded(), '2'),
    ]);
    expect(first).toEqual({
      options: { hosts: expect.stringMatching(/^127\.0\.0\.1:\d+$/), namespace: 'test' },
      because: 'a throwaway Aerospike that this run started',
      isShared: false,
      secret: { node: expect.stringMatching(/^[0-9A-F]+$/) },
    });
    expect(again).toEqual(first);
    expect(second.options.hosts).not.toBe(first.options.hosts);
    expect(second.secret.node).not.toBe(first.secret.node);
  });

  test('one for all, with a namespace of its own', async () => {
    const options = { namespace: 'shop' };
    const [first, second] = await Promise.all([
      leaseFor(embedded({ isolation: 'run' }), '1', options),
      leaseFor(embedded({ isolation: 'run' }), '2', options),
    ]);
    expect(first).toEqual(second);
    expect(first).toMatchObject({ isShared: true, options });
  });

  test('all of it is ours, and it is emptied', async () => {
    const lent = await leaseFor(embedded(), '3');
    await using connection = await openBinding(binding, lent.options, { lease: lent });
    const proof = await binding.ownership(connection.client, {} as never, connection.scope);
    expect(proof).toMatchObject({ owned: true, by: 'throwaway' });
    const resetter = await binding.reset(connection.client, proof as never, connection.scope);
    await connection.handle.seed('users', { 'u-1': { n: 1 } });
    await resetter.reset(AbortSignal.timeout(10_000));
    const key = new aerospike.Key('test', 'users', 'u-1') as Key & KeyOptions;
    expect(await connection.client.exists(key)).toBe(false);
    await resetter.close();
  });

  test('options of other systems mean nothing', async () => {
    const error = await failure(leaseFor(embedded({ schema: './x' } as EmbeddedOptions)));
    expect(error).toMatchObject({ code: 'QA_CONFIG' });
    expect(error.message).toContain('`embedded({ schema })` means nothing for aerospike');
  });
});

describe('where it cannot be had', () => {
  test('no asd: told with what else there is', async () => {
    const { PATH } = process.env;
    vi.stubEnv('PATH', '/nowhere');
    const error = await failure(leaseFor(embedded(), '9'));
    vi.stubEnv('PATH', PATH!);
    expect(error.message).toBe(
      'qa.profiles: `server: embedded()` runs the `asd` of an installed Aerospike, and found none (looked for `asd` in PATH). Install the Aerospike server, start it in a container and give that as `server`, or give the connection `hosts`',
    );
  });

  test('an asd that refuses its settings: its last lines', async () => {
    const bad = mkdtempSync(join(tmpdir(), 'qa-test-asd-'));
    writeFileSync(
      join(bad, 'asd'),
      '#!/bin/sh\necho "CRITICAL (config): line 3 :: unknown config parameter"; exit 1\n',
    );
    chmodSync(join(bad, 'asd'), 0o755);
    const { PATH } = process.env;
    vi.stubEnv('PATH', `${bad}${delimiter}${PATH}`);
    const error = await failure(leaseFor(embedded(), '8'));
    vi.stubEnv('PATH', PATH!);
    rmSync(bad, { recursive: true });
    expect(error).toMatchObject({ code: 'QA_SERVER_START' });
    expect(error.message).toContain('The throwaway Aerospike ended with code 1. Its last lines:');
    expect(error.message).toContain('unknown config parameter');
    expect(existsSync(bad)).toBe(false);
  });
});

describe('a server that was started for the run, on the stand-in', () => {
  test('is lent, never stopped, and proven to be the one', async () => {
    await using server = await startStandIn();
    const started = { getHost: () => '127.0.0.1', getMappedPort: (port: number) => (port === 3000 ? server.port : 0) };
    const lent = await leaseFor(async () => started);
    expect(lent).toEqual({
      options: { hosts: server.hosts, namespace: 'test' },
      because: 'an Aerospike that was started for this run',
      isShared: true,
      secret: { node: 'BB9000000000001' },
    });
  });

  test('what is none says what to give', async () => {
    const error = await failure(leaseFor({ getConnectionUri: () => '' }));
    expect(error).toMatchObject({ code: 'QA_CONFIG' });
    expect(error.message).toContain('it has no `getHost()` and `getMappedPort()`');
  });
});
