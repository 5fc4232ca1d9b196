/** What a config may say about a Cassandra connection, and what is made of it. */
import type cassandra from 'cassandra-driver';
import {
  type Checked,
  check,
  either,
  list,
  milliseconds,
  nonEmpty,
  object,
  oneOf,
  optional,
  string,
} from '../../core/check.ts';
import { QaError } from '../../core/errors.ts';
import type { OrReference } from '../../core/reference.ts';
import { isServer, SERVER_EXPECTED } from '../../core/server.ts';
import { checkTls, type TlsOptions } from '../../core/tls.ts';
import { type Address, contactPoint } from './address.ts';
import type { CassandraServer } from './server.ts';

export interface CassandraOptions {
  /** `host:9042`, one or more, also as one text with commas. Excludes `server`. */
  contactPoints?: OrReference<string> | readonly OrReference<string>[];
  /** The data centre that queries go to; a single node's is most often `datacenter1`. */
  localDataCenter?: OrReference<string>;
  /** The keyspace that tables are looked for in. */
  keyspace?: OrReference<string>;
  user?: OrReference<string>;
  password?: OrReference<string>;
  /** A throwaway server: `embedded(…)`, or a started testcontainers object. Excludes every address. */
  server?: CassandraServer;
  /** TLS. `true` verifies the certificate with the authorities that Node knows. */
  ssl?: boolean | TlsOptions;
  /** Of all queries that do not name their own. Default: the driver's, `localOne`. */
  consistency?: Consistency;
  /** The longest that one request may take, ms. Default: 5000. */
  readTimeout?: number;
  /** Time for one connection to open, ms. Default: 5000. */
  connectTimeout?: number;
  /** Options of the driver, handed on as they are: `policies`, `profiles`, `pooling`, `encoding` … */
  driver?: CassandraDriverOptions;
  /** What may be emptied on a target that is not a throwaway server; it must carry the marker. */
  reset?: { tables: readonly string[] };
}

/** What has no option of its own here. */
export type CassandraDriverOptions = Omit<
  cassandra.ClientOptions,
  'contactPoints' | 'localDataCenter' | 'keyspace' | 'credentials' | 'sslOptions'
>;

const CONSISTENCIES = ['any', 'one', 'two', 'three', 'quorum', 'all', 'localQuorum', 'eachQuorum', 'localOne'] as const;
export type Consistency = (typeof CONSISTENCIES)[number];

const anyObject = (expected: string) =>
  check<object>(expected, (value) => typeof value === 'object' && value !== null && !Array.isArray(value));

const checkOptions = object({
  contactPoints: optional(either(nonEmpty, list(nonEmpty))),
  localDataCenter: optional(nonEmpty),
  keyspace: optional(nonEmpty),
  user: optional(nonEmpty),
  password: optional(string),
  server: optional(check<object>(SERVER_EXPECTED, isServer)),
  ssl: optional(checkTls),
  consistency: optional(oneOf(...CONSISTENCIES)),
  readTimeout: optional(milliseconds(1)),
  connectTimeout: optional(milliseconds(1)),
  driver: optional(anyObject('an object with options of cassandra-driver')),
  reset: optional(object({ tables: list(nonEmpty) })),
});

const ADDRESS_KEYS = ['contactPoints', 'localDataCenter', 'keyspace', 'user', 'password'] as const;
/** Options of the driver that have a place of their own. */
const OWN_PLACE: Readonly<Record<string, string>> = {
  contactPoints: 'contactPoints',
  localDataCenter: 'localDataCenter',
  keyspace: 'keyspace',
  credentials: 'user` and `password',
  sslOptions: 'ssl',
};

type Rest = Omit<Checked<typeof checkOptions>, (typeof ADDRESS_KEYS)[number] | 'driver'>;

export interface ParsedOptions extends Rest {
  /** undefined only with `server`, until the server is there. */
  address?: Address;
  driver?: CassandraDriverOptions;
}

/** @throws QaError QA_CONFIG */
export function parseOptions(input: Readonly<Record<string, unknown>>, path: string): ParsedOptions {
  const { contactPoints, localDataCenter, keyspace, user, password, ...rest } = checkOptions(input, path);
  const fail = (what: string, mend: string) => new QaError('QA_CONFIG', { what: `\`${path}${what}`, mend });
  for (const [key, place] of Object.entries(OWN_PLACE)) {
    if (rest.driver === undefined || !(key in rest.driver)) continue;
    throw fail(`.driver.${key}\` has a place of its own`, `Give it as \`${place}\` of the connection`);
  }
  const given = ADDRESS_KEYS.filter((key) => input[key] !== undefined);
  const parsed = rest as ParsedOptions;
  if (rest.server !== undefined) {
    if (given.length === 0) return parsed;
    throw fail(`\` has both \`server\` and \`${given[0]}\``, 'Keep `server` for a throwaway server, or the address');
  }
  if (contactPoints === undefined) {
    throw fail(
      '` says nothing about where the server is',
      'Give `contactPoints` and `localDataCenter`, or `server: embedded()`',
    );
  }
  const points = (typeof contactPoints === 'string' ? contactPoints.split(',') : contactPoints).map((point) =>
    contactPoint(point, `${path}.contactPoints`),
  );
  if (points.length === 0) throw fail('.contactPoints` is empty', "Name at least one: 'host:9042'");
  return { ...parsed, address: { contactPoints: points, localDataCenter, keyspace, user, password } };
}
