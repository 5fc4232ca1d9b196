/** What the client and the server say, in words that name the connection, its address and the mend. */
import { QaError } from '../../core/errors.ts';
import type { Told } from '../../core/told.ts';

export interface Place {
  connection: string;
  /** Redacted. */
  address: string;
  namespace: string | undefined;
  user: string | undefined;
  redact(text: string): string;
}

/** The client's error: `code` is a status, negative where the client itself made it. */
export interface DriverError {
  code?: number | string;
  message: string;
}

/**
 * A QaError where the connection is to blame; undefined where the server refused the command itself, whose error a
 * test may want to see as the client gives it.
 */
export function connectionError(cause: unknown, place: Place): QaError | undefined {
  forget(cause);
  const told = tell(cause as DriverError, place);
  if (!told) return undefined;
  const [code, what, mend] = told;
  return new QaError(code, { what, mend, connection: place.connection, address: place.address, cause });
}

/** An error that a source, `seed` or a reset shows: the server refused a command that we sent. */
export function commandError(cause: unknown, place: Place, doing: string): QaError {
  const known = connectionError(cause, place);
  if (known) return known;
  const error = cause as DriverError;
  return new QaError('QA_QUERY_FAILED', {
    what: `${doing} failed: ${said(error, place)}${error.code === undefined ? '' : ` (status ${error.code})`}`,
    mend: MENDS[Number(error.code)] ?? "See the status in Aerospike's documentation",
    connection: place.connection,
    address: place.address,
    cause,
  });
}

/** The command that failed holds the whole client: nothing that a report could use. */
function forget(cause: unknown): void {
  if (typeof cause === 'object' && cause !== null && 'command' in cause) cause.command = null;
}

/** The first line: further ones repeat it for each attempt. */
export function said({ message }: DriverError, { redact }: Pick<Place, 'redact'>): string {
  return redact(message.split('\n')[0]!.replace(/\.$/, ''));
}

const MENDS: Readonly<Record<number, string>> = {
  4: 'Correct the names and the types of the bins',
  8: 'Make room on the server',
  12: 'Give the bin a value of the type that it has, or remove the record first',
  13: "Write less into one record, or raise the namespace's write-block-size",
  18: 'Write less at a time',
  21: 'Give the bin a name of at most 15 bytes',
  22: 'See whether the namespace allows it; a time to live needs its `nsup-period`, or `allow-ttl-without-nsup`',
};

const LOST = 'See whether the server was stopped or restarted';

function tell(error: DriverError, place: Place): Told | undefined {
  const { namespace, user } = place;
  const words = said(error, place);
  switch (error.code) {
    case -1:
      // The client's own JavaScript.
      return /^Not connected/.test(words)
        ? [
            'QA_CONNECTION_LOST',
            'The client has lost all nodes, or was closed',
            `${LOST}, or a test has closed the client`,
          ]
        : undefined;
    case -10:
    case -6:
    case -8:
    case 11:
      return ['QA_CONNECTION_LOST', `No node can be reached: ${words}`, LOST];
    case -14:
      return ['QA_CONNECTION_LOST', `The client has given up on a node for a while: ${words}`, LOST];
    case -9:
      return [
        'QA_AUTH',
        `The TLS connection could not be made: ${words}`,
        'Name the authority of the certificate with `tls: { ca }`, and the name that it carries with `servername`',
      ];
    case -7:
      return [
        'QA_CONNECTION_LOST',
        `More commands run at once than the client may open connections: ${words}`,
        'Await some before you send more, use a batch, or raise `client: { maxConnsPerNode }`',
      ];
    case 9:
      return [
        'QA_TIMEOUT',
        `The server does not answer in time: ${words}`,
        'See whether it hangs or is overloaded, or give the command a longer `totalTimeout`',
      ];
    case 20:
      return ['QA_NOT_FOUND', `The namespace \`${namespace}\` does not exist`, 'Correct its name'];
    case 60:
      return ['QA_AUTH', `The server does not know the user \`${user}\``, 'Correct user and password'];
    case 62:
    case 65:
      return ['QA_AUTH', `The server refused the password of the user \`${user}\``, 'Correct user and password'];
    case 63:
    case 66:
      return ['QA_AUTH', `The password or the session of the user \`${user}\` has expired`, 'Set a new password'];
    case 80:
      return user === undefined
        ? ['QA_AUTH', 'The server asks for a user and the config has none', 'Give `user` and `password`']
        : ['QA_AUTH', `The server did not let the user \`${user}\` in (${words})`, 'Correct user and password'];
    case 81:
    case 82:
      return ['QA_FORBIDDEN', `The user \`${user}\` may not do this (${words})`, 'Grant it the role that it needs'];
  }
  return undefined;
}
