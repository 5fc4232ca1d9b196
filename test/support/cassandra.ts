/**
 * A real Cassandra for our own tests, from jars that Maven brought (test/servers/prepare.mjs); independent of how
 * `servers/cassandra` starts one, which is itself under test. Gone when the process that started it is.
 *
 * One takes 430 MB and some seconds of two cores: one for a file where that will do.
 *
 * @example
 * describe.skipIf(!hasCassandra())('…', () => {
 *   let server: TestCassandra;
 *   beforeAll(async () => { server = await startCassandra(); });
 *   afterAll(() => server.stop());
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import cassandra from 'cassandra-driver';
import {
  cassandraYaml,
  DATA_CENTRE,
  jvmOptions,
  logback,
  MAIN,
  READY,
  yaml,
} from '../../servers/cassandra/settings.ts';
import { classPath } from '../../servers/java/maven.ts';
import { findJava } from '../../servers/java/programs.ts';
import { cassandraJars } from './java-jars.ts';
import { freePort, spaciousFolder } from './postgres.ts';
import { type Watchdog, watchOver } from './watchdog.ts';

export { hasCassandra } from './java-jars.ts';

export interface TestCassandraOptions {
  /** Users with passwords: `cassandra` is the superuser. */
  auth?: boolean;
  /** Serves TLS with a fresh certificate for `localhost` and 127.0.0.1. */
  tls?: boolean;
  /** Finds its keyspaces again after `kill` and `restart`; it is slower. */
  durable?: boolean;
}

export interface TestCassandra extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly contactPoint: string;
  readonly port: number;
  /** What a config needs to connect; with a password where it has users. */
  readonly options: {
    contactPoints: string[];
    localDataCenter: string;
    user?: string;
    password?: string;
  };
  /** The certificate's authority, PEM; with `tls`. */
  readonly ca: string;
  readonly pid: number;
  url(keyspace?: string): string;
  /** Runs CQL on a client of its own. */
  run(cql: string, params?: unknown[], keyspace?: string): Promise<Record<string, unknown>[]>;
  /** How many clients are connected, but for its own. */
  connections(): Promise<number>;
  /** SIGSTOP: connections are accepted by the kernel, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
  /** Brings it back on the same port, after `kill`. */
  restart(): Promise<void>;
  log(): string;
  /** Idempotent. */
  stop(): Promise<void>;
}

const USER = 'cassandra';
const PASSWORD = 'cassandra';
const START_TIMEOUT = 60_000;

