/**
 * What is logged in one test file: kept for the failure of the test whose it is, and written to where the user asks
 * for it. Where nobody asks, a line is an object in a ring, and becomes text when its test fails.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from 'pino';
import { LEVELS, type Log, type LogLevel } from '../../bindings/core/log.ts';
import { type Operation, type TracedRun, trace } from '../../bindings/core/trace.ts';
import type { Evidence } from '../witness.ts';
import { levelName, thresholds } from './levels.ts';
import { type Line, type Progress, timeNow } from './line.ts';
import { makeLogger } from './logger.ts';
import { fileOutlet, type LogOptions, type Outlet, streamOutlet } from './outlets.ts';
import { logEvidence } from './report.ts';
import { Ring } from './ring.ts';

export interface JournalOptions {
  /** In every line. */
  base: { readonly run: string; readonly worker: string; readonly file: string };
  baseDir: string;
  /** `log` of the config. */
  log: LogOptions | undefined;
  redact(text: string): string;
  /** The function in whose context the caller runs, also after its end. */
  current(): Active | undefined;
  /** The step in which the caller runs. */
  step?(): string | undefined;
}

/** A test's or a hook's function. */
export interface Active {
  readonly kind: 'test' | 'hook';
  readonly name: string;
  readonly isSettled: boolean;
  readonly state: Owner;
}

/** Whose a line is: one attempt of a test, a describe, the file; found from the inside out. */
export interface Owner {
  readonly parent: Owner | undefined;
}

/** A line that is longer is kept by its message alone, characters. */
const LONGEST_KEPT = 20_000;

interface Kept {
  readonly ring: Ring;
  /** Of a test. */
  readonly name: string | undefined;
  readonly began: number;
}

export class Journal {
  /** Of the file that runs in this process now. */
  static live: Journal | undefined;
  readonly #options: JournalOptions;
  readonly #outlets: readonly Outlet[];
  readonly #ringFrom: number;
  /** Lines below it are nobody's business. */
  readonly #threshold: number;
  readonly #kept = new WeakMap<Owner, Kept>();
  /** Of no test and no hook: what the connections tell by themselves. */
  readonly #background = new Ring();
  /** Inside of a wait: its looks are parts of it. */
  readonly #inside = new AsyncLocalStorage<true>();
  readonly #loggers = new Map<string | undefined, Logger>();
  #own: Logger | undefined;

  /** @throws QaError QA_CONFIG for a wrong QA_LOG, or a file that cannot be written */
  constructor(options: JournalOptions) {
    this.#options = options;
    const { stream, ring } = thresholds(process.env.QA_LOG);
    const outlets = [fileOutlet(options.log ?? {}, options.baseDir), streamOutlet(stream, options.redact)];
    this.#outlets = outlets.filter((outlet) => outlet !== undefined);
    this.#ringFrom = ring;
    this.#threshold = Math.min(ring, ...this.#outlets.map(({ threshold }) => threshold));
    Journal.live = this;
  }

