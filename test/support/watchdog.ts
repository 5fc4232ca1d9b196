/** Ends servers of tests with the process that started them. */
import { spawn } from 'node:child_process';

export interface Watchdog {
  /** The server has ended. */
  done(): void;
}

/** Kills the server and removes its data when this process ends in whatever way: its end of the pipe closes. */
export function watchOver(pid: number | undefined, folder: string): Watchdog {
  const watchdog = spawn(
    'sh',
    [
      '-c',
      'trap "" INT TERM HUP; read line; [ "$line" = done ] || { kill -9 "$0"; sleep 1; rm -rf "$1"; }',
      `${pid}`,
      folder,
    ],
    { stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  );
  watchdog.unref();
  return { done: () => void watchdog.stdin.end('done\n') };
}
