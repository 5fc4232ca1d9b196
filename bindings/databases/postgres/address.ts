/** Addresses of PostgreSQL servers as URLs. */
import { QaError } from '../../core/errors.ts';
import { redactUrl } from '../../core/redact.ts';

export interface Address {
  /** As the system under test gets it, with password. */
  url: string;
  /** A name, an address, or the folder of a Unix socket. */
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
  database: string | undefined;
  /** The URL says more than this record: `sslmode`, `options` … */
  hasParameters: boolean;
}

const OWN_PARAMETERS = new Set(['host', 'port', 'user', 'password']);

/** @throws QaError QA_CONFIG, without the URL's password */
export function parseAddress(url: string, path: string): Address {
  // A URL may leave the host out before a user, which WHATWG's does not allow.
  const hostless = /^postgres(?:ql)?:\/\/(?:[^/?#]*@)?(?=[/?#]|$)/i.exec(url);
  let parsed: URL;
  try {
    if (!/^postgres(ql)?:\/\//i.test(url)) throw new TypeError('another scheme');
    parsed = new URL(hostless ? `${hostless[0]}localhost${url.slice(hostless[0].length)}` : url);
  } catch {
    throw new QaError('QA_CONFIG', {
      what: `\`${path}\` is no address of a PostgreSQL server: ${redactUrl(url).replace(/:[^:@/]*@/, ':…@')}`,
      mend: 'Write postgres://user:password@host:5432/database; encode special characters of the password (encodeURIComponent)',
    });
  }
  const parameter = (name: string) => parsed.searchParams.get(name) || undefined;
  const hostname = decodeURIComponent(parsed.hostname).replace(/^\[(.*)\]$/, '$1');
  return {
    url,
    host: parameter('host') ?? (hostname || 'localhost'),
    port: Number(parameter('port') ?? (parsed.port || 5432)),
    user: parameter('user') ?? (decodeURIComponent(parsed.username) || undefined),
    password: parameter('password') ?? (decodeURIComponent(parsed.password) || undefined),
    database: decodeURIComponent(parsed.pathname.slice(1)) || undefined,
    hasParameters: [...parsed.searchParams.keys()].some((name) => !OWN_PARAMETERS.has(name)),
  };
}

/** `postgres://app@127.0.0.1:5432/shop` */
export function printAddress({ host, port, user, database }: Address): string {
  const login = user === undefined ? '' : `${user}@`;
  const name = database ?? user ?? '';
  if (host.startsWith('/')) return `postgres://${login}/${name}?host=${host}`;
  return `postgres://${login}${host.includes(':') ? `[${host}]` : host}:${port}/${name}`;
}
