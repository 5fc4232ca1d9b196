/** Where lines are written to: stderr with QA_LOG, the file of the config. Each line goes out whole, at once. */
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import type pino from 'pino';
import { QaError } from '../../bindings/core/errors.ts';
import { LEVELS, type LogLevel } from '../../bindings/core/log.ts';
import { notice } from '../notice.ts';
import { tell } from './format.ts';
import { NOTHING } from './levels.ts';
import type { Line } from './line.ts';
import { isTerminal, paint } from './terminal.ts';

/** `log` of the config. */
export interface LogOptions {
  /** A file that gets all lines as NDJSON, one a line; relative to the config. Workers and later runs append to it. */
  file?: string;
  /** The lowest level that goes to the file. Default: `'debug'`. */
  level?: LogLevel | 'silent';
}

export interface Outlet {
  readonly threshold: number;
  write(line: Line, text: string): void;
}

/** Its own loading costs as much as many a test: only who needs it pays. */
export function loadPino(): typeof pino {
  return createRequire(import.meta.url)('pino') as typeof pino;
}

/** @throws QaError QA_CONFIG when the file cannot be written */
export function fileOutlet({ file, level = 'debug' }: LogOptions, baseDir: string): Outlet | undefined {
  if (file === undefined || level === 'silent') return undefined;
  const path = resolve(baseDir, file);
  try {
    appendFileSync(path, '');
  } catch (cause) {
    throw new QaError('QA_CONFIG', {
      what: `The log \`${file}\` (${path}) cannot be written: ${reason(cause)}`,
      mend: `Make the folder ${dirname(path)} one that can be written to, or correct \`log.file\` in qa.config`,
      cause,
    });
  }
  return {
    threshold: LEVELS[level],
    // Many processes append to it, each line in one call; none is held back, so none is lost at a crash, and a file that
    // was moved away is made anew.
    write(_, text) {
      try {
        appendFileSync(path, text);
      } catch (error) {
        // A full disk must not fail the tests.
        notice(`the log \`${file}\` cannot be written any more: ${reason(error)}`);
      }
    },
  };
}

/** One a process: it waits where the other end of the pipe is slow. */
let stderr: pino.DestinationStream | undefined;

/** @param threshold from QA_LOG */
export function streamOutlet(threshold: number, redact: (text: string) => string): Outlet | undefined {
  if (threshold === NOTHING) return undefined;
  stderr ??= loadPino().destination({ dest: 2, sync: true });
  const destination = stderr;
  const isPretty = isTerminal();
  return {
    threshold,
    write: (line, text) => destination.write(isPretty ? paint(tell(line, redact), text) : text),
  };
}

function reason(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return 'its folder does not exist';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'this user may not write there';
    case 'ENOTDIR':
      return 'a part of its path is no folder';
    case 'EISDIR':
      return 'it is a folder';
    default:
      return message;
  }
}
