/** Throwaway servers: what the session asks for, and what ends with the run. */
import type { Lease, Namespace } from '../bindings/core/binding.ts';
import { isQaError, QaError } from '../bindings/core/errors.ts';
import { type EmbeddedOptions, isEmbedded } from '../bindings/core/server.ts';
import { didYouMean } from '../bindings/core/suggest.ts';
import { leaseAerospike } from './aerospike/lease.ts';
import { leaseCassandra, prepareCassandra } from './cassandra/lease.ts';
import { type KeeperClient, keeper, usesKeeper } from './client.ts';
import { leaseKafka, prepareKafka } from './kafka/lease.ts';
import { leasePostgres } from './postgres/lease.ts';
import { Failed, type Kept } from './protocol.ts';
import { leaseRedis } from './redis/lease.ts';
import { leaseVault } from './vault/lease.ts';

export { usesKeeper } from './client.ts';
export type { Kept } from './protocol.ts';
export { beginRun, currentRun, type Run } from './run.ts';

export interface LeaseRequest {
  /** Of the binding: 'postgres'. */
  kind: string;
  /** `embedded(…)`, or a started server that is lent to the run. */
  server: unknown;
  /** The connection's name in the config. */
  connection: string;
  namespace: Namespace;
  /** Absolute path of the folder that relative paths start from. */
  baseDir: string;
  /** The driver's module, of the user's project. */
  driver: unknown;
  /** What the config says of the connection, checked by its binding: a target may be filled by it. */
  options?: object;
  /** Default: ends after `startTimeout`, which covers the server and its schema. */
  signal?: AbortSignal;
  /** One line to the user, once a run. */
  notice(line: string): void;
}

/** How targets of one kind are handed out. */
interface Kind {
  /** What of `embedded(…)` means something here. */
  options: readonly (keyof EmbeddedOptions)[];
  /** Brings what the server is run from; counts for no timeout. */
  prepare?(request: Bounded, line: KeeperClient): Promise<void>;
  lease(request: Bounded, line: KeeperClient): Promise<Lease>;
  /** What an error says that none of ours explains. */
  failed: { what: string; mend: string };
  /** What takes the time that `startTimeout` covers, and what makes it shorter. */
  late: { what: string; mend: string };
}

/** One under three names, as its binding is. */
const REDIS: Kind = {
  options: ['binaries', 'isolation', 'startTimeout'],
  lease: leaseRedis,
  failed: {
    what: 'A throwaway server could not be had',
    mend: 'See the cause, or give the connection the `url` of a server of your own',
  },
  late: {
    what: 'The throwaway server was not ready within the deadline',
    mend: 'Give it more time with `embedded({ startTimeout })`',
  },
};

/** By kind of the binding. */
const KINDS: Readonly<Record<string, Kind>> = {
  postgres: {
    options: ['schema', 'isolation', 'binaries', 'startTimeout'],
    lease: leasePostgres,
    failed: {
      what: 'A database of its own could not be made',
      mend: 'The user of a lent server needs the right to create databases (CREATEDB); else see the cause',
    },
    late: {
      what: 'The throwaway server and its database were not ready within the deadline',
      mend: 'Give them more time with `embedded({ startTimeout })`, or make `schema` faster',
    },
  },
  aerospike: {
    options: ['isolation', 'startTimeout'],
    lease: leaseAerospike,
    failed: {
      what: 'A throwaway Aerospike could not be had',
      mend: 'See the cause, or give the connection the `hosts` of an Aerospike of your own',
    },
    late: {
      what: 'The throwaway Aerospike was not ready within the deadline',
      mend: 'Give it more time with `embedded({ startTimeout })`',
    },
  },
  dragonfly: REDIS,
  redis: REDIS,
  valkey: REDIS,
  kafka: {
    options: ['version', 'home', 'isolation', 'startTimeout'],
    prepare: prepareKafka,
    lease: leaseKafka,
    failed: {
      what: 'A throwaway Kafka could not be had',
      mend: 'See the cause, or give the connection the `brokers` of a Kafka of your own',
    },
    late: {
      what: 'The throwaway Kafka was not ready within the deadline',
      mend: 'Give it more time with `embedded({ startTimeout })`',
    },
  },
  vault: {
    options: ['binaries', 'isolation', 'seed', 'startTimeout'],
    lease: leaseVault,
    failed: {
      what: 'A throwaway Vault could not be had',
      mend: 'See the cause, or give the connection the `address` of a Vault of your own',
    },
    late: {
      what: 'The throwaway Vault was not ready within the deadline',
      mend: 'Give it more time with `embedded({ startTimeout })`',
    },
  },
  cassandra: {
    options: ['schema', 'isolation', 'version', 'home', 'startTimeout'],
    prepare: prepareCassandra,
    lease: leaseCassandra,
    failed: {
      what: 'A keyspace of its own could not be made',
      mend: 'See the cause; the user of a lent server needs the right to create keyspaces',
    },
    late: {
      what: 'The throwaway Cassandra and its keyspace were not ready within the deadline',
      mend: 'Give them more time with `embedded({ startTimeout })`, or make `schema` shorter',
    },
  },
};

