/** What the driver and the server say, in words that name the connection, its address and the mend. */
import { type ErrorCode, QaError } from '../../core/errors.ts';
import { type Told, tellSocketCode, tellUntrusted } from '../../core/told.ts';

export interface Place {
  connection: string;
  /** Redacted. */
  address: string;
  host: string | undefined;
  database: string | undefined;
  user: string | undefined;
  redact(text: string): string;
}

interface DriverError {
  code?: string;
  message: string;
  errors?: DriverError[];
  severity?: string;
}

/**
 * A QaError where the connection is to blame; undefined where the server refused the statement itself, whose error
 * a test may want to see as the driver gives it.
 */
export function connectionError(cause: unknown, place: Place): QaError | undefined {
  const told = tell(cause as DriverError, place);
  if (!told) return undefined;
  const [code, what, mend] = told;
  return new QaError(code, { what, mend, connection: place.connection, address: place.address, cause });
}

/** Whether the connection broke: the same statement may work on a new one. */
export function isLost(error: unknown): boolean {
  const { code = '', message = '' } = error as DriverError;
  return (
    LOST.has(code) ||
    /^Connection terminated(?! due to connection timeout)|^Client has encountered a connection error|^Connection ended/.test(
      message,
    )
  );
}

/** Whether the server wants a ticket (GSSAPI: 7, SSPI: 9), which pg does not know. */
export function asksForTicket(error: unknown): boolean {
  return /^Unknown authenticationOk message type [79]$/.test((error as DriverError | null)?.message ?? '');
}

const LOST = new Set(['ECONNRESET', 'EPIPE', '57P01', '57P02', '08006', '08003', '08000']);

function tell(error: DriverError, { host, database, user, redact }: Place): Told | undefined {
  const { code = '', message } = error;
  const said = redact(message || error.errors?.[0]?.message || String(code));
  if (isLost(error)) {
    const why = code === '57P01' || code === '57P02' ? `the server ended it (${said})` : said;
    return [
      'QA_CONNECTION_LOST',
      `The connection broke: ${why}`,
      'See whether the server was stopped or restarted, or the session ended by someone',
    ];
  }
  const unreachable = tellSocketCode(code, { host, address: 'host and port', socket: 'the folder of its socket' });
  if (unreachable) return unreachable;
  switch (code) {
    case '28P01':
      return ['QA_AUTH', `The server refused the password of the user \`${user}\``, 'Correct user and password'];
    case '28000':
      return /no encryption/.test(message)
        ? [
            'QA_AUTH',
            `The server takes this user only over TLS (${said})`,
            'Set `ssl: true`, or `ssl: { ca }` for a certificate of your own',
          ]
        : [
            'QA_AUTH',
            `The server does not let the user \`${user}\` in (${said})`,
            "Correct the user, or the server's pg_hba.conf",
          ];
    case '3D000':
      return ['QA_NOT_FOUND', `The database \`${database}\` does not exist`, 'Create it, or correct its name'];
    case '53300':
      return [
        'QA_CONNECTION_LOST',
        `The server has no connection left (${said})`,
        "Lower `pool.max` or the number of workers, or raise the server's max_connections",
      ];
    case '57P03':
      return ['QA_CONNECTION_LOST', `The server does not take connections now (${said})`, 'Wait until it has started'];
    case '57014':
      return /statement timeout/.test(message)
        ? [
            'QA_TIMEOUT',
            'A statement was cancelled because it ran longer than `statement_timeout`',
            'Make it faster, or raise `statementTimeout`',
          ]
        : undefined;
  }
  if (asksForTicket(error))
    return [
      'QA_AUTH',
      `The server asks the user \`${user}\` for a Kerberos ticket (GSSAPI), which the driver \`pg\` cannot give`,
      "Let this user in by a password (scram-sha-256) or a certificate: see the server's pg_hba.conf",
    ];
  const untrusted = tellUntrusted(code, said);
  if (untrusted) return untrusted;
  if (/does not support SSL/.test(message)) {
    return ['QA_AUTH', 'The server does not support TLS', 'Leave `ssl` out'];
  }
  if (/client password must be a string|no password/i.test(message) && !error.severity) {
    return [
      'QA_AUTH',
      'The server asks for a password and the config has none',
      'Give `password`, for example with fromEnv()',
    ];
  }
  if (/timeout expired|due to connection timeout|timeout exceeded when trying to connect/i.test(message)) {
    return /exceeded when trying/.test(message)
      ? [
          'QA_TIMEOUT',
          'All connections of the pool are in use',
          'Release clients that were taken with `client.connect()`, or raise `pool.max`',
        ]
      : [
          'QA_TIMEOUT',
          'The server took the connection but does not answer',
          'See whether it hangs, or give it more time with `connectTimeout`',
        ];
  }
  return undefined;
}

/** An error that a source or a matcher shows: the server refused a statement that we wrote. */
export function statementError(cause: unknown, place: Place, doing: string): QaError {
  const known = connectionError(cause, place);
  if (known) return known;
  const { code = '', message } = cause as DriverError;
  const kind: ErrorCode = /^(42P01|42703|3F000)$/.test(code) ? 'QA_NOT_FOUND' : 'QA_QUERY_FAILED';
  const mend = {
    '42501': 'Grant the user the right to read it',
    '42P01': 'Correct the name, or wait until the system under test has created it',
    '42703': 'Correct the name',
  }[code];
  return new QaError(kind, {
    what: `${doing} failed: ${place.redact(message)}${code ? ` (SQLSTATE ${code})` : ''}`,
    mend: mend ?? 'Correct the statement',
    connection: place.connection,
    address: place.address,
    cause,
  });
}
