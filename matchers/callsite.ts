/** Where the user called: kept when a matcher starts, so that a failure after many awaits still points there. */
import type { Caller } from '../bindings/core/source.ts';

export interface Callsite {
  /** Frames, one a line, the user's first; formatted on first use. */
  readonly frames: string;
}

/** Frames enough to pass a runner's own and a few helpers of the user. */
const DEPTH = 60;

/** Frames of runners that stand between a matcher and the call. */
const INTERNAL =
  /throwingMatcher|__EXTERNAL_MATCHER_TRAP__|__VITEST_EXTEND_ASSERTION__|[\\/]node_modules[\\/]|^\s+at Proxy\.|\(node:internal|at node:internal/;

/** Frames of this package wherever they stand: those that run a test's function are no news to its author. */
const OURS = /[\\/]@qa[\\/]jest-preset[\\/]|\(node:internal|at node:internal/;

/** The stack above `above`. */
export function callsite(above: Caller): Callsite {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = Math.max(limit, DEPTH);
  Error.captureStackTrace(holder, above);
  Error.stackTraceLimit = limit;
  let frames: string | undefined;
  return {
    get frames() {
      frames ??= withoutInternals(holder.stack ?? '');
      return frames;
    },
  };
}

/** Gives `error` the frames of the call. */
export function framed<E extends Error>(error: E, { frames }: Callsite): E {
  const head = error.name && error.message ? `${error.name}: ${error.message}` : error.message || error.name;
  Object.defineProperty(error, 'stack', { value: `${head}\n${frames}`, writable: true, configurable: true });
  return error;
}

function withoutInternals(stack: string): string {
  const lines = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const first = lines.findIndex((line) => !INTERNAL.test(line));
  return (first === -1 ? lines : lines.slice(first).filter((line) => !OURS.test(line))).join('\n');
}
