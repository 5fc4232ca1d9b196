/** The schema of a throwaway server: reads what the config names, and applies it. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Schema } from '../../bindings/core/server.ts';
import { nearest } from '../../bindings/core/suggest.ts';
import { Failed } from '../protocol.ts';
import type { PgClient, PgError } from './pg.ts';
import { statements } from './statements.ts';

export interface LoadedSchema {
  /** Changes when the schema does. */
  hash: string;
  files: SqlFile[];
  run: ((address: { url: string }) => unknown) | undefined;
}

interface SqlFile {
  /** As a user would write it. */
  name: string;
  text: string;
}

/** Throws Failed QA_SCHEMA_FAILED for what is not there. Nothing configured: nothing loaded. */
export async function loadSchema(schema: Schema | undefined, baseDir: string): Promise<LoadedSchema | undefined> {
  if (schema === undefined) return undefined;
  if (typeof schema === 'function') return { hash: digest(String(schema)), files: [], run: schema };
  const files: SqlFile[] = [];
  for (const path of typeof schema === 'string' ? [schema] : schema) {
    for (const file of await filesOf(resolve(baseDir, path), path)) {
      files.push({ name: relative(baseDir, file), text: stripBom(await readFile(file, 'utf8')) });
    }
  }
  return { hash: digest(JSON.stringify(files)), files, run: undefined };
}

/** Throws Failed QA_SCHEMA_FAILED with file, line and column. */
export async function applyFile(client: PgClient, { name, text }: SqlFile): Promise<void> {
  for (const statement of statements(withoutPsqlMarks(name, text))) {
    try {
      await client.query(statement.text);
    } catch (error) {
      throw refused(name, text, statement.text, statement.offset, error as PgError);
    }
  }
}

async function filesOf(path: string, written: string): Promise<string[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (found === undefined) throw await missing(path, written);
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.toLowerCase().endsWith('.sql')).sort(byName);
  if (names.length > 0) return names.map((name) => join(path, name));
  throw new Failed({
    code: 'QA_SCHEMA_FAILED',
    what: `The folder \`${written}\` of \`schema\` holds no .sql file: ${path}`,
    mend: 'Name the folder of the migrations; those written in a language other than SQL are run by a function: `schema: async ({ url }) => …`',
  });
}

async function missing(path: string, written: string): Promise<Failed> {
  const folder = dirname(path);
  const beside = await readdir(folder).catch(() => undefined);
  const near = beside && nearest(basename(path), beside);
  return new Failed({
    code: 'QA_SCHEMA_FAILED',
    what: `\`schema\` names a file that does not exist: ${path}`,
    mend: near
      ? `Did you mean \`${written.slice(0, written.length - basename(path).length)}${near}\`?`
      : beside
        ? 'Relative paths start from the folder of qa.config'
        : `There is no folder ${folder}; relative paths start from the folder of qa.config`,
  });
}

/** As people number migrations: 2_b.sql before 10_a.sql. */
function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** pg_dump frames its text in \restrict and \unrestrict, which protect psql alone; other such lines cannot be run. */
function withoutPsqlMarks(name: string, text: string): string {
  const blanked = text.replace(/^\\(?:un)?restrict\b.*$/gm, (line) => ' '.repeat(line.length));
  for (const { text: statement, offset } of statements(blanked)) {
    const copies = /^copy\b[^;]*\bfrom\s+stdin\b/i.test(statement);
    if (!copies && !statement.startsWith('\\')) continue;
    throw new Failed({
      code: 'QA_SCHEMA_FAILED',
      what: `${place(text, offset)(name, copies ? 'rows for COPY cannot be read from the file itself' : 'this is a command of psql, not SQL')}\n`,
      mend: copies
        ? 'Dump with `pg_dump --inserts`, which writes INSERT statements'
        : 'Remove the line, or run the file with psql from a function: `schema: async ({ url }) => …`',
    });
  }
  return blanked;
}

function refused(name: string, text: string, statement: string, offset: number, error: PgError): Failed {
  // The server counts characters, JavaScript UTF-16 units.
  const before = Array.from(statement).slice(0, Math.max(Number(error.position ?? 1) - 1, 0));
  const at = offset + before.join('').length;
  const details = [error.detail && `Detail: ${error.detail}`, error.hint && `Hint: ${error.hint}`].filter(Boolean);
  return new Failed(
    {
      code: 'QA_SCHEMA_FAILED',
      what: `${place(text, at)(name, error.message)}\n${details.map((line) => `    ${line}\n`).join('')}`,
      mend: 'Mend the file: its statements run one by one, as psql runs them',
    },
    error,
  );
}

/** `file:line:column: message` over the line, with a mark under the column. */
function place(text: string, at: number): (name: string, message: string) => string {
  const lines = text.slice(0, at).split('\n');
  const line = text.split('\n')[lines.length - 1]!.replace(/\r$/, '');
  const column = lines.at(-1)!.length;
  const gutter = `    ${lines.length} | `;
  // Long lines (dumps) are shown around the place.
  const from = Math.max(0, column - 80);
  const shown = line.slice(from, from + 120);
  return (name, message) =>
    `${name}:${lines.length}:${column + 1}: ${message}\n${gutter}${shown}\n${' '.repeat(gutter.length - 2)}| ${shown.slice(0, column - from).replace(/\S/g, ' ')}^`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function stripBom(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
