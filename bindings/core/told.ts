/** What every driver hands on from below: codes of sockets and of TLS, in words. */
import type { ErrorCode } from './errors.ts';

/** How an error of a driver is told. */
export type Told = readonly [code: ErrorCode, what: string, mend: string];

export interface Way {
  /** The host that was dialled, for one whose name leads nowhere. */
  readonly host: string | undefined;
  /** What leads there, as the config calls it: `host and port`. */
  readonly address: string;
  /** What leads to a Unix socket: `the path of its socket`. Undefined: it never is one. */
  readonly socket?: string;
  /** What else a host that is silent may be asked for. Default: whether the address is right and the way is open. */
  readonly silent?: string;
}

/** Nobody answered at all; undefined for a code of something else. */
export function tellSocketCode(code: string, { host, address, socket, silent }: Way): Told | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return [
        'QA_CONNECTION_LOST',
        'Nothing listens there: the connection was refused',
        `Start the server, or correct ${address}`,
      ];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return [
        'QA_CONNECTION_LOST',
        `The host name \`${host}\` could not be resolved`,
        'Correct the host, or see to the name server',
      ];
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return [
        'QA_CONNECTION_LOST',
        `The host does not answer (${code})`,
        silent ?? 'See whether the address is right and the network lets it through',
      ];
  }
  if (socket === undefined) return undefined;
  if (code === 'ENOENT')
    return ['QA_CONNECTION_LOST', 'There is no such Unix socket', `Start the server, or correct ${socket}`];
  if (code === 'EACCES')
    return ['QA_CONNECTION_LOST', 'The Unix socket may not be opened', 'Give this user the right to open it'];
  return undefined;
}

/**
 * A server that wants to know who calls; undefined for a message of something else.
 *
 * @param said the driver's own words, redacted
 * @param whose `server`, `broker`
 */
export function tellUnknownClient(message: string, said: string, whose = 'server'): Told | undefined {
  if (!/certificate required|bad certificate|handshake failure/i.test(message)) return undefined;
  return [
    'QA_AUTH',
    `The ${whose} wants another certificate of the client (${said})`,
    'Give `ssl: { cert, key }` that its authority has signed',
  ];
}

const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_.*|ERR_TLS_CERT_ALTNAME_INVALID)$/;

/**
 * A certificate that nobody here trusts; undefined for a code of something else.
 *
 * @param said the driver's own words, redacted
 * @param whose `server`, `broker`
 */
export function tellUntrusted(code: string, said: string, whose = 'server'): Told | undefined {
  if (!UNTRUSTED.test(code)) return undefined;
  return [
    'QA_AUTH',
    `The ${whose}'s certificate is not trusted (${said})`,
    'Name its authority with `ssl: { ca }`; in a test environment only, `ssl: { rejectUnauthorized: false }`',
  ];
}
