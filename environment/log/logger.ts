/** Loggers of pino's whose lines go through the journal. */
import { types } from 'node:util';
import type { Logger } from 'pino';
import { LEVELS } from '../../bindings/core/log.ts';
import { levelName, NOTHING } from './levels.ts';
import { timeNow } from './line.ts';
import { loadPino } from './outlets.ts';

export interface LoggerOptions {
  /** Lines below it are not written at all. */
  threshold: number;
  /** In every line: run, worker, file. */
  base: Readonly<Record<string, string>>;
  /** In a line: whose function runs. */
  place(): Readonly<Record<string, string>>;
  /** Takes what pino has written. */
  take(text: string, level: number): void;
}

/** What pino notes on a stream before it writes to it. */
const METADATA = Symbol.for('pino.metadata');

export function makeLogger({ threshold, base, place, take }: LoggerOptions): Logger {
  const pino = loadPino();
  const stream = {
    [METADATA]: true,
    lastLevel: LEVELS.info as number,
    write(text: string) {
      take(text, stream.lastLevel);
    },
  };
  const err = pino.stdSerializers.err;
  return pino(
    {
      level: threshold === NOTHING ? 'silent' : levelName(threshold),
      base,
      mixin: () => ({ ...place() }),
      timestamp: () => `,"time":${Math.round(timeNow())}`,
      serializers: { err, error: err },
      hooks: {
        // Errors of Jest's sandbox are none of pino's own realm.
        logMethod(args, method) {
          const [first, second, ...rest] = args as unknown[];
          if (!isForeignError(first)) return method.apply(this, args);
          return method.apply(this, [{ err: first }, second ?? first.message, ...rest] as never);
        },
      },
    },
    stream,
  );
}

function isForeignError(value: unknown): value is { message: string } {
  return types.isNativeError(value) && !(value instanceof Error);
}
