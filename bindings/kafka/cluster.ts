/** kafkajs's own cluster object, for reading without a consumer group; and sockets that can be closed at once. */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Cluster, Kafka, KafkaConfig } from 'kafkajs';
import { QaError } from '../core/errors.ts';
import { askMetadata, type Metadata } from './protocol/metadata.ts';
import type { WireBroker } from './protocol/request.ts';

/** What kafkajs 2.2.4 does not declare. It is pinned, and looked at before it is used. */
export interface WireCluster extends Cluster {
  findBroker(node: { nodeId: string }): Promise<WireBroker>;
  readonly brokerPool: {
    readonly brokers: Readonly<Record<string, OwnBroker>>;
    readonly seedBroker: OwnBroker | undefined;
    readonly metadata: Metadata | null;
    findConnectedBroker(): Promise<WireBroker>;
    createBroker(options: { connectionPool: OwnPool }): OwnBroker;
  };
}

interface OwnBroker extends WireBroker {
  readonly connectionPool: OwnPool;
}

interface OwnPool {
  send: WireBroker['connectionPool']['send'];
  readonly pool: { readonly socket?: Socket; readonly requestQueue: RequestQueue }[];
}

interface RequestQueue {
  readonly pending: unknown[];
  readonly throttledUntil: number;
  readonly requestTimeoutIntervalId?: NodeJS.Timeout;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  scheduleCheckPendingRequests(): void;
  scheduleRequestTimeoutCheck(): void;
  checkPendingRequests(): void;
}

const METHODS = [
  'connect',
  'findBroker',
  'findGroupCoordinator',
  'refreshMetadata',
] as const satisfies readonly (keyof Cluster)[];
const POOL_METHODS = [
  'createBroker',
  'findConnectedBroker',
] as const satisfies readonly (keyof WireCluster['brokerPool'])[];

/**
 * The cluster that a consumer's assigners are handed. The consumer itself never connects and joins no group.
 *
 * @throws QaError QA_DRIVER_RANGE where kafkajs is not as it must be
 */
export function clusterOf(kafka: Kafka): WireCluster {
  let cluster: WireCluster | undefined;
  kafka.consumer({
    groupId: 'unused',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      (given) => {
        cluster = given.cluster as WireCluster;
        return {
          name: 'none',
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
        };
      },
    ],
  });
  const missing = [
    ...METHODS.filter((method) => typeof cluster?.[method] !== 'function'),
    ...POOL_METHODS.filter((method) => typeof cluster?.brokerPool?.[method] !== 'function'),
  ];
  if (!cluster || missing.length > 0) {
    throw new QaError('QA_DRIVER_RANGE', {
      what: `kafkajs has no ${missing.map((method) => `\`cluster.${method}\``).join(', ')}`,
      mend: 'Run: npm i -D kafkajs@2.2.4',
    });
  }
  return adapted(cluster);
}

/** Metadata with the topics' ids, of which one topic's trouble does not fail all; and queues that rest when idle. */
function adapted(cluster: WireCluster): WireCluster {
  const { brokerPool } = cluster;
  const create = brokerPool.createBroker;
  brokerPool.createBroker = (options) => {
    for (const { requestQueue } of options.connectionPool.pool) restWhenIdle(Object.getPrototypeOf(requestQueue));
    const broker = create.call(brokerPool, options);
    broker.metadata = (topics) => askMetadata(broker, topics.length === 0 ? null : topics);
    return broker;
  };
  return cluster;
}

const mended = new WeakSet<RequestQueue>();
/** As kafkajs has it, ms. */
const CHECK = 10;

/**
 * An idle queue of kafkajs 2.2.4 looks a thousand times a second whether anything is pending, by a timeout whose
 * duration is negative, of which Node warns. This one waits only when something is. What looks for requests that are
 * late keeps no process alive: the socket does, where it shall.
 */
function restWhenIdle(queue: RequestQueue): void {
  if (mended.has(queue) || typeof queue.scheduleCheckPendingRequests !== 'function') return;
  mended.add(queue);
  queue.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
    const check = () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    };
    const wait = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(check, wait > 0 ? wait : CHECK);
  };
  const { scheduleRequestTimeoutCheck } = queue;
  queue.scheduleRequestTimeoutCheck = function (this: RequestQueue) {
    scheduleRequestTimeoutCheck.call(this);
    this.requestTimeoutIntervalId?.unref();
  };
}

/**
 * By the addresses that the brokers tell, which may lead nowhere from here: better said when the connection opens than
 * by the first send.
 */
export async function reachAny(cluster: WireCluster): Promise<void> {
  const nodes = Object.keys(cluster.brokerPool.brokers);
  await Promise.any(nodes.map((nodeId) => cluster.findBroker({ nodeId }))).catch(({ errors }: AggregateError) => {
    throw errors[0];
  });
}

/** Whether the process stays alive as long as the cluster is connected. */
export function keepAlive({ brokerPool }: WireCluster, isKept: boolean): void {
  const brokers = new Set([...Object.values(brokerPool.brokers), brokerPool.seedBroker]);
  for (const { socket } of [...brokers].flatMap((broker) => broker?.connectionPool.pool ?? [])) {
    if (isKept) socket?.ref();
    else socket?.unref();
  }
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
    // kafkajs adds a listener each time it gives up on one that has not connected.
    socket.setMaxListeners(0);
    this.#open.add(socket);
    // An answer begins with its length; an alert of TLS or a page of HTTP does not begin with a zero.
    socket.once('data', (answer) => answer[0] === 0 && this.answered.add(`${host}:${port}`));
    socket.once('close', () => {
      this.#open.delete(socket);
      // While a broker is away kafkajs does this to the dead socket again and again; each leaves a listener.
      socket.unref = () => socket;
    });
    if (this.#closed) socket.destroy(new Error('The connection is closed.'));
    return socket;
  };

  /** With an error: without one kafkajs waits for answers that never come. */
  destroy(reason = new Error('The connection is closed.')): void {
    this.#closed = true;
    for (const socket of this.#open) socket.destroy(reason);
  }
}
