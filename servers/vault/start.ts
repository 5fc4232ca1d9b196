/** Starts a throwaway OpenBao or Vault in development mode; runs in the keeper. */
import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { freePort, HOST, newFolder, PORT_ATTEMPTS, refuseWindows } from '../keeper/place.ts';
import { failedToStart, isReady } from '../keeper/ready.ts';
import type { Provider } from '../keeper/servers.ts';
import { supervise } from '../keeper/supervise.ts';

export interface VaultServerOptions {
  /** Absolute path. */
  program: string;
  /** Whose server it is: a connection's name, and a worker's number or `shared`. */
  owner: string;
  /** Tells servers that hold other secrets from the start. */
  seed: string;
  /** ms */
  startTimeout: number;
}

export interface VaultInfo {
  /** Tells this server from one that was started later in its place. */
  id: string;
  address: string;
  /** May do everything there. */
  token: string;
  pid: number;
  folder: string;
}

/** Its folder stays empty; what it holds is in its own memory. */
const ENOUGH_MEMORY = 1024 ** 2;

export const startVault: Provider<VaultServerOptions> = async ({ program, startTimeout }, onProcess) => {
  const deadline = performance.now() + startTimeout;
  refuseWindows('address');
  const names = { name: basename(program), address: 'address' };
  for (let attempt = 1; ; attempt += 1) {
    const folder = await newFolder('qa-vault-', ENOUGH_MEMORY);
    const port = await freePort();
    const token = `qa-${randomBytes(18).toString('base64url')}`;
    const server = supervise({
      command: program,
      args: ['server', '-dev', `-dev-listen-address=${HOST}:${port}`, '-dev-no-store-token'],
      folder,
      // Nothing of it must be saved.
      signals: ['KILL'],
      // The token is not among the arguments, which show in any process list. `bao` and `vault` each know their own.
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        LC_ALL: 'C',
        BAO_DEV_ROOT_TOKEN_ID: token,
        VAULT_DEV_ROOT_TOKEN_ID: token,
      },
    });
    onProcess(server);
    const isUp = await isReady(server, {
      ...names,
      isReady: (line) => /server started!/i.test(line),
      isPortTaken: (log) => log.some((line) => /address already in use/i.test(line)),
      deadline,
      startTimeout,
    });
    if (isUp) {
      const pid = await server.pid;
      const info: VaultInfo = { id: `${pid}-${port}`, address: `http://${HOST}:${port}`, token, pid, folder };
      return { process: server, info };
    }
    if (attempt === PORT_ATTEMPTS) throw failedToStart(names, { what: 'found no free port', log: server.lastLines() });
  }
};
