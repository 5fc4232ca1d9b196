/**
 * Whether QA_TAGS selected any test of the whole run. Each worker leaves a mark in a folder that the main process
 * named; the main process looks when it ends.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const VARIABLE = 'QA_SELECTION_FOLDER';
const marked = new Set<string>();

/** A file was run in this worker. */
export function markRan(): void {
  mark('ran');
}

/** A test of this worker was selected. */
export function markSelected(): void {
  mark('selected');
}

/** Called by the main process: makes a run that selects nothing fail. */
export function watchSelection(folder: string): void {
  if (!process.env.QA_TAGS?.trim()) return;
  process.env[VARIABLE] = folder;
  process.on('exit', () => {
    const isEmpty = existsSync(join(folder, 'ran')) && !existsSync(join(folder, 'selected'));
    rmSync(folder, { recursive: true, force: true });
    if (!isEmpty) return;
    process.stderr.write(`[qa] QA_TAGS='${process.env.QA_TAGS}' selected no test of this run.\n`);
    process.exitCode ||= 1;
  });
}

function mark(what: 'ran' | 'selected'): void {
  const folder = process.env[VARIABLE];
  if (!folder || marked.has(what)) return;
  marked.add(what);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, what), '');
}
