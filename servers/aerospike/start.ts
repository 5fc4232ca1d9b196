/** Starts a throwaway Aerospike; runs in the keeper. */
import { freePort, HOST, newFolder, PORT_ATTEMPTS, refuseWindows } from '../keeper/place.ts';
import { failedToStart, isReady } from '../keeper/ready.ts';
import type { Provider } from '../keeper/servers.ts';
import { supervise } from '../keeper/supervise.ts';
import { READY, writeSettings } from './settings.ts';

export interface AerospikeStart {
  /** Absolute path of `asd`. */
  program: string;
  namespace: string;
  /** Whose server it is: a worker's number, or `shared`. */
  owner: string;
  /** ms */
  startTimeout: number;
}

export interface AerospikeInfo {
  /** `127.0.0.1:port` */
  hosts: string;
  port: number;
  pid: number;
  folder: string;
}

/** Records are in memory by themselves; the folder holds little more than its settings. */
const ENOUGH_MEMORY = 64 * 1024 ** 2;
const NAMES = { name: 'Aerospike', address: 'hosts' } as const;

export const startAerospike: Provider<AerospikeStart> = async ({ program, namespace, startTimeout }, onProcess) => {
  const deadline = performance.now() + startTimeout;
  refuseWindows(NAMES.address);
  for (let attempt = 1; ; attempt += 1) {
    const folder = await newFolder('qa-aerospike-', ENOUGH_MEMORY);
    const [service, heartbeat, fabric] = [await freePort(), await freePort(), await freePort()];
    const file = await writeSettings(folder, { ports: { service, heartbeat, fabric }, namespace });
    const { PATH, HOME, TZ } = process.env;
    const server = supervise({
      command: program,
      args: ['--foreground', '--config-file', file],
      folder,
      // Nothing of it must be saved.
      signals: ['KILL'],
      env: { PATH, HOME, ...(TZ ? { TZ } : {}) },
    });
    onProcess(server);
    const isUp = await isReady(server, {
      ...NAMES,
      isReady: (line) => line.includes(READY),
      isPortTaken: (lines) => lines.some((line) => /address already in use/i.test(line)),
      deadline,
      startTimeout,
    });
    if (isUp) {
      const pid = await server.pid;
      return { process: server, info: { hosts: `${HOST}:${service}`, port: service, pid, folder } };
    }
    if (attempt === PORT_ATTEMPTS) throw failedToStart(NAMES, { what: 'found no free port', log: server.lastLines() });
  }
};
