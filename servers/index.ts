/** Throwaway servers: what the session asks for, and what ends with the run. */
import type { Lease, Namespace } from '../bindings/core/binding.ts';
import { isQaError, QaError } from '../bindings/core/errors.ts';
import { isEmbedded } from '../bindings/core/server.ts';
import { type KeeperClient, keeper, usesKeeper } from './client.ts';
import { leasePostgres } from './postgres/lease.ts';
import { Failed, type Kept } from './protocol.ts';

export { usesKeeper } from './client.ts';
export type { LentPostgres, StartedPostgres } from './postgres/target.ts';
export type { Kept } from './protocol.ts';
export { beginRun, currentRun, type Run } from './run.ts';

export interface LeaseRequest {
  /** Of the binding: 'postgres'. */
  kind: string;
  /** `embedded(…)`, or a started server that is lent to the run. */
  server: unknown;
  /** The connection's name in the config. */
  connection: string;
  namespace: Namespace;
  /** Absolute path of the folder that relative paths start from. */
  baseDir: string;
  /** The driver's module, of the user's project. */
  driver: unknown;
  /** Default: ends after `startTimeout`, which covers the server and its schema. */
  signal?: AbortSignal;
  /** One line to the user, once a run. */
  notice(line: string): void;
}

/** Hands out targets, by kind of the binding. */
const LEASES: Readonly<Record<string, (request: Bounded, line: KeeperClient) => Promise<Lease>>> = {
  postgres: leasePostgres,
};

type Bounded = LeaseRequest & { signal: AbortSignal; onLent(address: string): void };

const START_TIMEOUT = 60_000;
/** The keeper's own message, which tells what the server wrote, comes first, ms. */
const GRACE = 5000;

const KEEP_TIMEOUT = 5000;

/**
 * A target of one's own on a server that this run started, or was lent. The same worker gets the same target for each
 * of its files; it is never dropped or renamed while the run lives.
 *
 * @throws QaError QA_SERVER_START, QA_SCHEMA_FAILED, QA_DRIVER_MISSING, QA_CONFIG; QA_TIMEOUT when `signal` aborts
 */
export async function lease(request: LeaseRequest): Promise<Lease> {
  const { kind, connection, server } = request;
  const make = LEASES[kind];
  if (make === undefined) {
    throw new QaError('QA_CONFIG', {
      what: `There is no throwaway server for \`${kind}\`; there is one for: ${Object.keys(LEASES).join(', ')}`,
      mend: 'Give the connection an address instead of `server`',
      connection,
    });
  }
  const { startTimeout = START_TIMEOUT } = isEmbedded(server) ? server.options : {};
  const signal = request.signal ?? AbortSignal.timeout(startTimeout + GRACE);
  const subject: Subject = { connection, address: undefined };
  const onLent = (address: string) => {
    subject.address = address;
  };
  try {
    return await make({ ...request, signal, onLent }, await keeper(signal));
  } catch (error) {
    throw toQaError(error, subject, signal);
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

/** What an error is about. A throwaway server's address says nothing: it changes with each run. */
interface Subject {
  connection: string;
  address: string | undefined;
}

function toQaError(error: unknown, subject: Subject, signal: AbortSignal): unknown {
  if (isQaError(error)) return error;
  if (error instanceof Failed) {
    const { code, what, mend, cause } = error.failure;
    return new QaError(code, { what, mend, ...subject, cause: error.cause ?? remote(what, cause) });
  }
  if (signal.aborted) {
    return new QaError('QA_TIMEOUT', {
      what: 'The throwaway server and its database were not ready within the deadline',
      mend: 'Give them more time with `embedded({ startTimeout })`, or make `schema` faster',
      ...subject,
      cause: error,
    });
  }
  return new QaError('QA_SERVER_START', {
    what: `A database of its own could not be made: ${error instanceof Error ? error.message : String(error)}`,
    mend: 'The user of a lent server needs the right to create databases (CREATEDB); else see the cause',
    ...subject,
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
