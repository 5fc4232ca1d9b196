/** What a config may say about a PostgreSQL connection, and what is made of it. */
import {
  type Checked,
  check,
  either,
  integer,
  list,
  milliseconds,
  nonEmpty,
  object,
  optional,
  string,
} from '../../core/check.ts';
import { QaError } from '../../core/errors.ts';
import type { OrReference } from '../../core/reference.ts';
import { isServer, SERVER_EXPECTED } from '../../core/server.ts';
import { checkTls, type TlsOptions } from '../../core/tls.ts';
import { type Address, parseAddress } from './address.ts';
import type { PostgresServer } from './server.ts';

export interface PostgresOptions {
  /**
   * `postgres://user:password@host:5432/database`, with the parameters of libpq; a Unix socket as
   * `postgres:///database?host=/run/postgresql`. Excludes `host` … `database` and `server`.
   */
  url?: OrReference<string>;
  /** Host name, address, or the folder of a Unix socket. */
  host?: OrReference<string>;
  /** Default: 5432. */
  port?: OrReference<number | string>;
  user?: OrReference<string>;
  password?: OrReference<string>;
  /** Default: the user's name. */
  database?: OrReference<string>;
  /** A throwaway server: `embedded(…)`, or a started testcontainers object. Excludes every address. */
  server?: PostgresServer;
  /** TLS. `true` verifies the certificate with the authorities that Node knows. */
  ssl?: boolean | TlsOptions;
  /** Schemas to look in, in order: `search_path`. */
  schema?: OrReference<string> | readonly string[];
  pool?: PoolOptions;
  /** The server ends statements that run longer, ms. Default: the server's own setting. */
  statementTimeout?: number;
  /** Time for one connection to open, and to wait for a free one of the pool, ms. Default: 10000. */
  connectTimeout?: number;
  /** What the server shows for these connections. Default: `qa <run> w<worker>`. */
  applicationName?: OrReference<string>;
  /** What may be emptied on a target that is not a throwaway server; it must carry the marker. */
  reset?: { tables: readonly string[] };
}

export interface PoolOptions {
  /** Most connections at a time. Default: 10. */
  max?: number;
  /** An unused connection is closed after this time, ms; 0: never. Default: 10000. */
  idleTimeout?: number;
  /** A connection is replaced after this time, ms. Default: never. */
  maxLifetime?: number;
}

const checkOptions = object({
  url: optional(nonEmpty),
  host: optional(nonEmpty),
  // An environment variable gives the port as text.
  port: optional(check<number | string>('a port from 1 to 65535', (value) => isPort(value))),
  user: optional(nonEmpty),
  password: optional(string),
  database: optional(nonEmpty),
  server: optional(check<PostgresServer>(SERVER_EXPECTED, isServer)),
  ssl: optional(checkTls),
  schema: optional(either(nonEmpty, list(nonEmpty))),
  pool: optional(
    object({
      max: optional(integer(1, 1000)),
      idleTimeout: optional(milliseconds()),
      maxLifetime: optional(milliseconds(1)),
    }),
  ),
  statementTimeout: optional(milliseconds(1)),
  connectTimeout: optional(milliseconds(1)),
  applicationName: optional(nonEmpty),
  reset: optional(object({ tables: list(nonEmpty) })),
});

const ADDRESS_KEYS = ['url', 'host', 'port', 'user', 'password', 'database'] as const;

type Rest = Omit<Checked<typeof checkOptions>, (typeof ADDRESS_KEYS)[number] | 'schema'>;

export interface ParsedOptions extends Rest {
  /** undefined only with `server`, until the server is there. */
  address?: Address;
  schema?: readonly string[];
}

/** What asks for Kerberos, in the words of other clients and of our other bindings. */
const GSSAPI = ['sasl', 'gssapi', 'gssencmode', 'krbsrvname'];

/** @throws QaError QA_CONFIG */
export function parseOptions(input: Readonly<Record<string, unknown>>, path: string): ParsedOptions {
  const asked = GSSAPI.find((name) => input[name] !== undefined);
  if (asked !== undefined)
    throw new QaError('QA_CONFIG', {
      what: `\`${path}.${asked}\` asks for Kerberos (GSSAPI), which the driver \`pg\` does not have`,
      mend: 'Log in with `user` and `password`, or with a certificate: `ssl: { cert, key }`',
    });
  const { url, host, port, user, password, database, schema, ...rest } = checkOptions(input, path);
  const given = ADDRESS_KEYS.filter((key) => input[key] !== undefined);
  const fail = (what: string, mend: string) => new QaError('QA_CONFIG', { what: `\`${path}\` ${what}`, mend });
  const schemas = schema === undefined ? {} : { schema: typeof schema === 'string' ? [schema] : schema };
  if (rest.server !== undefined) {
    if (given.length === 0) return { ...rest, ...schemas };
    throw fail(`has both \`server\` and \`${given[0]}\``, 'Keep `server` for a throwaway server, or the address');
  }
  if (url !== undefined) {
    const other = given.find((key) => key !== 'url');
    if (other !== undefined)
      throw fail(`has both \`url\` and \`${other}\``, `Put \`${other}\` into the url, or leave the url out`);
    return { ...rest, ...schemas, address: parseAddress(url, `${path}.url`) };
  }
  if (host === undefined) {
    throw fail('says nothing about where the server is', 'Give `url`, or `host`, or `server: embedded()`');
  }
  const parts = { host, port: Number(port ?? 5432), user, password, database };
  return { ...rest, ...schemas, address: { ...parts, url: writeUrl(parts), hasParameters: false } };
}

function isPort(value: unknown): boolean {
  if (typeof value !== 'number' && (typeof value !== 'string' || !/^\d+$/.test(value))) return false;
  return Number.isInteger(Number(value)) && Number(value) >= 1 && Number(value) <= 65535;
}

function writeUrl({ host, port, user, password, database }: Omit<Address, 'url' | 'hasParameters'>): string {
  const login = user === undefined ? '' : encodeURIComponent(user);
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
  const at = login || secret ? `${login}${secret}@` : '';
  const path = database === undefined ? '' : encodeURIComponent(database);
  if (host.startsWith('/')) return `postgres://${at}/${path}?host=${encodeURIComponent(host)}&port=${port}`;
  return `postgres://${at}${host.includes(':') ? `[${host}]` : host}:${port}/${path}`;
}
