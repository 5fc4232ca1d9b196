/** QA_KEEP=1: after a failure the run's servers and data stay, to be looked at. */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { currentRun, keep } from '../servers/index.ts';
import { notice } from './notice.ts';

/** Whether the user asked for it. */
export function keeps(): boolean {
  return process.env.QA_KEEP === '1';
}

/** Whether a test of this run, in any worker, has failed and its data is kept. */
export function isRunKept(): boolean {
  return existsSync(flag());
}

/** Keeps the servers and says where they are and how to stop them. */
export async function keepRun(): Promise<void> {
  writeFileSync(flag(), '');
  const { addresses, stop } = await keep();
  if (addresses.length === 0) return;
  notice(
    `kept for an hour at most:\n${addresses.map((address) => `       ${address}`).join('\n')}\n     stop with: ${stop}`,
  );
}

function flag(): string {
  return join(dirname(currentRun().socket), 'kept');
}
