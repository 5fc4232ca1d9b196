/** A recorder on a real broker, and a client beside it that plays the system under test. */
import kafkajs, { type Admin, type Kafka, type Producer, type ProducerConfig } from 'kafkajs';
import { expect } from 'vitest';
import { clusterOf, Sockets, type WireCluster } from '../../../bindings/kafka/cluster.ts';
import { Recorder } from '../../../bindings/kafka/recorder.ts';
import type { Bounds, RawMessage, TopicLog } from '../../../bindings/kafka/topic-log.ts';

export interface Recording extends AsyncDisposable {
  readonly recorder: Recorder;
  readonly cluster: WireCluster;
  readonly sockets: Sockets;
  readonly kafka: Kafka;
  readonly admin: Admin;
  /** Connected; disconnected with the recording. */
  producer(options?: ProducerConfig): Promise<Producer>;
  /** Resolves when the topic can be used. */
  make(topic: string, partitions?: number, config?: Record<string, string>, replicas?: number): Promise<void>;
}

export const ROOMY: Bounds = { messages: 200_000, bytes: 1 << 28 };

/** The recorder is not open yet. */
export async function recording(
  brokers: string[],
  { bounds = ROOMY, isOld = false }: { bounds?: Bounds; isOld?: boolean } = {},
): Promise<Recording> {
  const { Kafka, logLevel } = kafkajs;
  const sockets = new Sockets();
  const common = { brokers, logLevel: logLevel.NOTHING };
  const cluster = clusterOf(new Kafka({ ...common, retry: { retries: 0 }, socketFactory: sockets.factory }));
  if (isOld) playOld(cluster);
  const recorder = new Recorder(cluster, bounds, kafkajs.CompressionCodecs);
  // It is patient: brokers are killed under it.
  const kafka = new Kafka({
    ...common,
    socketFactory: new Sockets().factory,
    retry: { retries: 60, initialRetryTime: 50, maxRetryTime: 300 },
  });
  const admin = kafka.admin();
  await admin.connect();
  const producers: Producer[] = [];
  return {
    recorder,
    cluster,
    sockets,
    kafka,
    admin,
    async producer(options = {}) {
      const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, ...options });
      await producer.connect();
      producers.push(producer);
      return producer;
    },
    async make(topic, partitions = 1, config = {}, replicas = 1) {
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
      await admin.createTopics({
        topics: [{ topic, numPartitions: partitions, replicationFactor: replicas, configEntries }],
        waitForLeaders: false,
      });
      // No event tells when the brokers know of it.
      const isThere = () => admin.fetchTopicOffsets(topic).then((found) => found.length);
      await expect.poll(isThere, { timeout: 20_000, interval: 10 }).toBe(partitions);
    },
    async [Symbol.asyncDispose]() {
      const closed = recorder.close();
      sockets.destroy();
      await Promise.all([closed, admin.disconnect(), ...producers.map((producer) => producer.disconnect())]);
    },
  };
}

/** What kafkajs learns from the brokers is cut down to what brokers before 2.8 had: topics have no ids. */
function playOld({ brokerPool }: WireCluster): void {
  const create = brokerPool.createBroker;
  brokerPool.createBroker = (options) => {
    const broker = create(options);
    let { versions } = broker;
    Object.defineProperty(broker, 'versions', {
      get: () => versions,
      set: (told: NonNullable<typeof versions>) => {
        versions = { ...told, 1: { ...told[1]!, maxVersion: 11 }, 3: { ...told[3]!, maxVersion: 8 } };
      },
    });
    return broker;
  };
}

export function all(log: TopicLog): RawMessage[] {
  return Array.from({ length: log.end - log.dropped }, (_, index) => log.at(log.dropped + index)!);
}

export function values(log: TopicLog): string[] {
  return all(log).map(({ value }) => `${value}`);
}

/** Waits until a log has come so far; then whether it stays there. */
export async function reaches(log: TopicLog, end: number, timeout = 20_000): Promise<void> {
  await expect.poll(() => log.end, { timeout, interval: 10 }).toBeGreaterThanOrEqual(end);
  expect(log.end).toBe(end);
}

/** Each offset once, and those of a partition in their order. */
export function expectOnceAndInOrder(log: TopicLog): void {
  const last = new Map<string, bigint>();
  for (const { generation, partition, offset } of all(log)) {
    const key = `${generation}/${partition}`;
    expect(offset, key).toBeGreaterThan(last.get(key) ?? -1n);
    last.set(key, offset);
  }
}
