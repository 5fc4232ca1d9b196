/** Schema files: read and parsed once a process, as long as they stay as they are. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { QaError } from '../../core/errors.ts';
import type { CodecSetup } from '../codec.ts';

/** The text of a schema file, and its absolute path. */
export function readSchema(
  path: string,
  by: string,
  { baseDir, connection }: CodecSetup,
): { file: string; text: string } {
  const file = resolve(baseDir, path);
  try {
    return { file, text: readFileSync(file, 'utf8') };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new QaError('QA_MESSAGE_SCHEMA', {
      what: `${by}: the schema file ${file} ${code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`}`,
      mend: `Correct the path; it starts from ${baseDir}`,
      connection,
      cause,
    });
  }
}

/** A schema that is JSON, from a file or as it is. */
export function readJsonSchema(
  source: string | object,
  by: string,
  setup: CodecSetup,
): { file: string | undefined; schema: unknown } {
  if (typeof source !== 'string') return { file: undefined, schema: source };
  const { file, text } = readSchema(source, by, setup);
  try {
    return { file, schema: JSON.parse(text) };
  } catch (cause) {
    throw invalidSchema(by, file, `it is no JSON: ${(cause as Error).message}`, setup, cause);
  }
}

export function invalidSchema(
  by: string,
  file: string | undefined,
  reason: string,
  { connection }: CodecSetup,
  cause?: unknown,
): QaError {
  return new QaError('QA_MESSAGE_SCHEMA', {
    what: `${by}: the schema${file ? ` ${file}` : ''} is wrong: ${reason}`,
    mend: file ? 'Correct the file' : 'Correct the schema',
    connection,
    cause,
  });
}

const parsed = new Map<string, { files: readonly string[]; stamp: string; value: unknown }>();

/**
 * `make()`, once as long as the files stay as they are.
 *
 * @param filesOf files that were read only on the way (imports); default: `files`
 */
export function once<T>(
  kind: string,
  files: readonly string[],
  make: () => T,
  filesOf: (value: T) => readonly string[] = () => files,
): T {
  const key = [kind, ...files].join('\0');
  const found = parsed.get(key);
  if (found && found.stamp === stampOf(found.files)) return found.value as T;
  const value = make();
  parsed.set(key, { files: filesOf(value), stamp: stampOf(filesOf(value)), value });
  return value;
}

function stampOf(files: readonly string[]): string {
  return files
    .map((file) => statSync(file, { throwIfNoEntry: false }))
    .map((stat) => (stat ? `${stat.mtimeMs}:${stat.size}` : 'none'))
    .join();
}
