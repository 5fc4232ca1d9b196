/** What a handle's calls share: they end with the test's time, and their errors point at the test's line. */
import { clock } from './clock.ts';
import { isQaError, QaError, type QaErrorOptions } from './errors.ts';
import { shared } from './shared.ts';

/** Time that is left to the runner to end a test by itself, ms. */
const MARGIN = 250;

/**
 * Runs with the time that the test has left, so that a hung server ends in an error that names it. `signal` is
 * undefined where no test's time runs.
 *
 * @param late what the error says; its code is QA_TIMEOUT
 */
export async function withinTest<T>(
  work: (signal: AbortSignal | undefined) => Promise<T>,
  late: () => QaErrorOptions,
): Promise<T> {
  const left = shared().runtime?.current()?.timeLeft() ?? Number.POSITIVE_INFINITY;
  if (!Number.isFinite(left)) return work(undefined);
  const abort = new AbortController();
  const { setTimeout, clearTimeout } = clock();
  const timer = setTimeout(() => abort.abort(new QaError('QA_TIMEOUT', late())), Math.max(left - MARGIN, 1));
  try {
    return await work(abort.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** The signal's reason as a rejection, for work that cannot be cancelled: whichever ends first counts. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/**
 * What a test calls: it ends with the test's time, its errors point at the test's line, and what it gives is of the
 * test's realm. Call it before anything is awaited.
 *
 * @param told turns an error of the driver into one of ours where the connection is to blame
 * @param late what the error says when the time is up
 */
export async function testCall<T>(
  { caller, told, late, adopt }: TestCall,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const tell = teller(caller, told, adopt);
  try {
    return adopt(await withinTest((signal) => orAborted(work(signal), signal), late));
  } catch (error) {
    throw tell(error);
  }
}

export interface TestCall {
  /** The function that the test called. */
  caller: (...args: never[]) => unknown;
  told: (error: Error) => Error;
  late: () => QaErrorOptions;
  adopt: <T>(value: T) => T;
}

/**
 * Makes errors point at the line of the test. Call it before anything is awaited.
 *
 * @param caller the function that the test called
 * @param told turns an error of the driver into one of ours where the connection is to blame
 */
export function teller(
  caller: (...args: never[]) => unknown,
  told: (error: Error) => Error,
  adopt: <T>(value: T) => T,
): (error: unknown) => unknown {
  const at: { stack?: string } = {};
  Error.captureStackTrace(at, caller);
  return (error) => {
    if (typeof error !== 'object' || error === null) return error;
    const result = isQaError(error) ? error : told(error as Error);
    // Only now: writing a stack out costs more than many a statement.
    result.stack = `${result.name}: ${result.message}\n${at.stack?.replace(/^[^\n]*\n/, '') ?? ''}`;
    return adopt(result);
  };
}
