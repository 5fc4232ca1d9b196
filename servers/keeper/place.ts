/** What every throwaway server needs of its machine: a folder, a port, and a shell that watches over it. */
import { access, constants, mkdtemp, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failed } from '../protocol.ts';

export const HOST = '127.0.0.1';
/** Somebody else may take a free port between our look and the server's start. */
export const PORT_ATTEMPTS = 5;

/** A new folder in memory where `enough` bytes are free there, else in `temporary`. */
export async function newFolder(prefix: string, enough: number, temporary: string = tmpdir()): Promise<string> {
  return mkdtemp(join((await hasRoom('/dev/shm', enough)) ? '/dev/shm' : temporary, prefix));
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, HOST, () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** Throws Failed QA_SERVER_START where nothing would watch over a server. */
export function refuseWindows(address: string): void {
  if (process.platform !== 'win32') return;
  throw new Failed({
    code: 'QA_SERVER_START',
    what: 'Throwaway servers need a POSIX shell, which watches over them, and do not run on Windows itself',
    mend: `Run the tests in WSL, or give the connection the \`${address}\` of a server of your own`,
  });
}

async function hasRoom(folder: string, enough: number): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize >= enough;
  } catch {
    // No such folder: not Linux.
    return false;
  }
}