  /** `qa.log` */
  get logger(): Logger {
    this.#own ??= this.#make((text, level) => {
      const line = lineOf({ level, text });
      this.#keep(text.length > LONGEST_KEPT ? shortened(line) : line, true);
      this.#write(line, text);
    });
    return this.#own;
  }

  /** An attempt of a test begins: what it logs is kept under `owner`. */
  begin(owner: Owner, name: string): void {
    this.#kept.set(owner, { ring: new Ring(), name, began: timeNow() });
  }

  /** What is known of a test or a describe. */
  about(owner: Owner): Evidence | undefined {
    const rings: Ring[] = [];
    for (let at: Owner | undefined = owner; at; at = at.parent) {
      const kept = this.#kept.get(at);
      if (kept) rings.unshift(kept.ring);
    }
    const { began } = this.#keptOf(owner);
    return logEvidence(rings, { began, background: this.#background, redact: this.#options.redact });
  }

  /** A line of a connection. */
  note(name: LogLevel, connection: string, fields: object | undefined, message: string): void {
    const level = LEVELS[name];
    if (level < this.#threshold) return;
    this.#keep(lineOf({ level, connection, message, fields: fields as Line['fields'] }), false);
    if (this.#outlets.length > 0) this.#loggerOf(connection)[name](fields ?? {}, message);
  }

  /**
   * Publishes an operation, which is one line.
   *
   * @param isWhole operations inside of it are parts of it, and lines at trace
   */
  operation<T>(
    operation: Operation,
    run: TracedRun<T>,
    { isWhole = false, level = 'debug' }: { isWhole?: boolean; level?: 'debug' | 'trace' | undefined } = {},
  ): Promise<T> {
    const end = this.open(operation, level);
    if (end === undefined) return trace(operation, run);
    return (isWhole ? this.#inside.run(true, trace<T>, operation, run) : trace(operation, run)).then(
      (result) => {
        end();
        return result;
      },
      (error) => {
        end(error);
        throw error;
      },
    );
  }

  /** Begins the line of an operation; undefined where it is nobody's business. What is returned ends it. */
  open(operation: Operation, level: 'info' | 'debug' | 'trace'): ((error?: unknown) => void) | undefined {
    if (this.#threshold > LEVELS[level]) return undefined;
    const at = level === 'debug' && this.#inside.getStore() ? LEVELS.trace : LEVELS[level];
    if (this.#threshold > at) return undefined;
    const progress: Progress = { took: undefined, error: undefined };
    const { connection, operation: message, attributes: fields } = operation;
    const line: Line = {
      time: timeNow(),
      level: at,
      connection,
      message,
      fields,
      text: undefined,
      operation: progress,
    };
    this.#keep(line, true);
    return (error) => {
      progress.took = timeNow() - line.time;
      progress.error = error;
      if (this.#outlets.length > 0) this.#writeOperation(line, progress);
    };
  }

  /** @param isTests whether the test's code has logged it, and not a connection whose sockets some test had opened */
  #keep(line: Line, isTests: boolean): void {
    if (line.level < this.#ringFrom) return;
    const active = this.#options.current();
    const isNobodys = active === undefined || (active.isSettled && !isTests);
    (isNobodys ? this.#background : this.#keptOf(active.state).ring).add(line);
  }

  #keptOf(owner: Owner): Kept {
    let kept = this.#kept.get(owner);
    if (!kept) {
      kept = { ring: new Ring(), name: undefined, began: timeNow() };
      this.#kept.set(owner, kept);
    }
    return kept;
  }

  #writeOperation({ level, connection, message, fields }: Line, { took, error }: Progress): void {
    const call = fields?.call;
    this.#loggerOf(connection)[levelName(level)](
      {
        operation: message,
        took: Math.round((took ?? 0) * 1000) / 1000,
        ...fields,
        ...(error !== undefined && { err: error }),
      },
      typeof call === 'string' ? call : message,
    );
  }

  #loggerOf(connection: string | undefined): Logger {
    let logger = this.#loggers.get(connection);
    if (!logger) {
      const all = this.#make((text, level) => this.#write(lineOf({ level, text }), text));
      logger = connection === undefined ? all : all.child({ connection });
      this.#loggers.set(connection, logger);
    }
    return logger;
  }

  #make(take: (text: string, level: number) => void): Logger {
    return makeLogger({ threshold: this.#threshold, base: this.#options.base, place: () => this.#place(), take });
  }

  #place(): Record<string, string> {
    const active = this.#options.current();
    if (active === undefined) return {};
    const test = this.#kept.get(active.state)?.name;
    const step = this.#options.step?.();
    return {
      ...(test !== undefined && { test }),
      ...(active.kind === 'hook' && { hook: active.name }),
      ...(step !== undefined && { step }),
    };
  }

  #write(line: Line, text: string): void {
    if (this.#outlets.length === 0) return;
    const hidden = redactJson(text, line, this.#options.redact);
    for (const outlet of this.#outlets)
      if (line.level >= outlet.threshold) outlet.write({ ...line, text: hidden }, hidden);
  }
}

/** `scope.log` of a connection. @param journal is asked for each line: a connection may outlive the file that opened it */
export function logOf(connection: string, journal: () => Journal): Log {
  const methods = (Object.keys(LEVELS) as LogLevel[]).map((level) => [
    level,
    (first: object | string, second = '') =>
      typeof first === 'string'
        ? journal().note(level, connection, undefined, first)
        : journal().note(level, connection, first, second),
  ]);
  return Object.fromEntries(methods) as Log;
}

function lineOf({
  level,
  connection,
  message = '',
  fields,
  text,
}: Pick<Line, 'level'> & Partial<Pick<Line, 'connection' | 'message' | 'fields' | 'text'>>): Line {
  return { time: timeNow(), level, connection, message, fields, text, operation: undefined };
}

function shortened({ level, text = '' }: Line): Line {
  const { msg = '' } = JSON.parse(text) as { msg?: unknown };
  return lineOf({ level, message: `${String(msg).slice(0, LONGEST_KEPT)} (${text.length} characters)`.trim() });
}

/** It stays JSON, also where a secret was a number. */
function redactJson(text: string, { level, time }: Line, redact: (text: string) => string): string {
  const hidden = redact(text);
  if (hidden === text) return text;
  try {
    JSON.parse(hidden);
    return hidden;
  } catch {
    return `${JSON.stringify({ level, time: Math.round(time), msg: hidden.trim() })}\n`;
  }
}
