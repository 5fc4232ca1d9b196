/** Makes the topics that a config declares on the run's own broker. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, Kafka, KafkaConfig } from 'kafkajs';
import { isQaError } from '../../bindings/core/errors.ts';
import { clusterOf, Sockets } from '../../bindings/kafka/cluster.ts';
import { type TopicSettings, topicRequest, withConfiguration } from '../../bindings/kafka/topic-settings.ts';
import { Failed } from '../protocol.ts';

/** Between two looks, ms. */
const LOOK = 10;

export type DeclaredTopics = Readonly<Record<string, Omit<TopicSettings, 'replicas'>>>;

/** What is used of the module `kafkajs` of the user's project. */
export interface KafkaModule {
  readonly Kafka: new (config: KafkaConfig) => Kafka;
}

/** Those that are there stay as they are. Throws Failed QA_SCHEMA_FAILED. */
export async function makeTopics(
  { Kafka }: KafkaModule,
  { broker, topics, signal }: { broker: string; topics: DeclaredTopics; signal: AbortSignal },
): Promise<void> {
  const sockets = new Sockets();
  const stop = () => sockets.destroy(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const kafka = new Kafka({
    brokers: [broker],
    clientId: 'qa-topics',
    socketFactory: sockets.factory,
    // What fails is told by its error.
    logCreator: () => () => undefined,
    retry: { retries: 10, initialRetryTime: 20, maxRetryTime: 100 },
  });
  const admin = kafka.admin();
  try {
    // First by the mended cluster: kafkajs's own timers are mended for the whole process then.
    await clusterOf(kafka).connect();
    await admin.connect();
    await Promise.all([create(admin, topics, signal), prepareGroups(admin)]);
  } catch (error) {
    if (isQaError(error)) throw error;
    throw signal.aborted ? signal.reason : notMade(topics, error);
  } finally {
    signal.removeEventListener('abort', stop);
    sockets.destroy();
  }
}

async function create(admin: Admin, topics: DeclaredTopics, signal: AbortSignal): Promise<void> {
  const there = new Set(await admin.listTopics());
  const missing = Object.entries(topics).filter(([name]) => !there.has(name));
  if (missing.length === 0) return;
  await admin.createTopics({
    topics: missing.map(([topic, settings]) => topicRequest(topic, { ...settings, replicas: 1 })),
    waitForLeaders: false,
  });
  for (const [name] of missing) await untilLed(admin, name, signal);
}

/** The broker answers before the partitions of a new topic can be used; no event tells when they can. */
async function untilLed(admin: Admin, topic: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await admin.fetchTopicOffsets(topic);
      return;
    } catch (error) {
      if (signal.aborted || !isPassing(error)) throw error;
    }
    await sleep(LOOK, undefined, { signal });
  }
}

/** kafkajs wraps what it has given up on. */
function isPassing(error: unknown): boolean {
  const { retriable, cause } = error as { retriable?: boolean; cause?: unknown };
  return retriable === true || (cause !== undefined && isPassing(cause));
}

/** The first who asks for a group has the broker make a topic for groups, and is turned away until it is loaded. */
async function prepareGroups(admin: Admin): Promise<void> {
  // Where that takes longer, whoever uses a group waits for it as on any broker.
  await admin.describeGroups(['none']).catch(() => undefined);
}

function notMade(topics: DeclaredTopics, cause: unknown): Failed {
  const { errors = [cause] } = cause as { errors?: unknown[] };
  const [first] = errors as { message?: string; topic?: string }[];
  return new Failed(
    {
      code: 'QA_SCHEMA_FAILED',
      what: first?.topic
        ? `The throwaway Kafka refused the topic \`${first.topic}\`${withConfiguration(topics[first.topic]?.config)}: ${first.message}`
        : `The declared topics could not be made on the throwaway Kafka: ${first?.message ?? cause}`,
      mend: first?.topic ? `Correct \`topics.${first.topic}\` in qa.config` : 'See the cause',
    },
    cause,
  );
}
