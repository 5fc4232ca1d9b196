/** How errors of this package, and the blocks that belong to a failure, are put before the reader. */
import { types } from 'node:util';
import { isQaError } from '../bindings/core/errors.ts';

/**
 * Our own errors end with the mend: frames of this package below it say nothing to the reader. Those of a cause do
 * where one is the user's (a config that throws).
 */
export function readable(error: unknown): unknown {
  if (!isQaError(error) || error.code === 'QA_NOT_AWAITED') return error;
  error.stack = `${error.name}: ${error.message}`;
  for (let cause = error.cause; types.isNativeError(cause); cause = cause.cause) {
    const [head, ...frames] = (cause.stack ?? '').split(/\n(?=\s+at )/);
    const isForeign = (frame: string) => /[\\/]node_modules[\\/]|\(?node:|<anonymous>|\bindex \d+\)/.test(frame);
    if (head && frames.every(isForeign)) cause.stack = head;
  }
  return error;
}

/** Adds a block of text below an error's message, also in its stack, above the frames. */
export function append(error: { message: string; stack?: string | undefined }, block: string): void {
  if (block === '') return;
  const { stack } = error;
  if (stack !== undefined) {
    const frames = stack.search(/\n\s+at\s/);
    error.stack = frames < 0 ? `${stack}\n\n${block}` : `${stack.slice(0, frames)}\n\n${block}\n${stack.slice(frames)}`;
  }
  error.message = `${error.message}\n\n${block}`;
}

/** Lines for what went wrong when connections were closed. */
export function closingTrouble(error: unknown): string {
  const all = error instanceof AggregateError ? error.errors : [error];
  return all.map((one: unknown) => (one instanceof Error ? one.message : String(one))).join('\n     ');
}
