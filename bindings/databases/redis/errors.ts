/** What ioredis and the server say, in words that name the connection, its address and the mend. */
import { isQaError, QaError } from '../../core/errors.ts';
import { type Told, tellSocketCode, tellUnknownClient, tellUntrusted } from '../../core/told.ts';

export interface Place {
  connection: string;
  /** Redacted. */
  address: string;
  host: string;
  user: string | undefined;
  db: number;
  redact(text: string): string;
}

interface DriverError {
  name?: string;
  code?: string;
  message?: string;
  command?: { name: string };
}

/**
 * A QaError for what ioredis threw; one of ours is handed on as it is.
 *
 * @param trouble what the connection's `error` event told last: a command only says that the connection is closed
 */
export function redisError(
  error: unknown,
  place: Place,
  { doing, trouble }: { doing: string; trouble?: unknown },
): QaError {
  if (isQaError(error)) return error;
  const cause = isClosed(error) && trouble !== undefined ? trouble : error;
  const { connection, address, redact } = place;
  const said = redact((cause as DriverError)?.message ?? String(cause));
  const [code, what, mend] = tell(cause as DriverError, said, place) ?? [
    'QA_QUERY_FAILED' as const,
    `${doing} failed: ${said}`,
    'Correct it, or see what the server is set up for',
  ];
  return new QaError(code, { what, mend, connection, address, cause });
}

/** A QaError where the connection is to blame; undefined where the server refused the command itself. */
export function connectionError(error: unknown, place: Place, trouble: unknown): QaError | undefined {
  const told = redisError(error, place, { doing: '', trouble });
  return told.code === 'QA_QUERY_FAILED' ? undefined : told;
}

/** What a command says of a connection that is gone, without the reason. */
export function isClosed(error: unknown): boolean {
  const { name, message = '' } = (error ?? {}) as DriverError;
  return (
    name === 'MaxRetriesPerRequestError' ||
    name === 'AbortError' ||
    /^(Connection is closed|Stream isn't writeable|None of startup nodes)/.test(message)
  );
}

/** Whether the key holds a value of another type than the command is for. */
export function isWrongType(error: unknown): boolean {
  return /^WRONGTYPE/.test((error as DriverError | null)?.message ?? '');
}

/** Whether the server does not know the command, or a part of it, or does not let this user run it. */
export function isUnsupported(error: unknown): boolean {
  return /unknown (sub)?command|syntax error|NOPERM|not supported|wrong number of arguments|unrecognized option/i.test(
    (error as DriverError | null)?.message ?? '',
  );
}

function tell(error: DriverError, said: string, place: Place): Told | undefined {
  const { message = '' } = error;
  if (isClosed(error))
    return ['QA_CONNECTION_LOST', 'The connection broke', 'See whether the server was stopped or restarted'];
  return tellSocket(error, said, place) ?? tellTls(error, said) ?? tellReply(message, said, place);
}

function tellSocket({ code = '', message = '' }: DriverError, said: string, { host }: Place): Told | undefined {
  const unreachable = tellSocketCode(code, {
    host,
    address: 'host and port',
    socket: 'the path of its socket',
    silent: 'See whether the address is right, the network lets it through, and, with TLS, whether that port speaks it',
  });
  if (unreachable) return unreachable;
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return [
      'QA_CONNECTION_LOST',
      `The connection broke: ${said}`,
      'See whether the server was stopped or restarted, or wants TLS on that port (`ssl: true`)',
    ];
  if (message === 'Command timed out' || /^Socket timeout/.test(message))
    return [
      'QA_TIMEOUT',
      'The server took the connection but does not answer',
      'See whether it hangs or a slow command holds it up, or give it more time with `commandTimeout`',
    ];
  return undefined;
}

function tellTls({ code = '', message = '' }: DriverError, said: string): Told | undefined {
  const untrusted = tellUntrusted(code, said);
  if (untrusted) return untrusted;
  if (/before secure TLS connection|wrong version number|packet length too long/i.test(message))
    return [
      'QA_AUTH',
      'The TLS handshake failed: that port does not speak TLS',
      'Leave `ssl` out (and write redis://, not rediss://), or correct the port',
    ];
  return tellUnknownClient(message, said);
}

function tellReply(message: string, said: string, { user, db }: Place): Told | undefined {
  if (/^WRONGPASS|invalid password|invalid username-password/i.test(message))
    return [
      'QA_AUTH',
      `The server refused ${user === undefined ? 'the password' : `the user \`${user}\` or its password`}`,
      'Correct user and password',
    ];
  if (/^NOAUTH|Authentication required/i.test(message))
    return [
      'QA_AUTH',
      'The server asks for a password and the config has none',
      'Give `password`, for example with fromEnv()',
    ];
  if (/without any password configured|no password is set/i.test(message))
    return [
      'QA_AUTH',
      'The config has a password, but the server asks for none and ignores it: it may be another server than the one that is meant',
      'Leave `password` out, or correct the address',
    ];
  if (/^DENIED/.test(message))
    return [
      'QA_AUTH',
      'The server is in protected mode and takes connections from its own machine only',
      'Give it a password, or set its `protected-mode no`',
    ];
  if (/DB index is out of range|invalid DB index/i.test(message))
    return [
      'QA_NOT_FOUND',
      `The server has no database of the number ${db}`,
      "Correct `db`, or raise the server's `databases`",
    ];
  if (/SELECT is not allowed in cluster/i.test(message))
    return [
      'QA_NOT_FOUND',
      `The server is a node of a cluster, which has the one database 0, not ${db}`,
      'Leave `db` out',
    ];
  if (/^(LOADING|MASTERDOWN|CLUSTERDOWN|BUSY )/.test(message))
    return [
      'QA_CONNECTION_LOST',
      `The server takes no commands now: ${said}`,
      'Wait until it has started, or see what holds it up',
    ];
  if (/max number of clients/i.test(message))
    return [
      'QA_CONNECTION_LOST',
      `The server has no connection left (${said})`,
      "Lower the number of workers, or raise the server's maxclients",
    ];
  return undefined;
}