export async function startCassandra(options: TestCassandraOptions = {}): Promise<TestCassandra> {
  const java = findJava().path;
  const jars = classPath(cassandraJars());
  if (!java || !jars)
    throw new Error('There is no Cassandra here: see the lines of `npm test`, and skip with hasCassandra().');
  const folder = mkdtempSync(join(spaciousFolder(), 'qa-test-cassandra-'));
  const [port, storage] = [await freePort(), await freePort()];
  const lines: string[] = [];
  let running: { child: ChildProcess; watchdog: Watchdog } | undefined;
  let own: cassandra.Client | undefined;
  let ca = '';

  try {
    if (options.tls) ca = selfSign(folder);
    writeFileSync(join(folder, 'cassandra.yaml'), cassandraYaml({ native: port, storage }) + more());
    writeFileSync(join(folder, 'logback.xml'), logback());
    await start();
  } catch (error) {
    await stop();
    throw error;
  }

  const server: TestCassandra = {
    contactPoint: `127.0.0.1:${port}`,
    port,
    options: {
      contactPoints: [`127.0.0.1:${port}`],
      localDataCenter: DATA_CENTRE,
      ...(options.auth ? { user: USER, password: PASSWORD } : {}),
    },
    ca,
    get pid() {
      return running?.child.pid ?? 0;
    },
    url: (keyspace = '') =>
      `cassandra://${options.auth ? `${USER}:${PASSWORD}@` : ''}127.0.0.1:${port}/${keyspace}?dc=${DATA_CENTRE}`,
    async run(cql, params = [], keyspace) {
      own ??= await connected();
      const result = await own.execute(cql, params, { prepare: params.length > 0, ...(keyspace ? { keyspace } : {}) });
      return (result.rows ?? []).map((row) => ({ ...row }));
    },
    async connections() {
      const rows = await server.run('select driver_name from system_views.clients');
      return rows.length - 1;
    },
    freeze: () => stopped(running?.child),
    thaw: () => running?.child.kill('SIGCONT'),
    kill: () => end('SIGKILL'),
    restart: start,
    log: () => lines.join('\n'),
    stop,
    [Symbol.asyncDispose]: stop,
  };
  return server;

  function more(): string {
    const auth = {
      authenticator: 'PasswordAuthenticator',
      authorizer: 'CassandraAuthorizer',
      role_manager: 'CassandraRoleManager',
    };
    const tls = `client_encryption_options: { enabled: true, optional: false, keystore: "${join(folder, 'server.p12')}", keystore_password: changeit, store_type: PKCS12 }\n`;
    return `${options.auth ? yaml(auth) : ''}${options.tls ? tls : ''}`;
  }

  async function start(): Promise<void> {
    const archive = join(cassandraJars(), 'tests.jsa');
    const sharing = [
      existsSync(archive) ? `-XX:SharedArchiveFile=${archive}` : `-XX:ArchiveClassesAtExit=${join(folder, 'new.jsa')}`,
      '-Xlog:cds=off',
      '-Xlog:cds+dynamic=off',
    ];
    const args = [...jvmOptions(folder, options), ...sharing, '-cp', jars, MAIN];
    const child = spawn(java!, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const watchdog = watchOver(child.pid, folder);
    running = { child, watchdog };
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(failed('was not ready in time')), START_TIMEOUT);
      child.once('exit', (code) => {
        clearTimeout(late);
        reject(failed(`ended with ${code}`));
      });
      child.once('error', reject);
      for (const stream of [child.stdout, child.stderr])
        createInterface(stream!).on('line', (line) => {
          lines.push(line);
          if (!line.includes(READY)) return;
          clearTimeout(late);
          resolve();
        });
    });
    // A port that is open is not yet a user that is known.
    if (options.auth) await until(() => connected().then((client) => client.shutdown()));
  }

  async function connected(): Promise<cassandra.Client> {
    const client = new cassandra.Client({
      contactPoints: [`127.0.0.1:${port}`],
      localDataCenter: DATA_CENTRE,
      ...(options.auth ? { credentials: { username: USER, password: PASSWORD } } : {}),
      ...(options.tls ? { sslOptions: { ca: [ca], host: 'localhost', rejectUnauthorized: true } } : {}),
    });
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.shutdown();
      throw error;
    }
  }

  function failed(what: string): Error {
    return new Error(`Cassandra ${what}:\n${lines.slice(-15).join('\n')}`);
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    // While the server is up: a client that lives through a restart may keep its process from ending.
    if (signal === 'SIGTERM') running?.child.kill('SIGCONT');
    const client = own;
    own = undefined;
    await client?.shutdown();
    if (!running) return;
    const { child, watchdog } = running;
    running = undefined;
    const isOver = child.exitCode !== null || child.signalCode !== null;
    const exited = isOver ? undefined : once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await exited;
    watchdog.done();
  }

  async function stop(): Promise<void> {
    const archive = join(cassandraJars(), 'tests.jsa');
    // The first one leaves an archive of its classes, for which it must end in order: later ones start sooner.
    await end(existsSync(archive) ? 'SIGKILL' : 'SIGTERM');
    if (!existsSync(archive) && existsSync(join(folder, 'new.jsa'))) {
      copyFileSync(join(folder, 'new.jsa'), `${archive}.${process.pid}`);
      renameSync(`${archive}.${process.pid}`, archive);
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns when all its threads stand: on a busy machine that takes a moment. */
function stopped(child: ChildProcess | undefined): void {
  child?.kill('SIGSTOP');
  const state = () => execFileSync('ps', ['-o', 'stat=', '-p', `${child?.pid}`], { encoding: 'utf8' });
  for (const deadline = Date.now() + 2000; child && !state().startsWith('T') && Date.now() < deadline; );
}

async function until(attempt: () => Promise<unknown>): Promise<void> {
  for (const deadline = Date.now() + 20_000; ; await sleep(50)) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** Writes the server's keys; returns the authority's certificate, which is the server's own. */
function selfSign(folder: string): string {
  const [key, crt] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const run = (args: string) => execFileSync('openssl', args.split(' '), { stdio: 'pipe' });
  run(
    `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout ${key} -out ${crt}`,
  );
  run(`pkcs12 -export -inkey ${key} -in ${crt} -out ${join(folder, 'server.p12')} -passout pass:changeit`);
  return readFileSync(crt, 'utf8');
}
