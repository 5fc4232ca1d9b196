/**
 * What README and docs promise, cut out of the Markdown. Each fenced code block says in its info string how it is
 * proven; one that does not say fails the tests.
 *
 * | mark | the block is |
 * | --- | --- |
 * | `test` | top-level code of the page's test file |
 * | `body` | the inside of one test of the page's test file |
 * | `file=NAME` | a file of the page's project |
 * | `config` | a qa.config of its own: loaded, its connections checked |
 * | `run` | commands, run in the page's project; `exit=1` where they must fail |
 * | `output` | a part of what the `run` before it printed; `output=failing`: of the example's failing test |
 * | `stage` | SQL, run on the stand that the commands after it use |
 * | `stage-redis` | commands of Redis, run on the stand that the commands after it use |
 * | `first-day-jest`, `first-day-vitest` | commands of a newcomer's first day, run by test/first-day |
 * | `install`, `clone` | commands that the tests compare with the package's manifest |
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/consumer.ts';

export const PAGES = [
  'README.md',
  ...[
    'cli',
    'config',
    'matchers',
    'soft-and-tags',
    'state-and-reset',
    'logging',
    'servers',
    'services',
    'kafka',
    'redis',
    'aerospike',
    'cassandra',
    'kerberos',
    'vault',
    'codecs',
    'secrets',
    'errors',
    'adding-a-binding',
  ].map((name) => `docs/${name}.md`),
] as const;

const MARKS = [
  'test',
  'body',
  'file',
  'config',
  'run',
  'output',
  'stage',
  'stage-redis',
  'install',
  'clone',
  'first-day-jest',
  'first-day-vitest',
] as const;
type Mark = (typeof MARKS)[number];

export interface Block {
  /** `docs/matchers.md:12` */
  at: string;
  language: string;
  mark: Mark | undefined;
  /** What stands after `file=` or `output=`. */
  value: string;
  /** Exit code that a `run` must end with. */
  exit: number;
  text: string;
}

export function read(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

export function blocks(page: string): Block[] {
  const found: Block[] = [];
  let open: { info: string; line: number; text: string[] } | undefined;
  for (const [index, line] of read(page).split('\n').entries()) {
    if (!line.startsWith('```')) open?.text.push(line);
    else if (!open) open = { info: line.slice(3).trim(), line: index + 1, text: [] };
    else {
      found.push(block(`${page}:${open.line}`, open.info, `${open.text.join('\n')}\n`));
      open = undefined;
    }
  }
  return found;
}

function block(at: string, info: string, text: string): Block {
  const [language = '', ...words] = info.split(' ');
  const entries = words.map((word) => word.split('=', 2) as [string, string?]);
  const [name, value = ''] = entries.find(([key]) => (MARKS as readonly string[]).includes(key)) ?? [];
  const exit = Number(entries.find(([key]) => key === 'exit')?.[1] ?? 0);
  return { at, language, mark: name as Mark | undefined, value, exit, text };
}

/** The rows of the table whose first heading is `heading`, each a list of cells. */
export function table(page: string, heading: string): string[][] {
  const lines = read(page).split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  if (start === -1) throw new Error(`${page} has no table that begins with "${heading}"`);
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break;
    rows.push(
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  }
  return rows;
}
