/**
 * What makes the processes of one run one: an id, and a socket of the main process where a worker asks for the
 * keeper. Both reach workers through the environment variables that they inherit.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMain } from './main.ts';
import { address } from './run-folder.ts';
import { sweep } from './sweep.ts';

export interface Run {
  /** Letters and digits, 8 of them. */
  readonly id: string;
  /** Address of the main process's socket. */
  readonly socket: string;
  /** The main process. */
  readonly pid: number;
}

const RUN: unique symbol = Symbol.for('@qa/jest-preset/run') as never;
type Holder = { [RUN]?: Run };
/** A unix socket's address has at most 104 bytes on macOS, 108 on Linux. */
const LONGEST_FOLDER = 90;
const ID_LENGTH = 8;

/**
 * Begins a run in this process, the main one of a runner. Idempotent: a process has one run, also in watch mode.
 * It opens one unreferenced socket; nothing is started before somebody asks. A run that was inherited from
 * the environment (a runner started inside a test of another run) is left behind.
 */
export function beginRun(): Run {
  const holder = globalThis as Holder;
  holder[RUN] ??= begin();
  return holder[RUN];
}

/**
 * The run of this process: the one it began, else the one of the runner that started it, else a new one of its own.
 *
 * Only a child or a thread of the main process belongs to its run. What those start in turn (a service under test, a
 * runner inside a test) inherits the variables but is no worker.
 */
export function currentRun(): Run {
  // Remembered, for a worker that has lost its parent has not changed its run.
  adopted ??= inherited();
  return (globalThis as Holder)[RUN] ?? adopted ?? beginRun();
}

let adopted: Run | undefined;

/** Whether this process is the main one of its run. */
export function isMain(): boolean {
  return (globalThis as Holder)[RUN] !== undefined;
}

function inherited(): Run | undefined {
  const { QA_RUN_ID: id, QA_RUN_SOCKET: socket, QA_RUN_PID } = process.env;
  const pid = Number(QA_RUN_PID);
  if (!id || !socket || (pid !== process.pid && pid !== process.ppid)) return undefined;
  return { id, socket, pid };
}

function begin(): Run {
  const id = newId();
  const temporary = tmpdir();
  const folder = mkdtempSync(join(temporary.length > LONGEST_FOLDER ? '/tmp' : temporary, 'qa-run-'));
  const run: Run = { id, pid: process.pid, socket: address(folder, 'main') };
  openMain(run.socket, folder);
  sweep(folder);
  process.env.QA_RUN_ID = run.id;
  process.env.QA_RUN_SOCKET = run.socket;
  process.env.QA_RUN_PID = String(run.pid);
  return run;
}

/** Begins with a letter, so that it may begin a name in any system. */
function newId(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const bytes = crypto.getRandomValues(new Uint8Array(ID_LENGTH));
  return Array.from(bytes, (byte, index) => `${letters}0123456789`[byte % (index === 0 ? 26 : 36)]).join('');
}
