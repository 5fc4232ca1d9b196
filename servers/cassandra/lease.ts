/** Hands out keyspaces: one for each worker, filled by the schema. */
import { createHash } from 'node:crypto';
import type { Client } from 'cassandra-driver';
import type { Lease, Namespace } from '../../bindings/core/binding.ts';
import { isEmbedded } from '../../bindings/core/server.ts';
import { type Address, contactPoint, printAddress, writeUrl } from '../../bindings/databases/cassandra/address.ts';
import { clientConfig, closeClient, connect, type Driver } from '../../bindings/databases/cassandra/client.ts';
import { takeBaseline } from '../../bindings/databases/cassandra/reset/baseline.ts';
import { Tables } from '../../bindings/databases/cassandra/reset/tables.ts';
import type { LentCassandra } from '../../bindings/databases/cassandra/server.ts';
import type { KeeperClient } from '../client.ts';
import { bringJavaServer, javaOptions } from '../java/bring.ts';
import type { JavaOptions } from '../java/serve.ts';
import { startedOnce } from '../lent.ts';
import { Failed } from '../protocol.ts';
import { type LoadedSchema, loadSchema, runSchema } from '../schema.ts';
import { CASSANDRA } from './find.ts';
import { applyFiles, CQL } from './schema.ts';
import { DATA_CENTRE } from './settings.ts';
import type { CassandraInfo } from './start.ts';

export interface CassandraRequest {
  /** `embedded(…)`, or a started Cassandra. */
  server: unknown;
  /** The connection's name in the config. */
  connection: string;
  namespace: Namespace;
  baseDir: string;
  /** The module `cassandra-driver` of the user's project. */
  driver: unknown;
  signal: AbortSignal;
  /** One line to the user, once a run. */
  notice(line: string): void;
  /** Told the address of a lent server, redacted, for errors. */
  onLent(address: string): void;
}

/** A statement of a schema may take so long on a busy machine, ms. */
const STATEMENT = 60_000;
/** MB */
const DOWNLOAD = 67;

export function prepareCassandra(request: CassandraRequest, line: KeeperClient): Promise<void> {
  return bringJavaServer(CASSANDRA, DOWNLOAD, request, line);
}

interface Target {
  /** Tells servers apart within a run. */
  id: string;
  address: Address;
  isOurs: boolean;
  because: string;
}

export async function leaseCassandra(request: CassandraRequest, line: KeeperClient): Promise<Lease> {
  const { server, connection, namespace, baseDir, driver, signal } = request;
  const { schema, isolation = 'worker' } = isEmbedded(server) ? server.options : {};
  const loaded = await loadSchema(schema, baseDir, CQL);
  const target = await findTarget(request, line);
  if (!target.isOurs) request.onLent(printAddress(target.address));
  const owner = isolation === 'worker' ? namespace.worker : 'shared';
  const run = target.isOurs ? undefined : namespace.run;
  const keyspace = nameOf({ connection, loaded, owner, run });
  const address = { ...target.address, keyspace };
  const url = writeUrl(address);
  const secret = await line.once<Record<string, string>>(
    `keyspace ${target.id} ${keyspace}`,
    async () => {
      const config = clientConfig(driver as Driver, { address: target.address, readTimeout: STATEMENT });
      const client = await connect(driver as Driver, config, { signal, baseDir });
      try {
        return { value: await makeKeyspace(client, { loaded, keyspace, url, signal }), address: url };
      } finally {
        await closeClient(client);
      }
    },
    signal,
  );
  const { contactPoints, localDataCenter, user, password } = address;
  return {
    options: {
      contactPoints: [...contactPoints],
      localDataCenter,
      keyspace,
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
    },
    because: target.because,
    isShared: isolation === 'run',
    secret,
  };
}

/** Returns what a reset needs: whose keyspace it is, and what it holds at first. */
async function makeKeyspace(
  client: Client,
  {
    loaded,
    keyspace,
    url,
    signal,
  }: { loaded: LoadedSchema | undefined; keyspace: string; url: string; signal: AbortSignal },
): Promise<Record<string, string>> {
  // A maker that died may have left one half made.
  await client.execute(`DROP KEYSPACE IF EXISTS "${keyspace}"`);
  await client.execute(
    `CREATE KEYSPACE "${keyspace}" WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1} AND durable_writes = false`,
  );
  await client.execute(`USE "${keyspace}"`);
  if (loaded?.run) await runSchema(loaded.run, url, 'keyspace');
  if (loaded) await applyFiles(client, loaded.files, keyspace);
  const tables = new Tables(client, keyspace);
  const [host, baseline] = await Promise.all([tables.hostId(signal), takeBaseline(tables, signal)]);
  return { keyspace, host, baseline: JSON.stringify(baseline) };
}

async function findTarget(request: CassandraRequest, line: KeeperClient): Promise<Target> {
  const { server, baseDir, signal } = request;
  if (!isEmbedded(server)) return lent(server as LentCassandra);
  const options = await javaOptions(CASSANDRA, server.options, baseDir);
  const { id, contactPoint: point } = await line.start<CassandraInfo, JavaOptions>('cassandra', options, signal);
  return {
    id,
    address: addressOf(point, DATA_CENTRE),
    isOurs: true,
    because: 'a throwaway Cassandra that this run started',
  };
}

async function lent(server: LentCassandra): Promise<Target> {
  const given = await startedOnce(server);
  if (typeof given?.getContactPoint !== 'function' || typeof given.getDatacenter !== 'function') {
    throw new Failed({
      code: 'QA_CONFIG',
      what: '`server` is neither `embedded(…)` nor a started Cassandra: it has no `getContactPoint()` and `getDatacenter()`',
      mend: 'Give `embedded()`, or what `await new CassandraContainer(…).start()` returns',
    });
  }
  const point = contactPoint(given.getContactPoint(), 'server.getContactPoint()');
  const address = {
    ...addressOf(point, given.getDatacenter()),
    user: given.getUsername?.(),
    password: given.getPassword?.(),
  };
  const id = createHash('sha256').update(point).digest('hex').slice(0, 8);
  return { id, address, isOurs: false, because: 'a Cassandra that was started for this run' };
}

function addressOf(point: string, localDataCenter: string): Address {
  return { contactPoints: [point], localDataCenter, keyspace: undefined, user: undefined, password: undefined };
}

/** Tells whose it is: `events_1_3f2a9c0d`; it changes with the schema. Cassandra takes 48 letters, digits and `_`. */
function nameOf({
  connection,
  loaded,
  owner,
  run,
}: {
  connection: string;
  loaded: LoadedSchema | undefined;
  owner: string;
  run: string | undefined;
}): string {
  const digest = createHash('sha256').update(`${connection} ${loaded?.hash}`).digest('hex').slice(0, 8);
  const readable = connection.replace(/\W+/g, '_').toLowerCase().replace(/^_+/, '');
  const rest = `_${owner.replace(/\W+/g, '_')}_${digest}`.toLowerCase();
  const prefix = run === undefined ? '' : `qa_${run.toLowerCase()}_`;
  return `${prefix}${readable}`.slice(0, 48 - rest.length) + rest;
}
