/** What a config may say about an Aerospike connection, and what is made of it. */
import type { ConfigOptions } from 'aerospike';
import {
  type Checked,
  check,
  either,
  list,
  milliseconds,
  nonEmpty,
  object,
  optional,
  record,
  string,
} from '../../core/check.ts';
import { QaError } from '../../core/errors.ts';
import type { OrReference } from '../../core/reference.ts';
import { isServer, SERVER_EXPECTED } from '../../core/server.ts';
import { didYouMean } from '../../core/suggest.ts';
import { checkTls, type TlsOptions } from '../../core/tls.ts';
import { type Address, parseSeeds } from './address.ts';
import type { AerospikeServer } from './server.ts';

export interface AerospikeOptions {
  /** Seeds: `host:port`, several with commas or as a list. The port may be left out: 3000. */
  hosts?: OrReference<string> | readonly string[];
  /** Must be on the cluster. With `server` default: `test`. */
  namespace?: OrReference<string>;
  user?: OrReference<string>;
  password?: OrReference<string>;
  /** A throwaway server: `embedded()`, from the `asd` in PATH, or a started container. Excludes `hosts`. */
  server?: AerospikeServer;
  /** TLS. `true` verifies the certificate with the authorities that Node knows. */
  tls?: boolean | TlsOptions;
  /** Time for one node to answer when the connection opens, and for the client's connections later, ms. Default: 5000 and 1000. */
  connectTimeout?: number;
  /**
   * The client's default policies by kind of command: `{ read: { maxRetries: 0 } }`. Their `totalTimeout` is 10000 ms
   * where nothing is said, and never 0, which means for ever.
   */
  policies?: Readonly<Partial<Record<PolicyKind, Readonly<Record<string, unknown>>>>>;
  /** More of the client's own configuration, such as `clusterName` or `useAlternateAccessAddress`. */
  client?: Readonly<ClientConfig>;
  /** What may be emptied on a cluster that is not a throwaway server; it must carry the marker. */
  reset?: { sets: readonly string[] };
}

export type ClientConfig = Pick<ConfigOptions, (typeof CLIENT_KEYS)[number]>;

/** What else the client takes, and what the connection needs none of. */
const CLIENT_KEYS = [
  'appId',
  'authMode',
  'clusterName',
  'errorRateWindow',
  'loginTimeoutMs',
  'maxConnsPerNode',
  'maxErrorRate',
  'maxSocketIdle',
  'minConnsPerNode',
  'modlua',
  'rackAware',
  'rackId',
  'tenderInterval',
  'useAlternateAccessAddress',
] as const;

export const POLICY_KINDS = ['apply', 'batch', 'operate', 'query', 'read', 'remove', 'scan', 'write'] as const;
export type PolicyKind = (typeof POLICY_KINDS)[number];

const policy = check<Readonly<Record<string, unknown>>>(
  'an object of policy settings',
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);

const checkOptions = object({
  hosts: optional(either(nonEmpty, list(nonEmpty))),
  namespace: optional(nonEmpty),
  user: optional(nonEmpty),
  password: optional(string),
  server: optional(check<object>(SERVER_EXPECTED, isServer)),
  tls: optional(checkTls),
  connectTimeout: optional(milliseconds(1)),
  policies: optional(record(policy)),
  client: optional(record(check<unknown>('a value', () => true))),
  reset: optional(object({ sets: list(nonEmpty) })),
});

type Rest = Omit<Checked<typeof checkOptions>, 'hosts' | 'namespace' | 'user' | 'password' | 'policies' | 'client'>;

export interface ParsedOptions extends Rest {
  /** undefined only with `server`, until the server is there. */
  address?: Address;
  namespace?: string;
  policies: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  client: Readonly<Record<string, unknown>>;
}

/** @throws QaError QA_CONFIG */
export function parseOptions(input: Readonly<Record<string, unknown>>, path: string): ParsedOptions {
  const { hosts, namespace, user, password, policies = {}, client = {}, ...rest } = checkOptions(input, path);
  const fail = (what: string, mend: string) => new QaError('QA_CONFIG', { what: `\`${path}\` ${what}`, mend });
  checkKeys(client, CLIENT_KEYS, `${path}.client`);
  checkKeys(policies, POLICY_KINDS, `${path}.policies`);
  for (const [kind, settings] of Object.entries(policies)) checkTimes(settings, `${path}.policies.${kind}`);
  if (typeof rest.tls === 'object' && rest.tls.rejectUnauthorized === false) {
    throw new QaError('QA_CONFIG', {
      what: `\`${path}.tls.rejectUnauthorized\` is false, but Aerospike's client verifies every certificate`,
      mend: 'Name the authority of the certificate with `tls: { ca }`',
    });
  }
  const common = { ...rest, policies, client };
  if (hosts === undefined) {
    if (rest.server === undefined) {
      throw fail('says nothing about where the server is', 'Give `hosts` and `namespace`, or `server: embedded()`');
    }
    return { ...common, ...(namespace === undefined ? {} : { namespace }) };
  }
  if (rest.server !== undefined) {
    throw fail('has both `server` and `hosts`', 'Keep `server` for a throwaway server, or the hosts');
  }
  if (namespace === undefined) {
    throw fail('names no `namespace`', "Give it: Aerospike has no default one. On a fresh server it is 'test'");
  }
  return { ...common, namespace, address: { seeds: parseSeeds(hosts, `${path}.hosts`), namespace, user, password } };
}

function checkKeys(given: object, known: readonly string[], path: string): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    throw new QaError('QA_CONFIG', { what: `\`${path}.${key}\` is not an option`, mend: didYouMean(key, known) });
  }
}

function checkTimes(settings: Readonly<Record<string, unknown>>, path: string): void {
  const time = settings.totalTimeout;
  if (time === undefined || (Number.isInteger(time) && Number(time) > 0)) return;
  throw new QaError('QA_CONFIG', {
    what: `\`${path}.totalTimeout\` must be a whole number of milliseconds from 1${time === 0 ? ': 0 means for ever, and a server that hangs would hold the run' : ''}`,
    mend: 'Give the time that the slowest of these commands may take',
  });
}
