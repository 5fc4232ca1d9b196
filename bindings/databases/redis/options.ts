/** What a config may say about a server that speaks Redis' protocol, and what is made of it. */
import type { ClusterOptions, RedisOptions as IoredisOptions } from 'ioredis';
import {
  type Checked,
  check,
  either,
  list,
  milliseconds,
  nonEmpty,
  object,
  optional,
  string,
} from '../../core/check.ts';
import { QaError } from '../../core/errors.ts';
import type { OrReference } from '../../core/reference.ts';
import { type EmbeddedFor, type EmbeddedServer, isServer, type Lent, SERVER_EXPECTED } from '../../core/server.ts';
import { checkTls, type TlsOptions } from '../../core/tls.ts';
import { type Address, parseAddress, printAddress, writeUrl } from './address.ts';

export interface RedisOptions {
  /**
   * `redis://user:password@host:6379/0`; `rediss://…` with TLS; a Unix socket as `unix:///run/redis.sock?db=0`.
   * Excludes `host` … `db`, `cluster` and `server`.
   */
  url?: OrReference<string>;
  host?: OrReference<string>;
  /** Default: 6379. */
  port?: OrReference<number | string>;
  /** Path of a Unix socket, instead of `host` and `port`. */
  socket?: OrReference<string>;
  /** A user of the server's access control list. Default: the server's default user. */
  user?: OrReference<string>;
  password?: OrReference<string>;
  /** Number of the database. Default: 0. */
  db?: OrReference<number | string>;
  /** Nodes of a cluster to begin with: `['10.0.0.1:6379']`. Excludes `url` and `host`. */
  cluster?: readonly OrReference<string>[];
  /** A throwaway server: `embedded()`, or a started testcontainers object. Excludes every address. */
  server?: EmbeddedServer<EmbeddedFor<'binaries'>> | Lent<object>;
  /** TLS. `true` verifies the certificate with the authorities that Node knows. */
  ssl?: boolean | TlsOptions;
  /** What the service puts before its keys, used as written: handles add it, `client` does not. Default: none. */
  keyPrefix?: string;
  /** Channels whose messages are recorded from the file's opening on; with `*`, `?` or `[…]` a pattern. */
  channels?: readonly string[];
  /** Time for a connection to open, ms. Default: 5000. */
  connectTimeout?: number;
  /** Time for the server to answer a command, ms. Default: 10000. */
  commandTimeout?: number;
  /** What the server shows for these connections. Default: `qa-<run>-w<worker>`. */
  clientName?: OrReference<string>;
  /** What may be emptied on a target that is not a throwaway server; it must carry the marker. */
  reset?: { prefix: string | readonly string[] };
  /** Options of ioredis that are handed on as they are: `sentinels`, `natMap`, `stringNumbers` … */
  ioredis?: IoredisOptions | ClusterOptions;
}

const whole = check<number | string>(
  'a whole number from 0',
  (value) => /^\d+$/.test(String(value)) && typeof value !== 'object',
);

const checkOptions = object({
  url: optional(nonEmpty),
  host: optional(nonEmpty),
  // An environment variable gives numbers as text.
  port: optional(check<number | string>('a port from 1 to 65535', isPort)),
  socket: optional(nonEmpty),
  user: optional(nonEmpty),
  password: optional(string),
  db: optional(whole),
  cluster: optional(list(check<string>('an address like host:6379', isNode))),
  server: optional(check<object>(SERVER_EXPECTED, isServer)),
  ssl: optional(checkTls),
  keyPrefix: optional(string),
  channels: optional(list(nonEmpty)),
  connectTimeout: optional(milliseconds(1)),
  commandTimeout: optional(milliseconds(1)),
  clientName: optional(
    check<string>('a name without spaces', (value) => typeof value === 'string' && /^\S+$/.test(value)),
  ),
  reset: optional(object({ prefix: either(nonEmpty, list(nonEmpty)) })),
  ioredis: optional(
    check<IoredisOptions>('an object of options of ioredis', (value) => typeof value === 'object' && value !== null),
  ),
});

const ADDRESS_KEYS = ['url', 'host', 'port', 'socket', 'user', 'password', 'db', 'cluster'] as const;

/** What ioredis calls options that have their place beside `ioredis`, or would undo what the package relies on. */
const OURS: Readonly<Record<string, string>> = {
  host: 'host',
  port: 'port',
  path: 'socket',
  username: 'user',
  password: 'password',
  db: 'db',
  tls: 'ssl',
  keyPrefix: 'keyPrefix',
  connectTimeout: 'connectTimeout',
  commandTimeout: 'commandTimeout',
  connectionName: 'clientName',
};

