/** The client: opened within the deadline, closed within a bound, made as good as new for the next file. */
import type cassandra from 'cassandra-driver';
import type { Scope } from '../../core/binding.ts';
import { clock } from '../../core/clock.ts';
import { QaError } from '../../core/errors.ts';
import { orAborted } from '../../core/operation.ts';
import { nearest } from '../../core/suggest.ts';
import { printAddress } from './address.ts';
import { connectionError, firstLine, type Place } from './errors.ts';
import { timestamps } from './machine-time.ts';
import type { ParsedOptions } from './options.ts';
import { reconnection } from './reconnection.ts';
import { destroy, letGo, refuseMore, watch, watchDriver } from './sockets.ts';

export type Driver = typeof cassandra;

export const DRIVER = { name: 'cassandra-driver', range: '>=4.8 <5' } as const;

const REQUEST_TIMEOUT = 5000;
/** Time for connections to end in order, ms; what is left then is cut off. */
const DRAIN = 250;

/** @throws QaError that says why it could not be opened */
export async function openClient(options: ParsedOptions, scope: Scope): Promise<cassandra.Client> {
  const driver = (await scope.driver()) as Driver;
  const { address } = options;
  if (!address) {
    throw new QaError('QA_CONFIG', {
      what: 'The connection has no address: its server has not been started',
      mend: 'Give `contactPoints`, or `server: embedded()`',
      connection: scope.connection,
    });
  }
  const place = placeOf(options, scope);
  const { run, worker } = scope.namespace;
  try {
    const config = { ...clientConfig(driver, options), applicationName: `qa ${run} w${worker}` };
    const client = await connect(driver, config, { signal: scope.signal, baseDir: scope.baseDir });
    tellDisagreement(client, scope);
    return client;
  } catch (error) {
    if (scope.signal.aborted) throw scope.signal.reason;
    const told = connectionError(error, place) ?? unforeseen(error, place);
    return await Promise.reject(told.code === 'QA_NOT_FOUND' ? await nameKeyspaces(told, options, scope, place) : told);
  }
}

/** A client that is connected, and of which nothing is left where it could not connect in time. */
export async function connect(
  driver: Driver,
  config: cassandra.DseClientOptions,
  { signal, baseDir }: { signal: AbortSignal; baseDir: string },
): Promise<cassandra.Client> {
  watchDriver(DRIVER, baseDir);
  const client = new driver.Client(config);
  watch(client);
  try {
    signal.throwIfAborted();
    await orAborted(client.connect(), signal);
    letGo(client);
    return client;
  } catch (error) {
    await closeClient(client);
    throw error;
  }
}

/** Idempotent; of a hung server's connections nothing is waited for. */
export async function closeClient(client: cassandra.Client): Promise<void> {
  refuseMore(client);
  const { setTimeout, clearTimeout } = clock();
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, DRAIN);
  });
  // What it fails with is what is being ended.
  const end = client.shutdown().catch(() => undefined);
  await Promise.race([end, patience]);
  clearTimeout(timer);
  destroy(client);
}

export function placeOf(options: ParsedOptions, scope: Scope): Place {
  const { address } = options;
  return {
    connection: scope.connection,
    address: address ? printAddress(address) : '',
    keyspace: address?.keyspace,
    user: address?.user,
    redact: (text) => scope.redactor.redact(text),
  };
}

/** What the driver is told. The user's own options of the driver win, but for addresses and secrets. */
export function clientConfig(driver: Driver, options: ParsedOptions): cassandra.DseClientOptions {
  const { driver: given = {}, ssl, consistency } = options;
  const { contactPoints, localDataCenter, keyspace, user, password } = options.address!;
  return {
    ...given,
    contactPoints: [...contactPoints],
    ...(localDataCenter === undefined ? {} : { localDataCenter }),
    ...(keyspace === undefined ? {} : { keyspace }),
    ...(user === undefined ? {} : { credentials: { username: user, password: password ?? '' } }),
    // The driver trusts any certificate unless it is told not to.
    ...(ssl ? { sslOptions: { rejectUnauthorized: true, ...(ssl === true ? {} : (ssl as object)) } } : {}),
    socketOptions: {
      readTimeout: options.readTimeout ?? REQUEST_TIMEOUT,
      connectTimeout: options.connectTimeout ?? REQUEST_TIMEOUT,
      ...given.socketOptions,
    },
    queryOptions: {
      ...(consistency === undefined ? {} : { consistency: driver.types.consistencies[consistency] }),
      ...given.queryOptions,
    },
    // Heartbeats keep idle connections through firewalls, and processes from ending.
    pooling: { heartBeatInterval: 0, ...given.pooling },
    policies: {
      timestampGeneration: timestamps(driver),
      ...given.policies,
      reconnection: reconnection(driver, given.policies?.reconnection),
    },
  };
}

/** A part of the driver that is no part of its types: waits, after a change of the schema, until the nodes agree on it. */
interface Agreeing {
  handleSchemaAgreementAndRefresh?(...args: unknown[]): Promise<boolean>;
}

/** Whoever changes the schema: of the driver's own results hardly anyone reads it. */
function tellDisagreement(client: cassandra.Client, scope: Scope): void {
  const agreeing = client as unknown as Agreeing;
  const wait = agreeing.handleSchemaAgreementAndRefresh;
  if (wait === undefined) return;
  agreeing.handleSchemaAgreementAndRefresh = async (...args) => {
    const isAgreed = await wait.apply(client, args);
    if (!isAgreed) {
      scope.notice('the nodes have not agreed on a schema change in time: what is read and written next may miss it');
    }
    return isAgreed;
  };
}

function unforeseen(cause: unknown, { connection, address, redact }: Place): QaError {
  return new QaError('QA_CONNECTION_LOST', {
    what: `The connection could not be opened: ${redact(firstLine(cause as Error))}`,
    mend: 'See to the server, or correct the options',
    connection,
    address,
    cause,
  });
}

/** Which keyspaces there are: a wrong name is most often a misspelt one. */
async function nameKeyspaces(told: QaError, options: ParsedOptions, scope: Scope, place: Place): Promise<QaError> {
  const driver = (await scope.driver()) as Driver;
  const { keyspace: _, ...elsewhere } = clientConfig(driver, options);
  let names: string[];
  try {
    const client = await connect(driver, elsewhere, scope);
    try {
      const { rows } = await orAborted(
        client.execute('SELECT keyspace_name FROM system_schema.keyspaces'),
        scope.signal,
      );
      names = rows.map((row) => row.keyspace_name as string).filter((name) => !/^system(_|$)/.test(name));
    } finally {
      await closeClient(client);
    }
  } catch {
    return told; // Only the suggestion is lost.
  }
  const near = nearest(place.keyspace ?? '', names);
  const known = names.length === 0 ? 'There is none' : `There are: ${names.sort().slice(0, 10).join(', ')}`;
  return new QaError('QA_NOT_FOUND', {
    what: `The keyspace \`${place.keyspace}\` does not exist. ${known}`,
    mend: near ? `Did you mean \`${near}\`?` : 'Create it, or correct its name',
    connection: place.connection,
    address: place.address,
    cause: told.cause,
  });
}
