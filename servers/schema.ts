/** The schema of a throwaway server: reads what the config names, and shows where it is wrong. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Schema } from '../bindings/core/server.ts';
import { nearest } from '../bindings/core/suggest.ts';
import { Failed } from './protocol.ts';

export interface LoadedSchema {
  /** Changes when the schema does. */
  hash: string;
  files: SchemaFile[];
  run: ((address: { url: string }) => unknown) | undefined;
}

export interface SchemaFile {
  /** As a user would write it. */
  name: string;
  text: string;
}

export interface Language {
  /** In texts: `SQL`. */
  name: string;
  /** Of its files: `.sql`. */
  extension: string;
}

/** Throws Failed QA_SCHEMA_FAILED for what is not there. Nothing configured: nothing loaded. */
export async function loadSchema(
  schema: Schema | undefined,
  baseDir: string,
  language: Language,
): Promise<LoadedSchema | undefined> {
  if (schema === undefined) return undefined;
  if (typeof schema === 'function') return { hash: digest(String(schema)), files: [], run: schema };
  const files: SchemaFile[] = [];
  for (const path of typeof schema === 'string' ? [schema] : schema) {
    for (const file of await filesOf(resolve(baseDir, path), path, language)) {
      files.push({ name: relative(baseDir, file), text: stripBom(await readFile(file, 'utf8')) });
    }
  }
  return { hash: digest(JSON.stringify(files)), files, run: undefined };
}

/** Runs `schema` where it is a function. Throws Failed QA_SCHEMA_FAILED. */
export async function runSchema(
  run: (address: { url: string }) => unknown,
  url: string,
  target: string,
): Promise<void> {
  try {
    await run({ url });
  } catch (error) {
    throw new Failed(
      {
        code: 'QA_SCHEMA_FAILED',
        what: `The function \`schema\` threw: ${error instanceof Error ? error.message : String(error)}`,
        mend: `Mend the function; it got the address of an empty ${target} as \`{ url }\``,
      },
      error,
    );
  }
}

/** `file:line:column: message` over the line, with a mark under the column. */
export function place(text: string, at: number): (name: string, message: string) => string {
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

async function filesOf(path: string, written: string, { name, extension }: Language): Promise<string[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (found === undefined) throw await missing(path, written);
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((file) => file.toLowerCase().endsWith(extension)).sort(byName);
  if (names.length > 0) return names.map((file) => join(path, file));
  throw new Failed({
    code: 'QA_SCHEMA_FAILED',
    what: `The folder \`${written}\` of \`schema\` holds no ${extension} file: ${path}`,
    mend: `Name the folder of the migrations; those written in a language other than ${name} are run by a function: \`schema: async ({ url }) => …\``,
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

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function stripBom(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
