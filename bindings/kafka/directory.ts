/** Which topics there are, who leads their partitions, and how often one of the same name was made again. */
import type { PartitionMetadata } from 'kafkajs';
import { clock } from '../core/clock.ts';
import type { WireCluster } from './cluster.ts';
import { INVALID_TOPIC, UNKNOWN_TOPIC } from './protocol/errors.ts';
import type { Metadata, TopicMetadata } from './protocol/metadata.ts';

/** After this time another broker is asked, ms. */
const PATIENCE = 300;

export class Directory {
  #topics = new Map<string, TopicMetadata>();
  /** Also of topics that are gone: one that comes back is told from another one of its name. */
  readonly #ids = new Map<string, string>();
  /** Ids of topics that were deleted, though some brokers may still name them. */
  readonly #dead = new Set<string>();
  readonly #generations = new Map<string, number>();

  get topics(): readonly string[] {
    return [...this.#topics.keys()];
  }

  get generations(): ReadonlyMap<string, number> {
    return this.#generations;
  }

  partitions(topic: string): readonly PartitionMetadata[] {
    return this.#topics.get(topic)?.partitionMetadata ?? [];
  }

  /** undefined: the brokers have no ids. */
  id(topic: string): string | undefined {
    return this.#ids.get(topic);
  }

  generation(topic: string): number {
    return this.#generations.get(topic) ?? 0;
  }

  /**
   * Asks for all topics, or for some.
   *
   * @returns topics that are others than before
   */
  async read(cluster: WireCluster, names?: readonly string[]): Promise<{ remade: readonly string[] }> {
    const { topicMetadata } = names ? await askAbout(cluster, names) : await askAboutAll(cluster);
    const found = new Map(topicMetadata.filter((topic) => this.#exists(topic)).map((topic) => [topic.topic, topic]));
    const remade = [...found.values()].filter((topic) => this.#isOther(topic)).map(({ topic }) => topic);
    for (const topic of names ?? this.topics) {
      // Without ids one that is missing is one that is gone.
      if (this.#topics.has(topic) && !found.has(topic) && !this.#ids.has(topic)) remade.push(topic);
    }
    for (const topic of remade) {
      // A broker that lags behind may still name the one before.
      const before = this.#ids.get(topic);
      if (before !== undefined) this.#dead.add(before);
      this.restart(topic);
    }
    if (!names) this.#topics = new Map();
    for (const topic of names ?? []) this.#topics.delete(topic);
    for (const [name, topic] of found) {
      this.#topics.set(name, topic);
      if (topic.topicId !== undefined) this.#ids.set(name, topic.topicId);
    }
    return { remade };
  }

  /** It was deleted: what comes under the same name is another one. */
  forget(topic: string): void {
    const id = this.#ids.get(topic);
    if (id !== undefined) this.#dead.add(id);
    this.#ids.delete(topic);
    this.#topics.delete(topic);
    this.restart(topic);
  }

  restart(topic: string): void {
    this.#generations.set(topic, this.generation(topic) + 1);
  }

  clear(): void {
    this.#topics.clear();
    this.#ids.clear();
    this.#generations.clear();
  }

  #exists({ topicErrorCode, topicId }: TopicMetadata): boolean {
    if (topicErrorCode === UNKNOWN_TOPIC || topicErrorCode === INVALID_TOPIC) return false;
    return topicId === undefined || !this.#dead.has(topicId);
  }

  #isOther({ topic, topicId }: TopicMetadata): boolean {
    const before = this.#ids.get(topic);
    return before !== undefined && topicId !== undefined && before !== topicId;
  }
}

async function askAboutAll(cluster: WireCluster): Promise<Metadata> {
  const ask = async () => {
    // Without targets kafkajs asks for all topics; it learns of new brokers, too.
    await cluster.refreshMetadata();
    return cluster.brokerPool.metadata!;
  };
  return answered(ask(), cluster, []);
}

async function askAbout(cluster: WireCluster, names: readonly string[]): Promise<Metadata> {
  const ask = async () => (await cluster.brokerPool.findConnectedBroker()).metadata([...names]) as Promise<Metadata>;
  return answered(ask(), cluster, names);
}

/** kafkajs asks any broker. Where that one hangs, another one is asked, too: the first answer counts. */
async function answered(first: Promise<Metadata>, cluster: WireCluster, names: readonly string[]): Promise<Metadata> {
  const all = Object.values(cluster.brokerPool.brokers);
  if (all.length < 2) return first;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = clock().setTimeout(resolve, PATIENCE);
  });
  // It fails when kafkajs's own attempt does: what it failed with is the one to tell.
  const others = late.then(() =>
    Promise.any(all.filter((broker) => broker.isConnected()).map((broker) => broker.metadata([...names]))),
  );
  try {
    return (await Promise.race([first, others.catch(() => first)])) as Metadata;
  } finally {
    clock().clearTimeout(timer);
  }
}
