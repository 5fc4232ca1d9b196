/** kafkajs's own cluster object, for reading without a consumer group; and sockets that can be closed at once. */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Cluster, Kafka, KafkaConfig } from 'kafkajs';
import { QaError } from '../core/errors.ts';

const METHODS = [
  'connect',
  'findBroker',
  'findGroupCoordinator',
  'findLeaderForPartitions',
  'metadata',
  'refreshMetadata',
] as const satisfies readonly (keyof Cluster)[];

/**
 * The cluster that a consumer's assigners are handed. The consumer itself never connects and joins no group.
 *
 * @throws QaError QA_DRIVER_RANGE where kafkajs is not as it must be
 */
export function clusterOf(kafka: Kafka): Cluster {
  let cluster: Cluster | undefined;
  kafka.consumer({
    groupId: 'unused',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      (given) => {
        cluster = given.cluster;
        return {
          name: 'none',
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
        };
      },
    ],
  });
  const missing = METHODS.filter((method) => typeof cluster?.[method] !== 'function');
  if (cluster && missing.length === 0) return cluster;
  throw new QaError('QA_DRIVER_RANGE', {
    what: `kafkajs has no ${missing.map((method) => `\`cluster.${method}\``).join(', ')}`,
    mend: 'Run: npm i -D kafkajs@2.2.4',
  });
}

/** All sockets of one connection. */
export class Sockets {
  /** `host:port` of whatever has answered once: what is wrong with it later is not its address. */
  readonly answered = new Set<string>();
  readonly #open = new Set<Socket>();
  #closed = false;

  readonly factory: KafkaConfig['socketFactory'] & object = ({ host, port, ssl, onConnect }) => {
    const name = isIP(host) ? {} : { servername: host };
    const socket = ssl ? connectTls({ host, port, ...name, ...ssl }, onConnect) : connect({ host, port }, onConnect);
    socket.setNoDelay(true);
    this.#open.add(socket);
    // An answer begins with its length; an alert of TLS or a page of HTTP does not begin with a zero.
    socket.once('data', (answer) => answer[0] === 0 && this.answered.add(`${host}:${port}`));
    socket.once('close', () => this.#open.delete(socket));
    if (this.#closed) socket.destroy(new Error('The connection is closed.'));
    return socket;
  };

  /** With an error: without one kafkajs waits for answers that never come. */
  destroy(reason = new Error('The connection is closed.')): void {
    this.#closed = true;
    for (const socket of this.#open) socket.destroy(reason);
  }
}
