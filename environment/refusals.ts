/** What a session says when a connection keeps it waiting, or must not be reset. */
import type { Proof } from '../bindings/core/binding.ts';
import { QaError } from '../bindings/core/errors.ts';

/** @param option that gives it more time */
export function timedOut(connection: string, address: string, what: string, ms: number, option?: string): QaError {
  return new QaError('QA_TIMEOUT', {
    what: `${what} within ${ms} ms`,
    mend: option
      ? `See whether the server is up and answers, or give it more time with \`${option}\``
      : 'See whether the server hangs',
    connection,
    address,
  });
}

export function sharedTarget(connection: string, address: string, proof: Proof, workers: number): QaError {
  return new QaError('QA_SHARED_TARGET', {
    what: `The target is shared by all workers (${proof.because}), ${workers} of them may run side by side, and a reset by one would destroy what another tests`,
    mend:
      proof.by === 'throwaway'
        ? "Run with `maxWorkers: 1` (`--maxWorkers=1`), or use `isolation: 'worker'`"
        : 'Run with `maxWorkers: 1` (`--maxWorkers=1`), or take `reset` out of the config',
    connection,
    address,
  });
}
