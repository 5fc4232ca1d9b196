/** Hands out Aerospike servers: one for each worker, or one for all of the run. */
import type { Lease, Namespace } from '../../bindings/core/binding.ts';
import { isEmbedded } from '../../bindings/core/server.ts';
import type { LentAerospike } from '../../bindings/databases/aerospike/server.ts';
import type { KeeperClient } from '../client.ts';
import { findProgram } from '../java/programs.ts';
import { HOST } from '../keeper/place.ts';
import { startedOnce } from '../lent.ts';
import { Failed } from '../protocol.ts';
import { askNode } from './node.ts';
import { NAMESPACE } from './settings.ts';
import type { AerospikeInfo, AerospikeStart } from './start.ts';

export interface AerospikeRequest {
  /** `embedded()`, or a started container. */
  server: unknown;
  namespace: Namespace;
  /** The connection's own, for the namespace. */
  options?: object;
  signal: AbortSignal;
  /** Told the address of a lent server, for errors. */
  onLent(address: string): void;
}

const START_TIMEOUT = 60_000;
const CONTAINER_PORT = 3000;

export async function leaseAerospike(request: AerospikeRequest, line: KeeperClient): Promise<Lease> {
  const { server, signal } = request;
  const { namespace = NAMESPACE } = (request.options ?? {}) as { namespace?: string };
  if (!isEmbedded(server)) return lent(request, namespace);
  const { isolation = 'worker', startTimeout = START_TIMEOUT } = server.options;
  const { path: program, looked } = findProgram('asd');
  if (program === undefined) {
    throw new Failed({
      code: 'QA_SERVER_START',
      what: `\`server: embedded()\` runs the \`asd\` of an installed Aerospike, and found none (looked for ${looked})`,
      mend: 'Install the Aerospike server, start it in a container and give that as `server`, or give the connection `hosts`',
    });
  }
  const owner = isolation === 'worker' ? request.namespace.worker : 'shared';
  const options = { program, namespace, owner, startTimeout };
  const { hosts, port, pid } = await line.start<AerospikeInfo, AerospikeStart>('aerospike', options, signal);
  // Told to the keeper for those who look at what is kept.
  const address = `aerospike://${hosts}/${namespace}`;
  await line.once(`aerospike ${pid}-${port}`, async () => ({ value: hosts, address }), signal);
  return {
    options: { hosts, namespace },
    because: 'a throwaway Aerospike that this run started',
    isShared: isolation === 'run',
    secret: { node: await askNode({ host: HOST, port }, signal) },
  };
}

async function lent({ server, signal, onLent }: AerospikeRequest, namespace: string): Promise<Lease> {
  const started = await startedOnce(server as LentAerospike);
  const { getHost, getMappedPort } = (started ?? {}) as Partial<typeof started>;
  if (typeof getHost !== 'function' || typeof getMappedPort !== 'function') {
    throw new Failed({
      code: 'QA_CONFIG',
      what: '`server` is neither `embedded()` nor a started Aerospike: it has no `getHost()` and `getMappedPort()`',
      mend: "Give `embedded()`, or what `await new GenericContainer('aerospike').withExposedPorts(3000).start()` returns",
    });
  }
  const [host, port] = [started.getHost(), started.getMappedPort(CONTAINER_PORT)];
  const hosts = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  onLent(`aerospike://${hosts}/${namespace}`);
  return {
    options: { hosts, namespace },
    because: 'an Aerospike that was started for this run',
    isShared: true,
    secret: { node: await askNode({ host, port }, signal) },
  };
}