type Bounded = LeaseRequest & { signal: AbortSignal; onLent(address: string): void };

const START_TIMEOUT = 60_000;
/** The keeper's own message, which tells what the server wrote, comes first, ms. */
const GRACE = 5000;

const KEEP_TIMEOUT = 5000;

/**
 * A target of one's own on a server that this run started, or was lent. The same worker gets the same target for each
 * of its files; it is never dropped or renamed while the run lives.
 *
 * @throws QaError QA_SERVER_START, QA_SCHEMA_FAILED, QA_DRIVER_MISSING, QA_CONFIG; QA_TIMEOUT when `signal` aborts
 */
export async function lease(request: LeaseRequest): Promise<Lease> {
  const { kind: name, connection, server } = request;
  const kind = KINDS[name];
  if (kind === undefined) {
    throw new QaError('QA_CONFIG', {
      what: `There is no throwaway server for \`${name}\`; there is one for: ${Object.keys(KINDS).join(', ')}`,
      mend: 'Give the connection an address instead of `server`',
      connection,
    });
  }
  if (isEmbedded(server)) refuseForeignOptions(server.options, { kind, name, connection });
  const { startTimeout = START_TIMEOUT } = isEmbedded(server) ? server.options : {};
  const subject: Subject = { connection, address: undefined };
  const onLent = (address: string) => {
    subject.address = address;
  };
  let signal = request.signal ?? new AbortController().signal;
  try {
    const line = await keeper(signal);
    await kind.prepare?.({ ...request, signal, onLent }, line);
    signal = request.signal ?? AbortSignal.timeout(startTimeout + GRACE);
    return await kind.lease({ ...request, signal, onLent }, line);
  } catch (error) {
    throw toQaError(error, { subject, signal, kind });
  }
}

function refuseForeignOptions(
  options: EmbeddedOptions,
  { kind, name, connection }: { kind: Kind; name: string; connection: string },
): void {
  for (const key of Object.keys(options)) {
    if ((kind.options as readonly string[]).includes(key) || options[key as keyof EmbeddedOptions] === undefined)
      continue;
    throw new QaError('QA_CONFIG', {
      what: `\`embedded({ ${key} })\` means nothing for ${name}`,
      mend: didYouMean(key, kind.options),
      connection,
    });
  }
}

/**
 * Lets the servers of this run outlive it, for an hour at most.
 *
 * @returns their addresses, with passwords, and the command that ends them; nothing where the run started none
 */
export async function keep(): Promise<Kept> {
  if (!usesKeeper()) return { addresses: [], stop: '' };
  const signal = AbortSignal.timeout(KEEP_TIMEOUT);
  return (await keeper(signal)).keep(signal);
}

/** What an error is about. A throwaway server's address says nothing: it changes with each run. */
interface Subject {
  connection: string;
  address: string | undefined;
}

function toQaError(
  error: unknown,
  { subject, signal, kind }: { subject: Subject; signal: AbortSignal; kind: Kind },
): unknown {
  if (isQaError(error)) return error;
  if (error instanceof Failed) {
    const { code, what, mend, cause } = error.failure;
    return new QaError(code, { what, mend, ...subject, cause: error.cause ?? remote(what, cause) });
  }
  if (signal.aborted) return new QaError('QA_TIMEOUT', { ...kind.late, ...subject, cause: error });
  const { what, mend } = kind.failed;
  return new QaError('QA_SERVER_START', {
    what: `${what}: ${error instanceof Error ? error.message : String(error)}`,
    mend,
    ...subject,
    cause: error,
  });
}

/**
 * A value that one process of the run makes and all get, kept in the keeper's memory. A failure goes to all who ask
 * within the next seconds.
 *
 * @throws QaError of `make`, also of another process's
 */
export async function once<T>(
  key: string,
  make: () => Promise<T>,
  { connection, signal }: { connection: string; signal: AbortSignal },
): Promise<T> {
  try {
    const line = await keeper(signal);
    return await line.once(key, async () => ({ value: await make() }), signal);
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    const { code, what, cause } = error.failure;
    // It names connection and address already: it is an error of ours, made by another file.
    const [, said = what] = /^qa\.\w+(?: \([^)]*\))?: (.*)$/s.exec(what) ?? [];
    throw new QaError(code, {
      what: said,
      mend: 'This failed for an earlier file of the run or in another worker, and is not tried again for some seconds',
      connection,
      cause: error.cause ?? remote(what, cause),
    });
  }
}

/** The error that another process had. */
function remote(message: string, stack: string | undefined): Error | undefined {
  if (stack === undefined) return undefined;
  const error = new Error(message);
  error.stack = stack;
  return error;
}
