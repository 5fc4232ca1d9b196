/**
 * Every operation on a system under test is published on a tracing channel of Node's diagnostics_channel,
 * which costs nothing when nobody listens.
 *
 * @example
 * import { tracingChannel } from 'node:diagnostics_channel';
 * tracingChannel('qa:operation').subscribe({ asyncEnd: (message) => console.log(message) });
 */
import { tracingChannel } from 'node:diagnostics_channel';

export interface Operation {
  connection: string;
  kind: string;
  operation: string;
  attributes: Record<string, unknown>;
}

const channel = tracingChannel<'qa:operation', Operation>('qa:operation');

export function trace<T>(operation: Operation, run: () => Promise<T>): Promise<T> {
  return channel.hasSubscribers ? channel.tracePromise(run, operation) : run();
}
