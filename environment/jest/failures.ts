/** Puts our errors into Jest's lists, in the order in which things went wrong, readable. */
import { types } from 'node:util';
import { isQaError } from '../../bindings/core/errors.ts';
import type { CircusFailure } from './circus.ts';

/** Soft failures of one attempt of a test, or of one call of a hook. */
export class SoftFailures {
  #recorded: { error: Error; at: number }[] = [];

  /** @param at how many hard failures there already were */
  add(error: Error, at: number): void {
    this.#recorded.push({ error, at });
  }

  /** Moves them to where they belong among `hard`. */
  moveInto(hard: CircusFailure[]): void {
    for (const { error, at } of this.#recorded.reverse()) hard.splice(Math.min(at, hard.length), 0, error);
    this.#recorded = [];
  }

  /** Hands them out. */
  take(): Error[] {
    const errors = this.#recorded.map(({ error }) => error);
    this.#recorded = [];
    return errors;
  }
}

/**
 * Our own errors end with the mend: frames of this package below it say nothing to the reader. Those of a cause do
 * where one is the user's (a config that throws).
 */
export function readable(error: unknown): unknown {
  if (!isQaError(error)) return error;
  error.stack = `${error.name}: ${error.message}`;
  for (let cause = error.cause; types.isNativeError(cause); cause = cause.cause) {
    const [head, ...frames] = (cause.stack ?? '').split(/\n(?=\s+at )/);
    const isForeign = (frame: string) => /[\\/]node_modules[\\/]|\(?node:|<anonymous>|\bindex \d+\)/.test(frame);
    if (head && frames.every(isForeign)) cause.stack = head;
  }
  return error;
}

const explained = new WeakSet<object>();

/** Adds a block of text to the message of a failure, once. */
export function explain(failures: CircusFailure[], block: string): void {
  const first = failures[0];
  if (first === undefined || block === '') return;
  const thrown: unknown = Array.isArray(first) ? first[0] : first;
  if (typeof thrown === 'string' && Array.isArray(first)) {
    // A timeout of Jest's.
    failures[0] = [`${thrown}\n\n${block}`, first[1]];
    return;
  }
  if (typeof thrown !== 'object' || thrown === null || explained.has(thrown) || Object.isFrozen(thrown)) return;
  explained.add(thrown);
  const error = thrown as { message?: unknown; stack?: unknown };
  const { message, stack } = error;
  if (typeof message !== 'string') return;
  if (typeof stack === 'string') {
    const frames = stack.search(/\n\s+at\s/);
    error.stack = frames < 0 ? `${stack}\n\n${block}` : `${stack.slice(0, frames)}\n\n${block}\n${stack.slice(frames)}`;
  }
  error.message = `${message}\n\n${block}`;
}
