/** What is asked of the run's keeper for a service, bounded in time, its failures as ours. */
import { type ErrorCode, QaError } from '../../bindings/core/errors.ts';
import type { Redactor } from '../../bindings/core/redact.ts';
import { keeper } from '../../servers/client.ts';
import { Failed } from '../../servers/protocol.ts';
import type { ServiceCall } from '../../servers/services/spec.ts';

/** For what is answered at once, ms. */
const PATIENCE = 20_000;

export interface AskOptions {
  /** In the config. */
  name: string;
  redactor: Redactor;
  /** ms */
  patience?: number;
  signal?: AbortSignal | undefined;
}

/** @throws QaError of the keeper, its lines redacted; QA_TIMEOUT when it does not answer */
export async function ask<T>(call: ServiceCall, { name, redactor, patience, signal }: AskOptions): Promise<T> {
  const late = AbortSignal.timeout(patience ?? PATIENCE);
  const either = signal ? AbortSignal.any([late, signal]) : late;
  try {
    return await (await keeper(either)).service<T>(call, either);
  } catch (error) {
    if (error instanceof Failed) throw told(error, redactor);
    if (!late.aborted) throw error;
    throw new QaError('QA_TIMEOUT', {
      what: `The process that keeps the services of this run does not answer for the service \`${name}\``,
      mend: 'See whether the machine is overloaded, and run the tests again',
      cause: error,
    });
  }
}

function told({ failure, cause }: Failed, redactor: Redactor): QaError {
  // Whatever goes wrong with the keeper, here it is a service that cannot be had.
  const code: ErrorCode = failure.code === 'QA_SERVER_START' ? 'QA_SERVICE_START' : failure.code;
  return new QaError(code, {
    what: redactor.redact(failure.what),
    mend: redactor.redact(failure.mend),
    cause: cause ?? failure.cause,
  });
}
