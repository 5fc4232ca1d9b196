/** Apache Cassandra, through `cassandra-driver`. */
import type { Client } from 'cassandra-driver';
import type { Binding, Health, Scope } from '../../core/binding.ts';
import { clock } from '../../core/clock.ts';
import { type Connection, connection } from '../../core/connection.ts';
import { orAborted } from '../../core/operation.ts';
import { parseAddress, printAddress } from './address.ts';
import { closeClient, DRIVER, openClient } from './client.ts';
import { statementError } from './errors.ts';
import { CassandraHandle } from './handle.ts';
import { inspect } from './inspect.ts';
import { type CassandraOptions, type ParsedOptions, parseOptions } from './options.ts';
import { rememberState, renewClient } from './renew.ts';
import { ownership, reset } from './reset/index.ts';

export type { CassandraHandle } from './handle.ts';
export type { CassandraDriverOptions, CassandraOptions, Consistency } from './options.ts';
export type { CassandraServer, LentCassandra, StartedCassandra } from './server.ts';

export const binding = {
  kind: 'cassandra',
  driver: DRIVER,
  parse: parseOptions,
  withAddress({ server: _, ...options }: ParsedOptions, text: string, path: string): ParsedOptions {
    const address = parseAddress(text, path);
    // A text need not say what the config says already.
    const localDataCenter = address.localDataCenter ?? options.address?.localDataCenter;
    return { ...options, address: { ...address, localDataCenter } };
  },
  describe: ({ address }: ParsedOptions) => ({
    address: address ? printAddress(address) : 'cassandra (a throwaway server)',
  }),
  async open(options: ParsedOptions, scope: Scope): Promise<Client> {
    const client = await openClient(options, scope);
    rememberState(client);
    return client;
  },
  close: closeClient,
  renew: renewClient,
  health,
  inspect,
  ownership,
  reset,
  handle: (opened, scope) => new CassandraHandle(opened, scope),
} satisfies Binding<ParsedOptions, Client, CassandraHandle>;

/**
 * A keyspace of a Cassandra cluster.
 *
 * @throws QaError QA_CONFIG when the config is loaded or the connection opens, naming what is wrong
 * @example
 * cassandra({ contactPoints: '127.0.0.1:9042', localDataCenter: 'datacenter1', keyspace: 'shop' })
 * cassandra({ server: embedded({ schema: './schema.cql' }) })
 */
export function cassandra(options: CassandraOptions): Connection<CassandraHandle> {
  return connection(binding, options);
}

async function health(client: Client, scope: Scope): Promise<Health> {
  const start = clock().now();
  try {
    const { rows } = await orAborted(
      client.execute('SELECT release_version, cluster_name, data_center FROM system.local'),
      scope.signal,
    );
    const latency = clock().now() - start;
    const { release_version: version, cluster_name: cluster, data_center: centre } = rows[0]!;
    return { version, identity: `${client.keyspace ?? 'no keyspace'} in ${cluster} (${centre})`, latency };
  } catch (error) {
    scope.signal.throwIfAborted();
    const address = client.hosts.keys().join(',');
    const redact = (text: string) => scope.redactor.redact(text);
    const place = { connection: scope.connection, address, keyspace: client.keyspace, user: undefined, redact };
    throw statementError(error, place, 'Asking for its version');
  }
}
