/**
 * A real KDC of a realm made from nothing (Debian's krb5-kdc), for our own tests: 0.15 s, 6 MB. Gone when the process
 * that started it is.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './postgres.ts';
import { type Watchdog, watchOver } from './watchdog.ts';

/** The folder whose `node_modules` hold the module `kerberos`: test/servers/prepare.mjs puts it there. */
export const KERBEROS_HOME: string = fileURLToPath(new URL('../../.cache/servers/kerberos', import.meta.url));
/** Path of its main file. */
export const KERBEROS_MODULE: string = join(KERBEROS_HOME, 'node_modules', 'kerberos', 'lib', 'index.js');

export function hasKerberos(): boolean {
  return existsSync('/usr/sbin/krb5kdc') && existsSync(KERBEROS_MODULE);
}

/** Puts the driver and the keytab of `qa` into a project. */
export function installKerberos(folder: string, kdc: TestKdc): void {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(join(KERBEROS_HOME, 'node_modules', 'kerberos'), join(folder, 'node_modules', 'kerberos'));
  symlinkSync(join(kdc.folder, 'qa.keytab'), join(folder, 'qa.keytab'));
}

export interface TestKdcOptions {
  /** Shifts its clock, as libfaketime writes it: `+10m`. */
  clock?: string;
  /** Lines of [libdefaults] of krb5.conf. */
  libdefaults?: string;
}

export interface TestKdc extends AsyncDisposable {
  readonly realm: string;
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly folder: string;
  readonly pid: number;
  /** Path of a krb5.conf for it. */
  readonly conf: string;
  /** Its keytab holds the keys of services: `HTTP/localhost`, and those that `service` adds. */
  readonly services: string;
  /** Makes principals with random keys, written to a keytab; its path. */
  keytab(name: string, principals: readonly string[], attributes?: string): string;
  /** Commands of kadmin.local. */
  admin(...commands: string[]): string;
  /** A ticket in a credential cache, by a keytab; its path. */
  kinit(principal: string, keytab: string, ...options: string[]): string;
  /** SIGSTOP: connections are accepted by the kernel, nothing answers. */
  freeze(): void;
  thaw(): void;
  crash(): Promise<void>;
  start(): Promise<void>;
  log(): string;
  stop(): Promise<void>;
}

const REALM = 'EXAMPLE.TEST';

export async function startKdc({ clock, libdefaults = '' }: TestKdcOptions = {}): Promise<TestKdc> {
  const folder = mkdtempSync(join(tmpdir(), 'qa-test-kdc-'));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const [conf, profile] = [join(folder, 'krb5.conf'), join(folder, 'kdc.conf')];
  // The program `faketime` would be a parent between: this is what it does.
  const faked = clock === undefined ? {} : { LD_PRELOAD: '/usr/$LIB/faketime/libfaketime.so.1', FAKETIME: clock };
  const env = { ...process.env, ...faked, KRB5_CONFIG: conf, KRB5_KDC_PROFILE: profile, KRB5RCACHEDIR: folder };
  let running: { child: ChildProcess; watchdog: Watchdog } | undefined;
  let output = '';

  writeFileSync(
    conf,
    `[libdefaults]
  default_realm = ${REALM}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
  default_ccache_name = FILE:${folder}/default-cache
  ${libdefaults}
[realms]
  ${REALM} = {
    kdc = ${address}
  }
[domain_realm]
  localhost = ${REALM}
  .example.test = ${REALM}
`,
  );
  writeFileSync(
    profile,
    `[kdcdefaults]
  kdc_listen = ${address}
  kdc_tcp_listen = ${address}
[realms]
  ${REALM} = {
    database_name = ${folder}/principal
    key_stash_file = ${folder}/stash
    max_life = 1h
    supported_enctypes = aes256-cts-hmac-sha1-96:normal
  }
`,
  );

  function tool(program: string, args: string[], input?: string): string {
    const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8', ...(input && { input }) });
    if (status !== 0) throw new Error(`${program} failed: ${stderr}${stdout}`);
    return stdout;
  }

  async function start(): Promise<void> {
    const args = ['-n', '-r', REALM, '-P', join(folder, 'kdc.pid')];
    const child = spawn('/usr/sbin/krb5kdc', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-20_000);
      });
    running = { child, watchdog: watchOver(child.pid, folder) };
    for (const end = Date.now() + 10_000; !(await listens(port)); await sleep(5)) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`krb5kdc did not start:\n${output}`);
    }
  }

  async function crash(): Promise<void> {
    const was = running;
    running = undefined;
    if (was === undefined) return;
    if (was.child.exitCode === null && was.child.signalCode === null) {
      const ended = once(was.child, 'exit');
      was.child.kill('SIGKILL');
      await ended;
    }
    was.watchdog.done();
  }

  const kdc: TestKdc = {
    realm: REALM,
    address,
    folder,
    get pid() {
      return running?.child.pid ?? 0;
    },
    conf,
    services: join(folder, 'services.keytab'),
    keytab(name, principals, attributes = '') {
      const file = join(folder, name);
      kdc.admin(
        ...principals.map((principal) => `addprinc -randkey ${attributes} ${principal}`),
        ...principals.map((principal) => `ktadd -k ${file} -norandkey ${principal}`),
      );
      return file;
    },
    admin: (...commands) => tool('/usr/sbin/kadmin.local', ['-r', REALM], `${commands.join('\n')}\n`),
    kinit(principal, keytab, ...options) {
      const cache = join(folder, `cache-${principal.replace(/\W/g, '-')}-${options.join('')}`);
      tool('kinit', ['-c', cache, '-k', '-t', keytab, ...options, principal]);
      return cache;
    },
    freeze: () => running?.child.kill('SIGSTOP'),
    thaw: () => running?.child.kill('SIGCONT'),
    crash,
    start,
    log: () => output,
    async stop() {
      await crash();
      rmSync(folder, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => kdc.stop(),
  };

  try {
    tool('/usr/sbin/kdb5_util', ['create', '-s', '-r', REALM, '-P', 'master']);
    await start();
    return kdc;
  } catch (error) {
    await kdc.stop();
    throw error;
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
