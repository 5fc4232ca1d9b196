/**
 * One process of a service and all that it starts: a group of its own. A shell beside it watches the keeper's pipe and
 * ends the group when that closes, for whatever reason.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stream } from './output.ts';

export interface Launch {
  command: string | readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  onOutput(stream: Stream, bytes: Buffer): void;
}

export interface Exit {
  code: number | null;
  signal: string | null;
  /** It could not even be started. */
  error?: Error;
}

export interface Launched {
  readonly pid: number | undefined;
  /** Fulfilled when the process has ended and nothing of its group is left. Never rejects. */
  readonly exited: Promise<Exit>;
  /** To the whole group. */
  signal(signal: NodeJS.Signals): void;
  /**
   * Asks it to end; after `grace` ms it is killed. Rejects only for a group that does not end because all of it is
   * another user's, as what `sudo` starts: nobody could wait for its end.
   */
  stop(grace: number): Promise<Exit>;
}

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** When the keeper is gone the service has so many seconds to end by itself. */
const GUARD_GRACE = 2;

/**
 * The group's number comes first. It is told before the service may begin, so none is ever without its guard; the keeper
 * kills the guard as soon as the group is gone, so it never signals a number that is another group's by then.
 */
const GUARD = `
trap "" INT TERM HUP
read -r group || exit 0
read -r line
kill -s TERM -- "-$group"
kill -s CONT -- "-$group"
sleep ${GUARD_GRACE}
kill -s KILL -- "-$group"
`;

/** Begins when it is told to; the command then takes the place of this shell. */
const BEGIN = `read -r go <&3 || exit 1
exec 3<&-
exec "$@"`;

/** One command takes the shell's place. Of several the shell waits for the one that is running, also to its orderly end. */
function inShell(command: string): string[] {
  if (PLAIN.test(command)) return ['/bin/sh', '-c', `exec ${command}`];
  return ['/bin/sh', '-c', 'trap : TERM INT HUP QUIT; eval "$1"; exit $?', 'qa-service', command];
}

/** Words alone: nothing in them means anything to a shell. */
const PLAIN = /^\s*[\w./:@%+,-]+(\s+[\w./:@%+,=-]+)*\s*$/;

/** Something of a group may hold the streams though it left the group, ms. */
const LONGEST_CLOSING = 300;
/** Time for what a service has started to end when it was asked to and has ended itself, ms. */
const GROUP_GRACE = 1000;
const GROUP_PAUSE = 10;

export function launch({ command, cwd, env, onOutput }: Launch): Launched {
  const guard = spawn('/bin/sh', ['-c', GUARD], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], cwd: '/' });
  const words = typeof command === 'string' ? inShell(command) : command;
  const child = spawn('/bin/sh', ['-c', BEGIN, 'qa-service', ...words], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    cwd,
    env: { ...env },
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  const go = child.stdio[3] as Writable;
  go.on('error', () => undefined);
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]!.on('data', (bytes: Buffer) => onOutput(stream, bytes)).on('error', () => undefined);
  }
  const { pid } = child;
  if (pid !== undefined) {
    guard.stdin.write(`${pid}\n`, () => go.end('go\n'));
  }

  let patience = 0;
  const exited = ended(child).then(async (exit) => {
    // What it started ends with it; in an orderly way where it was asked to.
    while (pid !== undefined && performance.now() < patience && isThere(pid)) await sleep(GROUP_PAUSE);
    if (pid !== undefined) signalGroup(pid, 'SIGKILL');
    guard.kill('SIGKILL');
    await closed(child);
    return exit;
  });

  return {
    pid,
    exited,
    signal: (signal) => {
      if (pid !== undefined && !hasEnded(child)) signalGroup(pid, signal);
    },
    stop: async (grace) => {
      if (pid === undefined || hasEnded(child)) return exited;
      patience = performance.now() + Math.min(grace, GROUP_GRACE);
      signalGroup(pid, 'SIGTERM');
      // One that was stopped does not see it.
      signalGroup(pid, 'SIGCONT');
      const late = new AbortController();
      const isOver = sleep(grace, true, { signal: late.signal }).catch(() => false);
      void exited.then(() => late.abort());
      if ((await isOver) && !signalGroup(pid, 'SIGKILL') && isForeign(pid)) {
        throw new Error(`Process ${pid} may not be ended: it is another user's.`);
      }
      return exited;
    },
  };
}

function ended(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    // A shell tells in its own code by which signal a command ended.
    child.once('exit', (code, signal) => resolve({ code, signal: signal ?? SIGNALS.get((code ?? 0) - 128) ?? null }));
  });
}

/** All that it printed has been read. */
async function closed(child: ChildProcess): Promise<void> {
  const streams = [child.stdout, child.stderr] as Readable[];
  if (streams.every((stream) => stream.closed)) return;
  const late = new AbortController();
  await Promise.race([
    new Promise((resolve) => child.once('close', resolve)),
    sleep(LONGEST_CLOSING, undefined, { signal: late.signal }).catch(() => undefined),
  ]);
  late.abort();
  for (const stream of streams) stream.destroy();
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function isThere(group: number): boolean {
  return refusal(group, 0) === undefined;
}

/** It runs, but none of it may be signalled. */
function isForeign(group: number): boolean {
  return refusal(group, 0) === 'EPERM';
}

/** False when nothing of it is left, or nothing of it may be signalled. */
function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return refusal(group, signal) === undefined;
}

/** Why nothing of the group could be signalled: a throw in the keeper would end all other servers. */
function refusal(group: number, signal: NodeJS.Signals | 0): string | undefined {
  try {
    process.kill(-group, signal);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return code;
    throw error;
  }
}
