/** A consumer group's commits against the ends that its topics had at the first look. */
import { clock } from '../core/clock.ts';
import { nearest } from '../core/suggest.ts';
import type { KafkaClient } from './client.ts';
import { partitionOfKey, topicOfKey } from './positions.ts';
import type { GroupDescription } from './protocol/groups.ts';
import { EARLIEST, LATEST } from './protocol/offsets.ts';
import { earlier, lastVisible } from './tail.ts';

/**
 * What has been committed in a transaction is visible a moment later. One that stays open for longer is somebody's own,
 * and nobody knows yet what it will have written, ms.
 */
export const VISIBLE_WITHIN = 1000;

/** A partition whose visible records the group has not all committed. */
export interface Behind {
  readonly topic: string;
  readonly partition: number;
  /** The offset that the group reads next; undefined: it has committed none. */
  readonly commit: bigint | undefined;
  /** The first offset that the broker still has. */
  readonly first: bigint;
  /** Of the last visible record before `end`. */
  readonly last: bigint;
  readonly end: bigint;
}

export interface GroupLook {
  readonly description: GroupDescription;
  /** Topics that it has committed offsets of, or that its members read. */
  readonly inputs: ReadonlySet<string>;
  readonly behind: readonly Behind[];
  /** Input topics that end in an open transaction. */
  readonly hidden: readonly string[];
  readonly isDone: boolean;
  /** The group that was meant, most likely, where there is none of this name. */
  readonly near: string | undefined;
}

export class GroupProgress {
  readonly #client: KafkaClient;
  readonly #group: string;
  #since: number | undefined;
  /** High watermarks, by `topic/partition`. */
  readonly #ends = new Map<string, bigint>();
  /** Last visible records before an end, likewise. */
  readonly #lasts = new Map<string, { end: bigint; last: bigint | undefined }>();

  constructor(client: KafkaClient, group: string) {
    this.#client = client;
    this.#group = group;
  }

  /** @throws BrokerError and what kafkajs says */
  async look(): Promise<GroupLook> {
    const { recorder, groups } = this.#client;
    const isFirst = this.#since === undefined;
    this.#since ??= clock().now();
    const [commits, description] = await Promise.all([
      groups.commits(this.#group),
      groups.describe(this.#group),
      // New partitions, and topics that were made a moment ago.
      isFirst && recorder.refresh(),
    ]);
    const named = [
      ...[...commits.keys()].map(topicOfKey),
      ...description.members.flatMap(({ assignment }) => [...assignment.keys()]),
    ];
    // The broker remembers commits of topics that are gone.
    const inputs = new Set(named.filter((topic) => recorder.topics.includes(topic)));
    const { behind, hidden } = await this.#compare(inputs, commits);
    const isKnown = description.state !== 'Dead' || commits.size > 0;
    return {
      description,
      inputs,
      behind,
      hidden,
      isDone: isAtWork(description, isKnown) && inputs.size > 0 && behind.length === 0 && hidden.length === 0,
      near: isKnown ? undefined : nearest(this.#group, await groups.names()),
    };
  }

  async #compare(
    inputs: ReadonlySet<string>,
    commits: ReadonlyMap<string, bigint>,
  ): Promise<Pick<GroupLook, 'behind' | 'hidden'>> {
    const { recorder } = this.#client;
    const ends = await this.#endsOf(inputs);
    const stable = await recorder.list([...inputs], LATEST, true);
    const isEarly = clock().now() - this.#since! < VISIBLE_WITHIN;
    const hidden = new Set<string>();
    const open: [key: string, end: bigint][] = [];
    for (const [key, high] of ends) {
      const visible = stable.get(key) ?? high;
      if (visible < high && isEarly) hidden.add(topicOfKey(key));
      const end = earlier(visible, high);
      if ((commits.get(key) ?? -1n) < end) open.push([key, end]);
    }
    if (open.length === 0) return { behind: [], hidden: [...hidden] };
    const firsts = await recorder.list([...new Set(open.map(([key]) => topicOfKey(key)))], EARLIEST);
    const behind = await Promise.all(
      open.map(async ([key, end]) => {
        const [commit, first] = [commits.get(key), firsts.get(key) ?? 0n];
        const last = await this.#lastBefore(key, end, first);
        if (last === undefined || (commit ?? -1n) > last) return [];
        return [{ topic: topicOfKey(key), partition: partitionOfKey(key), commit, first, last, end }];
      }),
    );
    return { behind: behind.flat(), hidden: [...hidden] };
  }

  /** As they were when each was seen first. */
  async #endsOf(topics: ReadonlySet<string>): Promise<[key: string, end: bigint][]> {
    const { recorder } = this.#client;
    const isNew = (topic: string) =>
      recorder.partitions(topic).some(({ partitionId }) => !this.#ends.has(`${topic}/${partitionId}`));
    const fresh = [...topics].filter(isNew);
    if (fresh.length > 0)
      for (const [key, end] of await recorder.list(fresh, LATEST)) if (!this.#ends.has(key)) this.#ends.set(key, end);
    return [...this.#ends].filter(([key]) => topics.has(topicOfKey(key)));
  }

  async #lastBefore(key: string, end: bigint, from: bigint): Promise<bigint | undefined> {
    const found = this.#lasts.get(key);
    if (found?.end === end) return found.last;
    const { recorder, cluster } = this.#client;
    const [topic, partition] = [topicOfKey(key), partitionOfKey(key)];
    const leader = recorder.partitions(topic).find(({ partitionId }) => partitionId === partition)?.leader ?? -1;
    const last = await lastVisible(cluster, { topic, partition, leader, from, to: end });
    this.#lasts.set(key, { end, last });
    return last;
  }
}

/**
 * A group without members does nothing; but one that never had any is somebody who assigns partitions to itself and only
 * commits here. Of a group of a newer protocol than the broker tells us about nothing is known but its commits.
 */
function isAtWork({ state, protocolType, members }: GroupDescription, isKnown: boolean): boolean {
  if (state === 'Stable') return members.length > 0;
  return isKnown && (state === 'Dead' || (state === 'Empty' && protocolType === ''));
}