/** Options of ioredis that would change what our own commands get or when they run. */
const REFUSED = ['lazyConnect', 'replyMapping', 'monitor'];

type Rest = Omit<Checked<typeof checkOptions>, (typeof ADDRESS_KEYS)[number] | 'reset'>;

export interface ParsedOptions extends Rest {
  /** undefined only with `server`, until the server is there. */
  address?: Address;
  /** `host:port` of some nodes; the address is that of the first. */
  cluster?: readonly string[];
  /** Prefixes that may be emptied. */
  prefixes: readonly string[];
}

/** @throws QaError QA_CONFIG */
export function parseOptions(input: Readonly<Record<string, unknown>>, path: string): ParsedOptions {
  const { url, host, port, socket, user, password, db, cluster, reset, ...rest } = checkOptions(input, path);
  const given = ADDRESS_KEYS.filter((key) => input[key] !== undefined);
  const fail = (what: string, mend: string) => new QaError('QA_CONFIG', { what: `\`${path}\` ${what}`, mend });
  const prefixes = reset === undefined ? [] : [reset.prefix].flat();
  for (const [theirs, ours] of Object.entries(OURS)) {
    if (rest.ioredis && theirs in rest.ioredis)
      throw fail(`has \`ioredis.${theirs}\``, `Write it as \`${ours}\`, beside \`ioredis\``);
  }
  const refused = REFUSED.find((name) => rest.ioredis && name in rest.ioredis);
  if (refused !== undefined)
    throw fail(
      `has \`ioredis.${refused}\`, which this package sets`,
      'Leave it out, or make a client of your own: `new qa.<name>.driver({ … })`',
    );
  const parsed = { ...rest, prefixes };
  if (rest.server !== undefined) {
    const other = given.find((key) => key !== 'db');
    if (other === undefined) return parsed;
    throw fail(`has both \`server\` and \`${other}\``, 'Keep `server` for a throwaway server, or the address');
  }
  if (url !== undefined) {
    const other = given.find((key) => key !== 'url');
    if (other !== undefined)
      throw fail(`has both \`url\` and \`${other}\``, `Put \`${other}\` into the url, or leave the url out`);
    return { ...parsed, address: parseAddress(url, `${path}.url`) };
  }
  const sentinels = (rest.ioredis as IoredisOptions | undefined)?.sentinels ?? undefined;
  const places = [host, socket, cluster, sentinels].filter((place) => place !== undefined);
  if (places.length === 0)
    throw fail(
      'says nothing about where the server is',
      'Give `url`, or `host`, `socket` or `cluster`, or `server: embedded()`',
    );
  if (places.length > 1)
    throw fail('names more than one place', 'Keep one of `host`, `socket`, `cluster` and `ioredis.sentinels`');
  if (cluster !== undefined && Number(db ?? 0) > 0)
    throw fail('has both `cluster` and `db`', 'A cluster has one database: leave `db` out');
  const [first] = cluster ?? (sentinels ?? []).map(({ host = 'localhost', port = 26_379 }) => `${host}:${port}`);
  const [, firstHost, firstPort] = /^(.*):(\d+)$/.exec(first ?? '') ?? [];
  const parts = {
    host: host ?? firstHost ?? 'localhost',
    port: Number(port ?? firstPort ?? 6379),
    socket,
    user,
    password,
    db: Number(db ?? 0),
    tls: rest.ssl !== undefined && rest.ssl !== false,
  };
  return { ...parsed, ...(cluster && { cluster }), address: { ...parts, url: writeUrl(parts) } };
}

/** For errors: without secrets. */
export function describeTarget({ address, cluster, ioredis }: ParsedOptions, kind: string): string {
  if (address === undefined) return `${kind} (a throwaway server)`;
  const { sentinels, name } = (ioredis ?? {}) as IoredisOptions;
  if (sentinels) return `${printAddress(address)} (sentinel of ${name})`;
  return cluster === undefined ? printAddress(address) : `${printAddress(address)} (cluster)`;
}

function isPort(value: unknown): boolean {
  return /^\d+$/.test(String(value)) && Number(value) >= 1 && Number(value) <= 65_535;
}

function isNode(value: unknown): boolean {
  return typeof value === 'string' && isPort(/:(\d+)$/.exec(value)?.[1]);
}
