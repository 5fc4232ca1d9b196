/** A real Memcached, for the docs' example of a store that is not built in. Gone when the process that started it is. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { freePort } from './postgres.ts';

export interface TestMemcached {
  readonly url: string;
  stop(): Promise<void>;
}

export function hasMemcached(): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'memcached')));
}

export async function startMemcached(): Promise<TestMemcached> {
  const port = await freePort();
  // It ends with its standard input: the shell reads it, whatever becomes of this process.
  const child = spawn(
    'sh',
    ['-c', 'memcached "$@" & read line; kill $!', 'sh', '-l', '127.0.0.1', '-p', `${port}`, '-U', '0', '-u', 'root'],
    {
      stdio: ['pipe', 'inherit', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  await answering(port);
  return {
    url: `memcached://127.0.0.1:${port}`,
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

/** It says nothing when it is ready: the port tells. */
async function answering(port: number): Promise<void> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    if (Date.now() > deadline) throw new Error('memcached did not start.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
