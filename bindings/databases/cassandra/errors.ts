/** What the driver and the server say, in words that name the connection, its address and the mend. */
import { QaError } from '../../core/errors.ts';
import { type Told, tellSocketCode, tellUntrusted } from '../../core/told.ts';

export interface Place {
  connection: string;
  /** Redacted. */
  address: string;
  keyspace: string | undefined;
  user: string | undefined;
  redact(text: string): string;
}

interface DriverError extends Error {
  /** Of a ResponseError a number, of a socket's error a word. */
  code?: number | string;
  /** By host. */
  innerErrors?: Record<string, DriverError> | null;
  innerError?: DriverError;
  isSocketError?: boolean;
  additionalInfo?: DriverError;
}

/** Codes of the protocol. */
export const RESPONSE = {
  badCredentials: 0x0100,
  unavailable: 0x1000,
  overloaded: 0x1001,
  isBootstrapping: 0x1002,
  truncateError: 0x1003,
  writeTimeout: 0x1100,
  readTimeout: 0x1200,
  syntax: 0x2000,
  unauthorized: 0x2100,
  invalid: 0x2200,
  config: 0x2300,
  alreadyExists: 0x2400,
  unprepared: 0x2500,
} as const;

/**
 * A QaError where the connection is to blame; undefined where the server refused the statement itself, whose error
 * a test may want to see as the driver gives it.
 */
export function connectionError(cause: unknown, place: Place): QaError | undefined {
  const told = tell(innermost(cause as DriverError), place) ?? noHost(cause as DriverError, place);
  if (!told) return undefined;
  const [code, what, mend] = told;
  return new QaError(code, { what, mend, connection: place.connection, address: place.address, cause });
}

/** An error that a source or a matcher shows: the server refused a statement that we wrote. */
export function statementError(cause: unknown, place: Place, doing: string): QaError {
  const known = connectionError(cause, place);
  if (known) return known;
  const inner = innermost(cause as DriverError);
  const { code } = inner;
  const said = firstLine(inner);
  const isMissing = isNotFound(cause);
  const mend =
    code === RESPONSE.unauthorized
      ? 'Grant the user the right to do it'
      : isMissing
        ? 'Correct the name, or wait until the system under test has created it'
        : 'Correct the statement';
  return new QaError(isMissing ? 'QA_NOT_FOUND' : 'QA_QUERY_FAILED', {
    what: `${doing} failed: ${place.redact(said)}`,
    mend,
    connection: place.connection,
    address: place.address,
    cause,
  });
}

/** Whether the server says that a table, keyspace or column does not exist. */
export function isNotFound(error: unknown): boolean {
  const { code, message } = error as DriverError;
  return code === RESPONSE.invalid && /does not exist|unconfigured table|Undefined column name/i.test(message);
}

/** The code that the server gives for refusing a statement. */
export function refusal(error: unknown): number | undefined {
  const { code } = innermost(error as DriverError);
  return typeof code === 'number' ? code : undefined;
}

/** The driver writes whole stacks into its messages. */
export function firstLine({ message }: { message: string }): string {
  return message.split('\n')[0]!.trim();
}

/** What the tried hosts said: the first of them that says something. */
function innermost(error: DriverError): DriverError {
  const inner = Object.values(error.innerErrors ?? {}).find((each) => each?.message);
  if (inner) return innermost(inner);
  return error.name === 'DriverError' && error.innerError ? error.innerError : error;
}

/** No host took the request, for a reason that none of ours explains. */
function noHost(error: DriverError, { redact }: Place): Told | undefined {
  // A host that refuses the statement is there.
  if (error.name !== 'NoHostAvailableError' || refusal(error) !== undefined) return undefined;
  return [
    'QA_CONNECTION_LOST',
    `No host takes requests now: ${redact(firstLine(innermost(error)))}`,
    'See whether the server was stopped or restarted',
  ];
}

function tell(error: DriverError, { keyspace, user, redact }: Place): Told | undefined {
  const { code = '', name } = error;
  const said = redact(firstLine(error));
  if (name === 'AuthenticationError' || code === RESPONSE.badCredentials) {
    return user === undefined
      ? ['QA_AUTH', 'The server asks for a user and the config has none', 'Give `user` and `password`']
      : ['QA_AUTH', `The server refused the user \`${user}\` or the password`, 'Correct user and password'];
  }
  const centres = /localDataCenter was configured as '(.*)', but only found hosts in data centers: \[(.*)\]/.exec(said);
  if (centres) {
    return [
      'QA_CONFIG',
      `There is no data centre \`${centres[1]}\`; the cluster has: ${centres[2]}`,
      `Write \`localDataCenter: '${centres[2]!.split(', ')[0]}'\``,
    ];
  }
  const known = /^'localDataCenter' is not defined.*Available DCs are: \[(.*)\]/.exec(said);
  if (known) {
    return [
      'QA_CONFIG',
      `The config does not say which data centre queries go to; the cluster has: ${known[1]}`,
      `Write \`localDataCenter: '${known[1]!.split(/,\s*/)[0]}'\``,
    ];
  }
  if (code === RESPONSE.invalid && /^Keyspace '.*' does not exist/.test(said)) {
    return ['QA_NOT_FOUND', `The keyspace \`${keyspace}\` does not exist`, 'Create it, or correct its name'];
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return ['QA_CONNECTION_LOST', `The host name could not be resolved (${said})`, 'Correct `contactPoints`'];
  }
  const unreachable = tellSocketCode(String(code), { host: undefined, address: '`contactPoints`' });
  if (unreachable) return unreachable;
  switch (code) {
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ERR_STREAM_DESTROYED':
      return [
        'QA_CONNECTION_LOST',
        `The connection broke: ${said}`,
        'See whether the server was stopped or restarted, and whether it wants TLS',
      ];
    case RESPONSE.unavailable:
      return [
        'QA_CONNECTION_LOST',
        `Not enough nodes are up: ${said}`,
        'Start the nodes, or lower `consistency` to what the cluster can give',
      ];
    case RESPONSE.overloaded:
    case RESPONSE.isBootstrapping:
      return ['QA_CONNECTION_LOST', `The server does not take requests now: ${said}`, 'Wait until it does'];
    case RESPONSE.readTimeout:
    case RESPONSE.writeTimeout:
      return [
        'QA_TIMEOUT',
        `The nodes did not answer one another in time: ${said}`,
        'See whether one of them hangs or is overloaded',
      ];
  }
  const untrusted = tellUntrusted(String(code), said);
  if (untrusted) return untrusted;
  if (/^ERR_SSL|EPROTO/.test(String(code))) {
    return ['QA_AUTH', `The server does not speak TLS there (${said})`, 'Leave `ssl` out, or correct the port'];
  }
  if (name === 'OperationTimedOutError' || /Connection timeout/.test(said)) {
    return [
      'QA_TIMEOUT',
      'The server took the connection but does not answer',
      'See whether it hangs, or give it more time with `readTimeout`',
    ];
  }
  if (/No host could be resolved/.test(said)) {
    return ['QA_CONNECTION_LOST', 'No name of `contactPoints` could be resolved', 'Correct `contactPoints`'];
  }
  if (/after shutdown is not supported/.test(said)) {
    return ['QA_CONNECTION_LOST', 'A test has shut the client down', 'Leave that to the end of the file'];
  }
  if (name === 'NoHostAvailableError' || error.isSocketError || /Socket was closed|client is being closed/.test(said)) {
    return [
      'QA_CONNECTION_LOST',
      'The connection broke, and no other one is open',
      'See whether the server was stopped or restarted',
    ];
  }
  return undefined;
}
