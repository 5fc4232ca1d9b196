/** Aerospike, through its npm client `aerospike`. */
import type { Client } from 'aerospike';
import type { Binding, Health, Scope } from '../../core/binding.ts';
import { clock } from '../../core/clock.ts';
import { type Connection, connection } from '../../core/connection.ts';
import { parseUrl, printAddress } from './address.ts';
import { closeClient, info, openClient, optionsOf, placeOf } from './client.ts';
import { commandError } from './errors.ts';
import { AerospikeHandle } from './handle.ts';
import { inspect } from './inspect.ts';
import { type AerospikeOptions, type ParsedOptions, parseOptions } from './options.ts';
import { ownership, reset } from './reset/index.ts';

export type { AerospikeHandle, RecordId, SeedOptions } from './handle.ts';
export type { AerospikeOptions } from './options.ts';
export type { AerospikeServer, LentAerospike, StartedAerospike } from './server.ts';

export const binding = {
  kind: 'aerospike',
  driver: { name: 'aerospike', range: '>=6.7 <7', mainThreadOnly: true },
  parse: parseOptions,
  withAddress({ server: _, ...options }: ParsedOptions, url: string, path: string): ParsedOptions {
    const address = parseUrl(url, path);
    return { ...options, namespace: address.namespace, address };
  },
  describe: ({ address }: ParsedOptions) => ({
    address: address ? printAddress(address) : 'aerospike (a throwaway server)',
  }),
  open: openClient,
  close: closeClient,
  health,
  inspect,
  ownership: (client, _, scope) => ownership(client, scope),
  reset,
  handle: (opened, scope) => new AerospikeHandle(opened, scope),
} satisfies Binding<ParsedOptions, Client, AerospikeHandle>;

/**
 * A namespace of an Aerospike cluster.
 *
 * @throws QaError QA_CONFIG when the config is loaded or the connection opens, naming what is wrong
 * @example
 * aerospike({ hosts: '127.0.0.1:3000', namespace: 'test' })
 * aerospike({ server: embedded() })
 */
export function aerospike(options: AerospikeOptions): Connection<AerospikeHandle> {
  return connection(binding, options);
}

async function health(client: Client, scope: Scope): Promise<Health> {
  const start = clock().now();
  try {
    const {
      build = '',
      node = '',
      'cluster-name': cluster = '',
    } = await info(client, ['build', 'node', 'cluster-name']);
    const { user } = client.config as { user?: string };
    const where = cluster === '' || cluster === 'null' ? `node ${node}` : `cluster ${cluster}`;
    return { version: build, identity: `${user ?? 'anyone'} on ${where}`, latency: clock().now() - start };
  } catch (error) {
    throw commandError(error, placeOf(optionsOf(client), scope), 'Asking for its version');
  }
}
