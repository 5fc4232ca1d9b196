/**
 * Every operation on a system under test is published on a tracing channel of Node's diagnostics_channel,
 * which costs nothing when nobody listens.
 *
 * @example
 * import { tracingChannel } from 'node:diagnostics_channel';
 * tracingChannel('qa:operation').subscribe({ asyncEnd: (message) => console.log(message) });
 */
import { tracingChannel } from 'node:diagnostics_channel';

/** What an operation is about: `{ sql, rows }`. Nothing in it is formatted before somebody reads it. */
export type Attributes = Record<string, unknown>;

/** The work; it adds to the attributes what it learns: `rows`, `offsets`. */
export type TracedRun<T> = (attributes: Attributes) => Promise<T>;

export interface Operation {
  /** Undefined for a wait on what belongs to none. */
  connection: string | undefined;
  /** `postgres`; `wait` for the waiting of a matcher or of `waitFor`, with all its looks. */
  kind: string;
  operation: string;
  attributes: Attributes;
}

const channel = tracingChannel<'qa:operation', Operation>('qa:operation');

export function trace<T>(operation: Operation, run: TracedRun<T>): Promise<T> {
  const { attributes } = operation;
  return channel.hasSubscribers ? channel.tracePromise(() => run(attributes), operation) : run(attributes);
}
