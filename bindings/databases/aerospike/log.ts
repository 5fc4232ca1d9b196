/**
 * What the C client writes. It can only write to a file: one that has no name, for the whole process; what is in it is
 * told line by line in the connection's log.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type aerospike from 'aerospike';

let file: number | undefined;

/** So much is read at a time; a client that writes more has said the same many times. */
const ENOUGH = 64 * 1024;

/** Keeps what the client writes from stderr. Once a process; a test may set another logging itself. */
export function captureLog(driver: typeof aerospike): void {
  if (file !== undefined) return;
  try {
    const folder = mkdtempSync(join(tmpdir(), 'qa-aerospike-'));
    file = openSync(join(folder, 'log'), 'a+');
    rmSync(folder, { recursive: true });
  } catch {
    // Where no such file can be made (Windows keeps it open) its lines stay on stderr.
    if (file !== undefined) closeSync(file);
    file = undefined;
    return;
  }
  driver.setDefaultLogging({ level: driver.log.WARN, file });
}

/** Takes what was written since the last time: `as_node.c: … refresh failed …`. */
export function takeLog(): string[] {
  if (file === undefined) return [];
  const buffer = Buffer.alloc(ENOUGH);
  const length = readSync(file, buffer, 0, ENOUGH, 0);
  if (length === 0) return [];
  ftruncateSync(file, 0);
  return buffer.toString('utf8', 0, length).split('\n').flatMap(worthTelling);
}

/** `Nov 24 2026 11:54:59 GMT: WARN (20374) [as_cluster.c:414] [as_cluster_seed_node] - Failed to connect …` */
const LINE = /^.*?: (WARN|ERROR)\s*\(\d+\) \[([^:\]]+):\d+\] \[(\w+)\] - (.*)$/;

function worthTelling(line: string): string[] {
  const [, level, source, , text] = LINE.exec(line) ?? [];
  // What a command failed with its promise says too, and what a seed said, the error of opening.
  if (text === undefined || source === 'command.cc' || /connect to seed/.test(text)) return [];
  // Without the number of its own port, which says nothing to anybody.
  return [`Aerospike's client: ${level === 'ERROR' ? 'error: ' : ''}${text.replace(/, \d+$/, '')}`];
}
