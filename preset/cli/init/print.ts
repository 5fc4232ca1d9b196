/** What `qa init` has done, and what comes next. */
import type { Terminal } from '../terminal.ts';
import type { Advice } from './advice.ts';

export interface Done {
  readonly files: { path: string; did: 'written' | 'changed' | 'kept' | 'installed'; about: string }[];
  readonly advice: Advice[];
  /** What was seen and could not be used. */
  readonly left: string[];
  /** Commands. */
  readonly next: string[];
  readonly dryRun: boolean;
}

export function printDone({ files, advice, left, next, dryRun }: Done, { paint }: Terminal): string {
  const lines: string[] = [];
  const width = Math.max(...files.map(({ path }) => path.length), 0);
  for (const { path, did, about } of files) {
    const sign = did === 'kept' ? paint.dim('·') : paint.green('✔');
    const would = dryRun && did !== 'kept' ? 'would be ' : '';
    lines.push(`${sign} ${path.padEnd(width)}  ${would}${did}${about && `: ${about}`}`);
  }
  for (const line of left) lines.push(`${paint.yellow('!')} ${line}`);
  for (const { path, what, lines: code } of advice) {
    lines.push(`${paint.yellow('!')} ${paint.bold(path)}: ${what}`, ...code.map((line) => `      ${line}`));
  }
  const isIdle = files.length > 0 && files.every(({ did }) => did === 'kept');
  if (isIdle) lines.push('', advice.length > 0 ? 'Nothing was changed.' : 'Nothing to do: all is there.');
  if (next.length > 0) lines.push('', paint.bold('Next'), ...next.map((command) => `  ${command}`));
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
