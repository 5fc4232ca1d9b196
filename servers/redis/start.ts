/** Starts a throwaway server that speaks Redis' protocol; runs in the keeper. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { freePort, HOST, newFolder, PORT_ATTEMPTS, refuseWindows } from '../keeper/place.ts';
import { failedToStart, isReady } from '../keeper/ready.ts';
import type { Provider } from '../keeper/servers.ts';
import { supervise } from '../keeper/supervise.ts';

export interface RedisServerOptions {
  /** Absolute path. */
  program: string;
  /** Whose server it is: a connection's name, and a worker's number or `shared`. */
  owner: string;
  /** ms */
  startTimeout: number;
}

export interface RedisInfo {
  /** Tells this server from one that was started later in its place. */
  id: string;
  host: string;
  port: number;
  password: string;
  pid: number;
  folder: string;
}

/** Its folder holds a few lines of settings; the data are in its own memory. */
const ENOUGH_MEMORY = 1024 ** 2;

export const startRedis: Provider<RedisServerOptions> = async ({ program, startTimeout }, onProcess) => {
  const deadline = performance.now() + startTimeout;
  refuseWindows('url');
  const names = { name: basename(program), address: 'url' };
  for (let attempt = 1; ; attempt += 1) {
    const folder = await newFolder('qa-redis-', ENOUGH_MEMORY);
    // With it nobody else gets in, and who gets in knows whose server it is.
    const password = randomBytes(18).toString('base64url');
    const port = await freePort();
    const isDragonfly = names.name === 'dragonfly';
    const settings = join(folder, 'settings');
    // Not among the arguments, which show in any process list.
    await writeFile(settings, isDragonfly ? flags({ folder, port, password }) : lines({ folder, port, password }), {
      mode: 0o600,
    });
    const server = supervise({
      command: program,
      args: isDragonfly ? [`--flagfile=${settings}`] : [settings],
      folder,
      // Nothing of it must be saved.
      signals: ['KILL'],
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
    });
    onProcess(server);
    const isUp = await isReady(server, {
      ...names,
      isReady: (line) => /Ready to accept connections|listening on port/i.test(line),
      isPortTaken: (log) => log.some((line) => /address already in use|could not open port/i.test(line)),
      deadline,
      startTimeout,
    });
    if (isUp) {
      const pid = await server.pid;
      return { process: server, info: { id: `${pid}-${port}`, host: HOST, port, password, pid, folder } };
    }
    if (attempt === PORT_ATTEMPTS) throw failedToStart(names, { what: 'found no free port', log: server.lastLines() });
  }
};

interface Settings {
  folder: string;
  port: number;
  password: string;
}

/** Of Redis and Valkey. */
function lines({ folder, port, password }: Settings): string {
  return [
    `bind ${HOST}`,
    `port ${port}`,
    `dir ${JSON.stringify(folder)}`,
    `requirepass ${password}`,
    // Nothing of it must survive a crash.
    'save ""',
    'appendonly no',
    'daemonize no',
    'logfile ""',
  ].join('\n');
}

function flags({ folder, port, password }: Settings): string {
  return [
    `--bind=${HOST}`,
    `--port=${port}`,
    `--dir=${folder}`,
    `--requirepass=${password}`,
    '--dbfilename=',
    '--logtostderr',
    // It wants 256 MB for each thread.
    '--proactor_threads=2',
    '--maxmemory=512mb',
    '--version_check=false',
  ].join('\n');
}
