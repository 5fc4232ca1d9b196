/** What a topic is made with, as a test, a config and kafkajs say it. */
import type { ITopicConfig } from 'kafkajs';
import { type Check, check, record } from '../core/check.ts';

type Configuration = Readonly<Record<string, string | number | boolean>>;

export interface TopicSettings {
  /** Default: 1. */
  readonly partitions?: number;
  /** Copies of each partition. Default: the broker's. */
  readonly replicas?: number;
  /** `{ 'cleanup.policy': 'compact' }` */
  readonly config?: Configuration;
}

export const checkConfiguration: Check<Record<string, string | number | boolean>> = record(
  check<string | number | boolean>('a string, a number, true or false', (value) =>
    ['string', 'number', 'boolean'].includes(typeof value),
  ),
);

/** For `createTopics`. */
export function topicRequest(
  topic: string,
  { partitions = 1, replicas = -1, config = {} }: TopicSettings,
): ITopicConfig {
  return {
    topic,
    numPartitions: partitions,
    replicationFactor: replicas,
    configEntries: Object.entries(config).map(([name, value]) => ({ name, value: String(value) })),
  };
}

/** ` with retention.ms=1000`, or nothing: which of it a broker refuses, kafkajs does not hand on. */
export function withConfiguration(config: Configuration = {}): string {
  const settings = Object.entries(config).map(([name, value]) => `${name}=${value}`);
  return settings.length === 0 ? '' : ` with ${settings.join(', ')}`;
}
