/**
 * What is said between a run's processes: JSON, one message a line. The keeper imports little else, so this file
 * imports next to nothing at run time.
 */
import type { ErrorCode } from '../bindings/core/errors.ts';
import type { ServiceCall } from './services/spec.ts';

export { receive, send } from '../bindings/core/lines.ts';

/** A failure that can travel; the asking side makes a QaError of it and names its connection. */
export interface Failure {
  code: ErrorCode;
  what: string;
  mend: string;
  /** Stack of the error that caused it. */
  cause?: string;
}

/** Thrown where a failure arises in code that does not know the connection's name. */
export class Failed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, cause?: unknown) {
    super(`${failure.what} ${failure.mend}`, { cause });
    this.failure = failure;
  }
}

/** Asked of the run's main process. */
export interface MainReply {
  /** Address of the keeper's socket. */
  keeper?: string;
  failure?: Failure;
}

/** What a server is asked for with: all but the time tells it from others. */
export interface StartOptions {
  /** ms */
  startTimeout: number;
}

export type KeeperRequest =
  /** Starts a server, or gives the running one of the same kind and options. */
  | { op: 'start'; kind: string; options: StartOptions }
  /** Asks for a value that one process of the run makes. */
  | { op: 'once'; key: string }
  /** The value was made, or could not be. `address` is shown to the user when the run is kept. */
  | { op: 'settle'; key: string; value?: unknown; failure?: Failure; address?: string }
  /** The maker gave up; the next one that waits makes it. */
  | { op: 'release'; key: string }
  /** See services/spec.ts. */
  | { op: 'service'; call: ServiceCall }
  /** Servers outlive the run. */
  | { op: 'keep' };

export type KeeperReply = { id: number; value: unknown } | { id: number; failure: Failure };

/** Answer to `once`. */
export type Once = { make: true } | { made: unknown };

export interface Kept {
  /** Addresses of what runs, with passwords: they are of the run's own servers. */
  addresses: string[];
  /** The command that ends it. */
  stop: string;
}
