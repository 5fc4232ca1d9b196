/** Hands out brokers: one for all workers of the run, or one for each. */
import { createHash } from 'node:crypto';
import type { Lease, Namespace } from '../../bindings/core/binding.ts';
import { isEmbedded } from '../../bindings/core/server.ts';
import type { LentKafka } from '../../bindings/kafka/server.ts';
import type { KeeperClient } from '../client.ts';
import { bringJavaServer, javaOptions } from '../java/bring.ts';
import { startedOnce } from '../lent.ts';
import { Failed } from '../protocol.ts';
import { KAFKA } from './find.ts';
import type { KafkaInfo, KafkaOptions } from './start.ts';
import { type DeclaredTopics, type KafkaModule, makeTopics } from './topics.ts';

export interface KafkaRequest {
  /** `embedded(…)`, or a started Kafka. */
  server: unknown;
  namespace: Namespace;
  baseDir: string;
  /** The module `kafkajs` of the user's project. */
  driver: unknown;
  /** What the config says of the connection, checked by its binding. */
  options?: object;
  signal: AbortSignal;
  /** One line to the user, once a run. */
  notice(line: string): void;
  /** Told the address of a lent server, for errors. */
  onLent(address: string): void;
}

/** Where a Kafka of testcontainers listens for those outside. */
const CONTAINER_PORT = 9093;

/** MB */
const DOWNLOAD = 45;

export function prepareKafka(request: KafkaRequest, line: KeeperClient): Promise<void> {
  return bringJavaServer(KAFKA, DOWNLOAD, request, line);
}

export async function leaseKafka(request: KafkaRequest, line: KeeperClient): Promise<Lease> {
  const { server, namespace, baseDir, signal } = request;
  if (!isEmbedded(server)) return lent(request);
  const { isolation = 'run' } = server.options;
  const owner = isolation === 'worker' ? namespace.worker : 'shared';
  const options = { ...(await javaOptions(KAFKA, server.options, baseDir)), owner };
  const { id, broker } = await line.start<KafkaInfo, KafkaOptions>('kafka', options, signal);
  // Told to the keeper for those who look at what is kept.
  const address = `kafka://${broker}`;
  await line.once(`broker ${id}`, async () => ({ value: broker, address }), signal);
  const { topics = {} } = (request.options ?? {}) as { topics?: DeclaredTopics };
  if (Object.keys(topics).length > 0) {
    const make = () => makeTopics(request.driver as KafkaModule, { broker, topics, signal });
    await line.once(`topics ${id} ${settingsOf(topics)}`, async () => ({ value: await make() }), signal);
  }
  return {
    options: { brokers: [broker] },
    because: 'a throwaway Kafka that this run started',
    isShared: isolation === 'run',
    secret: {},
  };
}

async function lent({ server, onLent }: KafkaRequest): Promise<Lease> {
  const brokers = bootstrapServers(await startedOnce(server as LentKafka));
  onLent(`kafka://${brokers.join(',')}`);
  return { options: { brokers }, because: 'a Kafka that was started for this run', isShared: true, secret: {} };
}

/** Tells apart what connections to one broker declare. */
function settingsOf(topics: DeclaredTopics): string {
  const settings = Object.entries(topics).map(([name, { partitions, config }]) => [name, partitions, config]);
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex');
}

function bootstrapServers(given: unknown): string[] {
  const started = (given ?? {}) as Record<string, unknown>;
  if (typeof started.getBootstrapServers === 'function') {
    const text = String(started.getBootstrapServers());
    // `PLAINTEXT://host:port` in some.
    return text.split(',').map((broker) => broker.trim().replace(/^[A-Z_]+:\/\//, ''));
  }
  if (typeof started.getHost === 'function' && typeof started.getMappedPort === 'function') {
    return [`${started.getHost()}:${started.getMappedPort(CONTAINER_PORT)}`];
  }
  throw new Failed({
    code: 'QA_CONFIG',
    what: '`server` is neither `embedded(…)` nor a started Kafka: it has no `getBootstrapServers()`, and not `getHost()` and `getMappedPort()`',
    mend: 'Give `embedded()`, or what `await new KafkaContainer(…).start()` returns',
  });
}
