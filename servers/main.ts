/**
 * The main process's part: it listens, and starts one keeper when first asked. The keeper lives as long as the pipe
 * that the main process holds, so it ends whatever ends the main process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { companionEnv, companionFile } from '../bindings/core/companion.ts';
import { type Failure, type MainReply, receive, send } from './protocol.ts';

interface Keeper {
  process: ChildProcess;
  socket: Promise<string>;
}

/** Listens at `socket` without keeping the process alive. */
export function openMain(socket: string, folder: string): void {
  let keeper: Keeper | undefined;

  const server = createServer((client) => {
    client.unref();
    // A worker that is killed resets its socket: nothing is lost with it.
    client.on('error', () => client.destroy());
    receive(client, () => {
      try {
        if (keeper === undefined || hasEnded(keeper.process)) keeper = startKeeper(folder);
      } catch (error) {
        // This is the runner's own process: it must not fall over.
        send(client, { failure: startFailure(error as Error) } satisfies MainReply);
        return;
      }
      void answer(client, keeper);
    });
  });
  server.unref();
  server.listen(socket);
  process.once('exit', () => {
    if (keeper === undefined || hasEnded(keeper.process)) rmSync(folder, { recursive: true, force: true });
  });
}

async function answer(client: Socket, keeper: Keeper): Promise<void> {
  const reply: MainReply = await keeper.socket.then(
    (socket) => ({ keeper: socket }),
    (error: Error) => ({ failure: startFailure(error) }),
  );
  send(client, reply);
}

function startKeeper(folder: string): Keeper {
  const file = companionFile('keeper.mjs', './keeper/main.ts', import.meta.url);
  const child = spawn(process.execPath, [file, folder], {
    // A session of its own: Ctrl-C ends the main process first. No stream of the main process's own is handed on,
    // so that nobody who reads them waits for servers that outlive the run.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: process.platform === 'win32' ? folder : '/',
    env: companionEnv(),
  });
  const socket = new Promise<string>((resolve, reject) => {
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-4000);
    });
    receive(child.stdout as Socket, ({ socket }: { socket: string }) => resolve(socket));
    child.once('error', reject);
    child.once('close', (code, signal) => reject(new Error(`The keeper ended (${signal ?? code}). ${errors}`.trim())));
  });
  // It is also reported to those who ask; nobody may be there yet.
  socket.catch(() => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Socket).unref();
  return { process: child, socket };
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

function startFailure(error: Error): Failure {
  return {
    code: 'QA_SERVER_START',
    what: `The process that keeps throwaway servers could not be started: ${error.message}`,
    mend: 'See whether this machine lets Node start child processes',
  };
}
