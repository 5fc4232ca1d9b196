/**
 * An Aerospike for our own tests: `asd` in PATH, a server named by QA_TEST_AEROSPIKE=host:port (with a namespace
 * `test`), or where there is neither the server of the tests' own, which speaks the protocol and is not the product.
 * Tests' names say which one it was.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { READY, writeSettings } from '../../servers/aerospike/settings.ts';
import { findProgram } from '../../servers/java/programs.ts';
import type { StandInOptions } from '../servers/aerospike/main.ts';
import { freePort } from './postgres.ts';

export interface TestAerospike extends AsyncDisposable {
  readonly port: number;
  /** Of the server's process; 0 where it is given, or not running. */
  readonly pid: number;
  /** `127.0.0.1:port` */
  readonly hosts: string;
  readonly namespace: 'test';
  /** `aerospike://127.0.0.1:port/test` */
  readonly url: string;
  /** SIGSTOP: connections are accepted by the kernel, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL, as a crash. What it held is gone; `start` brings it back on the same port. */
  crash(): Promise<void>;
  start(): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

const asd = findProgram('asd').path;
const given = process.env.QA_TEST_AEROSPIKE;

/** What the suite runs on, for the tests' names. */
export const AEROSPIKE: 'asd' | 'the given server' | 'the stand-in' = asd
  ? 'asd'
  : given
    ? 'the given server'
    : 'the stand-in';

/** For what only the product can prove. */
export const isReal: boolean = AEROSPIKE !== 'the stand-in';

/** What a server that is given from outside cannot be made to suffer is tried on one of our own. */
export const OWN_AEROSPIKE: 'asd' | 'the stand-in' = asd ? 'asd' : 'the stand-in';

const TIMEOUT = 20_000;

/** One of our own, that may be stopped and killed. */
export function startAerospike(): Promise<TestAerospike> {
  return asd ? startAsd(asd) : startStandIn();
}

/** The server that the whole suite runs on. */
export async function useAerospike(): Promise<TestAerospike> {
  if (asd || !given) return startAerospike();
  const port = Number(given.split(':').at(-1));
  const refused = () => {
    throw new Error('A server that is given is not ours to stop: use startAerospike().');
  };
  const none = async () => {};
  const address = { pid: 0, port, hosts: given, namespace: 'test' as const, url: `aerospike://${given}/test` };
  return {
    ...address,
    freeze: refused,
    thaw: refused,
    crash: refused,
    start: refused,
    stop: none,
    [Symbol.asyncDispose]: none,
  };
}

/** The server of the tests' own, whatever else there is: for what it alone can be told to do. */
export async function startStandIn(options: Partial<StandInOptions> = {}): Promise<TestAerospike> {
  const port = options.port ?? (await freePort());
  const settings: StandInOptions = { namespaces: ['test'], ...options, port };
  const main = join(import.meta.dirname, '..', 'servers', 'aerospike', 'main.ts');
  return run(port, async () => ({ command: process.execPath, args: [main, JSON.stringify(settings)], ready: /^\d+$/ }));
}

async function startAsd(command: string): Promise<TestAerospike> {
  const folder = mkdtempSync(join(tmpdir(), 'qa-test-asd-'));
  const [service, heartbeat, fabric] = [await freePort(), await freePort(), await freePort()];
  const file = await writeSettings(folder, { ports: { service, heartbeat, fabric } });
  const args = ['--foreground', '--config-file', file];
  const ready = new RegExp(READY.replaceAll('.', '\\.'));
  return run(
    service,
    async () => ({ command, args, ready }),
    () => rmSync(folder, { recursive: true, force: true }),
  );
}

interface Program {
  command: string;
  args: string[];
  ready: RegExp;
}

async function run(
  port: number,
  program: () => Promise<Program>,
  cleanUp: () => void = () => {},
): Promise<TestAerospike> {
  let child: ChildProcess | undefined;
  let watchdog: ChildProcess | undefined;

  async function start(): Promise<void> {
    const { command, args, ready } = await program();
    const lines: string[] = [];
    const started = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    child = started;
    // Kills the server when this process ends in whatever way, and also while it is stopped.
    watchdog = spawn(
      'sh',
      ['-c', 'trap "" INT TERM HUP; read line; [ "$line" = done ] || kill -9 "$0"', `${started.pid}`],
      {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
      },
    );
    watchdog.unref();
    await new Promise<void>((resolve, reject) => {
      const failed = (what: string) => new Error(`The server ${what}:\n${lines.slice(-15).join('\n')}`);
      const late = setTimeout(() => reject(failed('was not ready in time')), TIMEOUT);
      started.once('error', reject).once('exit', (code) => reject(failed(`ended with ${code}`)));
      for (const stream of [started.stdout, started.stderr])
        createInterface(stream!).on('line', (line) => {
          lines.push(line);
          if (!ready.test(line)) return;
          clearTimeout(late);
          resolve();
        });
    });
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const running = child;
    child = undefined;
    if (!running) return;
    const isOver = running.exitCode !== null || running.signalCode !== null;
    const exited = isOver ? undefined : once(running, 'exit');
    running.kill('SIGCONT');
    running.kill(signal);
    await exited;
    watchdog?.stdin?.end('done\n');
  }

  async function stop(): Promise<void> {
    await end('SIGKILL');
    cleanUp();
  }

  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    get pid() {
      return child?.pid ?? 0;
    },
    hosts: `127.0.0.1:${port}`,
    namespace: 'test',
    url: `aerospike://127.0.0.1:${port}/test`,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    crash: () => end('SIGKILL'),
    start,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Key and certificate for `localhost`, in a new folder. */
export function selfSigned(): { folder: string; key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'qa-test-tls-'));
  const [key, cert] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const made = spawnSync(
    'openssl',
    `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout ${key} -out ${cert}`.split(
      ' ',
    ),
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`openssl failed: ${made.stderr || made.error}`);
  return { folder, key, cert };
}
