/**
 * Every error a user can get from this package, in one table. A message says what happened, to which
 * connection, at which (redacted) address, and ends with the mend.
 */
export const ERROR_CODES = {
  QA_CONFIG: 'The configuration is wrong, missing or could not be loaded.',
  QA_NOT_OPEN: 'A connection was used before it was opened, at the top of a file or in a describe.',
  QA_NOT_SELECTED: 'A connection was used that the docblock of the file does not name.',
  QA_NO_ENVIRONMENT: 'The tests run under an environment that is not ours.',
  QA_OPEN_FAILED: 'One or more connections could not be opened.',
  QA_DRIVER_MISSING: 'The driver of a connection is not installed.',
  QA_DRIVER_RANGE: 'The installed driver is of a version that is not supported.',
  QA_CONNECTION_LOST: 'The connection broke or the server does not answer.',
  QA_AUTH: 'The server refused the user or the password.',
  QA_FORBIDDEN: 'The server knows the user, but does not let it do this.',
  QA_REFUSED: 'The server refused what was sent or asked.',
  QA_NOT_FOUND: 'The database, schema, table, column, topic or group does not exist.',
  QA_QUERY_FAILED: 'The server refused a query of a source or matcher.',
  QA_TIMEOUT: 'An operation did not end within its deadline.',
  QA_WAIT_FAILED: 'What was waited for did not happen.',
  QA_MISUSE: 'A matcher or a function was called in a way that cannot work.',
  QA_NOT_AWAITED: 'A matcher was not awaited.',
  QA_NOT_OURS: 'The target is not ours, so it is not reset.',
  QA_NO_MARKER: 'The config lists what may be emptied, but the target does not carry the marker.',
  QA_RESET_BLOCKED: 'A reset could not take a lock within its deadline.',
  QA_RESET_FAILED: 'A reset could not bring the target back to its baseline.',
  QA_SHARED_TARGET: 'A shared target would be reset by several workers.',
  QA_SERVER_START: 'A throwaway server could not be started.',
  QA_SERVICE_START: 'A service could not be started.',
  QA_SCHEMA_FAILED: 'The schema of a throwaway server could not be applied.',
  QA_STATE: 'A key of the state is missing.',
  QA_TAG: 'A tag or a tag expression is not known.',
  QA_MESSAGE_SCHEMA: 'The schema of a message is missing, wrong or does not fit another one.',
  QA_ENCODE: 'A value could not be encoded.',
  QA_MESSAGES_LOST: 'Messages were lost or dropped before they could be looked at.',
  QA_DECODE: 'Bytes could not be decoded.',
  QA_REGISTRY: 'The schema registry does not answer or refuses.',
  QA_HOOK: 'A hook of the configuration failed.',
} as const satisfies Record<`QA_${string}`, string>;

export type ErrorCode = keyof typeof ERROR_CODES;

const BRAND: unique symbol = Symbol.for('@qa/jest-preset/error') as never;

export interface QaErrorOptions {
  /** What happened, as a sentence without the connection's name. */
  what: string;
  /** What to do about it: the last sentence of the message. */
  mend: string;
  /** Name of the connection in the config. */
  connection?: string | undefined;
  /** Address without secrets. */
  address?: string | undefined;
  cause?: unknown;
}

/**
 * An error of this package.
 *
 * @example
 * catch (error) { if (isQaError(error) && error.code === 'QA_NOT_OPEN') … }
 */
export class QaError extends Error {
  override readonly name = 'QaError';
  readonly code: ErrorCode;
  readonly connection: string | undefined;
  readonly address: string | undefined;
  /** The last sentence: what to do about it. */
  declare readonly mend: string;

  constructor(code: ErrorCode, { what, mend, connection, address, cause }: QaErrorOptions) {
    const subject = connection === undefined ? '' : `qa.${connection}${address ? ` (${address})` : ''}: `;
    // Under a code frame or a log the mend has a line of its own.
    const gap = what.includes('\n') ? '\n' : ' ';
    super(`${subject}${closed(what)}${gap}${sentence(mend)}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.connection = connection;
    this.address = address;
    // Not enumerable: runners print what is, and it stands in the message.
    Object.defineProperty(this, 'mend', { value: sentence(mend), configurable: true, writable: true });
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Also of another copy or realm: in Jest's sandbox `toThrow(QaError)` means ours, wherever it was made. */
Object.defineProperty(QaError, Symbol.hasInstance, {
  value(this: unknown, value: unknown): boolean {
    return this === QaError ? isQaError(value) : Function.prototype[Symbol.hasInstance].call(this as never, value);
  },
});

/** Whether `value` is an error of this package, made in any realm by any copy of it. */
export function isQaError(value: unknown): value is QaError {
  return typeof value === 'object' && value !== null && (value as { [BRAND]?: boolean })[BRAND] === true;
}

/** A sentence that another one follows. */
function closed(text: string): string {
  const trimmed = text.trim();
  return /[.!?…:]$|\n/.test(trimmed) ? trimmed : `${trimmed}.`;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?…)\]`;"]$|\n/.test(trimmed) ? trimmed : `${trimmed}.`;
}
