/** A line of the log as it is kept: nothing in it is text before somebody reads it. */
import { clock } from '../../bindings/core/clock.ts';

export interface Line {
  /** Ms since 1970; of an operation: when it began. */
  readonly time: number;
  readonly level: number;
  readonly connection: string | undefined;
  /** Of an operation: its name. */
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  /** What pino has written, in the place of the three before. */
  readonly text: string | undefined;
  readonly operation: Progress | undefined;
}

export interface Progress {
  /** Ms; undefined while it is under way. */
  took: number | undefined;
  error: unknown;
}

/** Taken before a test may replace `performance`. */
const ORIGIN = performance.timeOrigin;

/** The time by a clock that fake timers cannot stop, ms since 1970. */
export function timeNow(): number {
  return ORIGIN + clock().now();
}
