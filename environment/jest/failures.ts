/** Puts our errors into Jest's lists, in the order in which things went wrong, readable. */
import { append } from '../readable.ts';
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

  get errors(): Error[] {
    return this.#recorded.map(({ error }) => error);
  }

  /** Hands them out. */
  take(): Error[] {
    const { errors } = this;
    this.#recorded = [];
    return errors;
  }
}

/** Each as it may be shown. */
export function redactAll(failures: CircusFailure[], redacted: (error: unknown) => unknown): void {
  for (const [index, failure] of failures.entries()) {
    failures[index] = Array.isArray(failure)
      ? ([redacted(failure[0]), redacted(failure[1])] as never)
      : redacted(failure);
  }
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
  const { message } = thrown as { message?: unknown };
  if (typeof message === 'string') append(thrown as Error, block);
}
