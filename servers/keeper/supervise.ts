/**
 * Runs a server under a shell that outlives the keeper: when the keeper's pipe closes, for whatever reason, it ends the
 * server and removes its folder.
 */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface Supervise {
  command: string;
  args: readonly string[];
  /** Belongs to the server alone; removed when it ends. */
  folder: string;
  /** Signals that ask it to end, in this order; two seconds later it is killed. */
  signals: readonly string[];
  env: NodeJS.ProcessEnv;
  uid?: number | undefined;
  gid?: number | undefined;
}

export interface Supervised {
  /** Fulfilled with the server's exit code when it has ended and its folder is gone. Never rejects. */
  readonly exited: Promise<number | null>;
  /** The server's process id. Rejects when it could not be started. */
  readonly pid: Promise<number>;
  /** Gone once it has ended. */
  readonly folder: string;
  /** The last lines it wrote. */
  lastLines(): string[];
  /** Fulfilled with the first line that `isWanted` accepts; rejects when the server ends before. */
  line(isWanted: (line: string) => boolean): Promise<string>;
  stop(): Promise<void>;
}

/**
 * $1 is the folder, $2 the signals, the rest the server's command. The server must not inherit the ignored signals;
 * its id goes to descriptor 3. The guard waits on the keeper's pipe and is killed as soon as the server has ended, so
 * that it never signals an id that is another process's by then.
 */
const SCRIPT = `
trap "" INT TERM HUP
folder=$1 signals=$2; shift 2
remove() { rm -rf -- "$folder" || { sleep 1; rm -rf -- "$folder"; }; }
exec 4<&0 0</dev/null
(trap - INT TERM HUP; exec "$@" 3>&- 4<&-) &
server=$!
(
  read -r line <&4
  for signal in $signals; do kill -"$signal" "$server"; done
  sleep 2 4<&-
  kill -KILL "$server"
  remove
) 3>&- >/dev/null 2>&1 &
guard=$!
echo "$server" >&3
exec 3>&- 4<&-
wait "$server"
code=$?
kill -KILL "$guard"
remove
exit $code
`;

const REMEMBERED_LINES = 60;

export function supervise({ command, args, folder, signals, env, uid, gid }: Supervise): Supervised {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'qa-server', folder, signals.join(' '), command, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    cwd: '/',
    env,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  const lines: string[] = [];
  const listeners = new Set<(line: string) => void>();
  for (const stream of [shell.stdout!, shell.stderr!]) {
    eachLine(stream, (line) => {
      lines.push(line);
      if (lines.length > REMEMBERED_LINES) lines.shift();
      for (const listener of listeners) listener(line);
    });
  }
  shell.stdin!.on('error', () => undefined);

  const exited = new Promise<number | null>((resolve) => {
    shell.once('error', (error) => {
      lines.push(error.message);
      resolve(null);
    });
    shell.once('close', (code) => resolve(code));
  });
  const pid = new Promise<number>((resolve, reject) => {
    eachLine(shell.stdio[3] as Readable, (line) => resolve(Number(line)));
    void exited.then(() => reject(new Error('It ended at once.')));
  });
  pid.catch(() => undefined);

  return {
    folder,
    exited,
    pid,
    lastLines: () => [...lines],
    line: (isWanted) =>
      new Promise((resolve, reject) => {
        const listener = (line: string) => {
          if (!isWanted(line)) return;
          listeners.delete(listener);
          resolve(line);
        };
        listeners.add(listener);
        void exited.then((code) => reject(new Error(`It ended with code ${code}.`)));
      }),
    stop: async () => {
      shell.stdin!.destroy();
      await exited;
    },
  };
}

function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
  });
}
