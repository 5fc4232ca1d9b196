/** Throwaway servers: what the session asks for, and what ends with the run. */
import type { Lease } from '../bindings/core/binding.ts';
import { isQaError, QaError } from '../bindings/core/errors.ts';
import { keeper, usesKeeper } from './client.ts';
import { leasePostgres, type PostgresRequest } from './postgres/lease.ts';
import { Failed, type Kept } from './protocol.ts';

export { usesKeeper } from './client.ts';
export type { PostgresServer, StartedPostgres } from './postgres/target.ts';
export type { Kept } from './protocol.ts';
export { beginRun, currentRun, type Run } from './run.ts';

export type LeaseRequest = PostgresRequest;

const KEEP_TIMEOUT = 5000;

/**
 * A target of one's own on a server that this run started, or was lent. The same worker gets the same target for each
 * of its files; it is never dropped or renamed while the run lives.
 *
 * @throws QaError QA_SERVER_START, QA_SCHEMA_FAILED, QA_DRIVER_MISSING, QA_CONFIG; QA_TIMEOUT when `signal` aborts
 */
export async function lease(request: LeaseRequest): Promise<Lease> {
  const { connection, signal } = request;
  try {
    return await leasePostgres(request, await keeper(signal));
  } catch (error) {
    throw toQaError(error, connection, signal);
  }
}

/**
 * Lets the servers of this run outlive it, for an hour at most.
 *
 * @returns their addresses, with passwords, and the command that ends them; nothing where the run started none
 */
export async function keep(): Promise<Kept> {
  if (!usesKeeper()) return { addresses: [], stop: '' };
  const signal = AbortSignal.timeout(KEEP_TIMEOUT);
  return (await keeper(signal)).keep(signal);
}

function toQaError(error: unknown, connection: string, signal: AbortSignal): unknown {
  if (isQaError(error)) return error;
  if (error instanceof Failed) {
    const { code, what, mend, cause } = error.failure;
    return new QaError(code, { what, mend, connection, cause: error.cause ?? remote(what, cause) });
  }
  if (signal.aborted) {
    return new QaError('QA_TIMEOUT', {
      what: 'The throwaway server and its database were not ready within the deadline',
      mend: 'Give them more time with `embedded({ startTimeout })`, or make `schema` faster',
      connection,
      cause: error,
    });
  }
  return new QaError('QA_SERVER_START', {
    what: `A database of its own could not be made: ${error instanceof Error ? error.message : String(error)}`,
    mend: 'The user of a lent server needs the right to create databases (CREATEDB); else see the cause',
    connection,
    cause: error,
  });
}

/** The error that another process had. */
function remote(message: string, stack: string | undefined): Error | undefined {
  if (stack === undefined) return undefined;
  const error = new Error(message);
  error.stack = stack;
  return error;
}
