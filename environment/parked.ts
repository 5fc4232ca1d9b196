/**
 * Open clients between two files of one process. A worker of Jest runs many files: each gets the connection as good as
 * new, without opening it again. Nothing parked keeps the process alive; its end closes what is left.
 */
import type { Lease, Resetter } from '../bindings/core/binding.ts';
import type { Connection } from '../bindings/core/connection.ts';
import type { Redactor } from '../bindings/core/redact.ts';

export interface Parked {
  /** Everything that the way to the target depends on: a file for which that is another opens its own. */
  key: string;
  client: unknown;
  options: object;
  driver: unknown;
  lease: Lease | undefined;
  resetter: Resetter | undefined;
  isRestored: boolean;
  /** Knows the secrets that opening came upon. */
  redactor: Redactor;
}

const parked = new WeakMap<Connection, Parked>();

export function park(connection: Connection, kept: Parked): void {
  parked.set(connection, kept);
}

/** Hands out what is parked for a connection: nobody else gets it. */
export function unpark(connection: Connection): Parked | undefined {
  const kept = parked.get(connection);
  parked.delete(connection);
  return kept;
}
