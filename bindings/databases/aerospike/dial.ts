/**
 * A first look at the nodes, before the client gets them: its own connecting holds up the whole process until a node
 * that hangs has used up its time, and does not tell what was wrong.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Scope } from '../../core/binding.ts';
import { clock } from '../../core/clock.ts';
import { QaError } from '../../core/errors.ts';
import type { TlsOptions } from '../../core/tls.ts';
import { printSeeds, type Seed } from './address.ts';
import type { Place } from './errors.ts';

export interface DialOptions {
  seeds: readonly Seed[];
  tls: boolean | TlsOptions | undefined;
  /** ms */
  timeout: number;
  signal: AbortSignal;
}

/** An info frame, version 2 and type 1, that asks for the node's id. */
export const NODE_QUESTION = Buffer.from([2, 1, 0, 0, 0, 0, 0, 5, ...Buffer.from('node\n')]);

/**
 * The seeds that answer, in the order given.
 *
 * @throws QaError that says what is wrong with the first, and how many others are no better
 */
export async function dial(options: DialOptions, place: Place, scope: Scope): Promise<Seed[]> {
  const results = await Promise.allSettled(options.seeds.map((seed) => ask(seed, options)));
  options.signal.throwIfAborted();
  const answering = options.seeds.filter((_, i) => results[i]!.status === 'fulfilled');
  if (answering.length > 0) {
    const silent = options.seeds.filter((_, i) => results[i]!.status === 'rejected');
    if (silent.length > 0) scope.notice(`these hosts do not answer, others do: ${printSeeds(silent)}`);
    return answering;
  }
  throw unreachable((results[0] as PromiseRejectedResult).reason, options, place);
}

/** Resolves with the first byte of an answer, whatever it says: the client asks again, and better. */
function ask({ host, port }: Seed, { tls, timeout, signal }: DialOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const ready = () => socket.write(NODE_QUESTION);
    const own = typeof tls === 'object' ? tls : {};
    const name = own.servername ?? (isIP(host) ? undefined : host);
    const socket: Socket = tls
      ? connectTls({ host, port, ...(secureContext(own) as object), ...(name && { servername: name }) }, ready)
      : connect({ host, port }, ready);
    const late = clock().setTimeout(() => end(Object.assign(new Error('No answer.'), { code: 'LATE' })), timeout);
    const abort = () => end(signal.reason);
    const end = (error?: unknown) => {
      clock().clearTimeout(late);
      signal.removeEventListener('abort', abort);
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) return abort();
    socket.once('data', () => end());
    socket.on('error', end);
    socket.once('close', () => end(Object.assign(new Error('It closed the connection.'), { code: 'CLOSED' })));
  });
}

function secureContext({ ca, cert, key, passphrase }: TlsOptions): object {
  return Object.fromEntries(Object.entries({ ca, cert, key, passphrase }).filter(([, value]) => value !== undefined));
}

function unreachable(cause: unknown, { seeds, tls }: DialOptions, place: Place): QaError {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const [first, ...others] = seeds;
  const more = others.length === 0 ? '' : ` (${first!.host}:${first!.port}; nor do the ${others.length} other hosts)`;
  const error = (kind: 'QA_CONNECTION_LOST' | 'QA_AUTH' | 'QA_TIMEOUT', what: string, mend: string) =>
    new QaError(kind, { what, mend, connection: place.connection, address: place.address, cause });
  switch (code) {
    case 'ECONNREFUSED':
      return error(
        'QA_CONNECTION_LOST',
        `Nothing listens there: the connection was refused${more}`,
        'Start the server, or correct `hosts`',
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return error(
        'QA_CONNECTION_LOST',
        `The host name \`${first!.host}\` could not be resolved${more}`,
        'Correct `hosts`, or see to the name server',
      );
    case 'LATE':
      return error(
        'QA_TIMEOUT',
        `The server took the connection but does not answer${more}`,
        'See whether it hangs or is no Aerospike, or give it more time with `connectTimeout`',
      );
    case 'CLOSED':
    case 'ECONNRESET':
      return error(
        'QA_CONNECTION_LOST',
        `The server closed the connection without an answer${more}`,
        tls ? 'See whether it is an Aerospike' : 'See whether it is an Aerospike; one that wants TLS needs `tls`',
      );
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(code)) {
    return error(
      'QA_AUTH',
      `The server's certificate is not trusted (${place.redact(message)})`,
      'Name its authority with `tls: { ca }`, and the name that it carries with `tls: { servername }`',
    );
  }
  if (/SSL|EPROTO/.test(code)) {
    return error('QA_AUTH', `The server does not speak TLS there (${code})`, 'Leave `tls` out, or give its TLS port');
  }
  return error(
    'QA_CONNECTION_LOST',
    `The host does not answer (${place.redact(message)})${more}`,
    'See whether the address is right and the network lets it through',
  );
}
