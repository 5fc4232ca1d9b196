/** One line to the user, once a run: workers of one run share what has been said through the environment's folder. */
import { writeSync } from 'node:fs';

const said = new Set<string>();

/** Prints `line` on stderr, once. */
export function notice(line: string): void {
  if (said.has(line)) return;
  said.add(line);
  writeSync(2, `[qa] ${line}\n`);
}
