/** Addresses of servers that speak Redis' protocol, as URLs. */
import { QaError } from '../../core/errors.ts';
import { redactUrl } from '../../core/redact.ts';

export interface Address {
  /** As the system under test gets it, with password. */
  url: string;
  host: string;
  port: number;
  /** A Unix socket, instead of host and port. */
  socket: string | undefined;
  user: string | undefined;
  password: string | undefined;
  db: number;
  tls: boolean;
}

const SCHEMES: Readonly<Record<string, { tls: boolean; socket: boolean }>> = {
  'redis:': { tls: false, socket: false },
  'rediss:': { tls: true, socket: false },
  'valkey:': { tls: false, socket: false },
  'valkeys:': { tls: true, socket: false },
  'unix:': { tls: false, socket: true },
  'redis+unix:': { tls: false, socket: true },
};

/** @throws QaError QA_CONFIG, without the URL's password */
export function parseAddress(url: string, path: string): Address {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const scheme = parsed && SCHEMES[parsed.protocol];
  const db = parsed && (parsed.searchParams.get('db') ?? (scheme?.socket ? '' : parsed.pathname.slice(1)));
  if (parsed === undefined || scheme === undefined || !/^\d*$/.test(db ?? '')) {
    throw new QaError('QA_CONFIG', {
      what: `\`${path}\` is no address of a server that speaks Redis' protocol: ${redactUrl(url).replace(/:[^:@/]*@/, ':…@')}`,
      mend: 'Write redis://user:password@host:6379/0, rediss://… for TLS, or unix:///run/redis.sock?db=0; encode special characters of the password (encodeURIComponent)',
    });
  }
  return {
    url,
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost',
    port: Number(parsed.port || 6379),
    socket: scheme.socket ? decodeURIComponent(parsed.pathname) : undefined,
    user: decodeURIComponent(parsed.username) || undefined,
    password: decodeURIComponent(parsed.password) || undefined,
    db: Number(db ?? 0),
    tls: scheme.tls,
  };
}

export function writeUrl({ host, port, socket, user, password, db, tls }: Omit<Address, 'url'>): string {
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
  const login = user === undefined && secret === '' ? '' : `${encodeURIComponent(user ?? '')}${secret}@`;
  if (socket !== undefined) return `unix://${login}${socket}?db=${db}`;
  return `${tls ? 'rediss' : 'redis'}://${login}${host.includes(':') ? `[${host}]` : host}:${port}/${db}`;
}

/** `redis://app@127.0.0.1:6379/0` */
export function printAddress(address: Address): string {
  return writeUrl({ ...address, password: undefined });
}
