/** One line to the user, once a run: what has been said is marked in the run's folder, which all its workers see. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { currentRun } from '../servers/index.ts';

const said = new Set<string>();

/** Prints `line` on stderr, once. */
export function notice(line: string): void {
  if (said.has(line)) return;
  said.add(line);
  if (isFirstOfRun(line)) writeSync(2, `[qa] ${line}\n`);
}

function isFirstOfRun(line: string): boolean {
  const name = `said-${createHash('sha256').update(line).digest('hex').slice(0, 16)}`;
  try {
    closeSync(openSync(join(dirname(currentRun().socket), name), 'wx'));
    return true;
  } catch (error) {
    // Where there is no folder (a pipe on Windows, the run has just ended) each process says it.
    return (error as NodeJS.ErrnoException).code !== 'EEXIST';
  }
}
