/** Asks the leaders of partitions for offsets, each of what it leads. */
import { clock } from '../core/clock.ts';
import type { WireCluster } from './cluster.ts';
import { keyOf } from './positions.ts';
import { BrokerError, NO_LEADER } from './protocol/errors.ts';
import { listOffsets } from './protocol/offsets.ts';

export interface LedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Node id; less than 0: nobody. */
  readonly leader: number;
}

/** By `topic/partition`. */
export interface OffsetsFound {
  readonly found: Map<string, bigint>;
  readonly failed: Map<string, unknown>;
}

/** So long one broker may take longer than the others, ms: it hangs, most likely. */
const PATIENCE = 3000;

/** Never fails: each partition has its offset, or its error. */
export async function offsetsOf(
  cluster: WireCluster,
  partitions: readonly LedPartition[],
  at: string,
  stable: boolean,
): Promise<OffsetsFound> {
  const found = new Map<string, bigint>();
  const failed = new Map<string, unknown>();
  const byLeader = new Map<number, LedPartition[]>();
  for (const partition of partitions) {
    if (partition.leader < 0) failed.set(keyOf(partition), new BrokerError(NO_LEADER));
    else if (byLeader.has(partition.leader)) byLeader.get(partition.leader)!.push(partition);
    else byLeader.set(partition.leader, [partition]);
  }
  const asked = [...byLeader].map(async ([leader, led]) => {
    try {
      const broker = await cluster.findBroker({ nodeId: `${leader}` });
      for (const answer of await listOffsets(broker, byTopic(led), at, stable)) {
        if (answer.errorCode === 0) found.set(keyOf(answer), answer.offset);
        else failed.set(keyOf(answer), new BrokerError(answer.errorCode));
      }
    } catch (error) {
      for (const partition of led) failed.set(keyOf(partition), error);
    }
  });
  if (asked.length === 1) await asked[0];
  else if (asked.length > 1) await allButTheSlow(asked);
  for (const partition of partitions) {
    const key = keyOf(partition);
    if (!found.has(key) && !failed.has(key)) failed.set(key, hangs(partition.leader));
  }
  return { found, failed };
}

/** Waits for all; once the first is there, for the others no longer than they have patience for. */
async function allButTheSlow(asked: readonly Promise<void>[]): Promise<void> {
  await Promise.race(asked);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = clock().setTimeout(resolve, PATIENCE);
  });
  await Promise.race([Promise.all(asked), late]);
  clock().clearTimeout(timer);
}

function hangs(leader: number): Error {
  const error = new Error(`Request ListOffsets timed out: broker ${leader} does not answer`);
  error.name = 'KafkaJSRequestTimeoutError';
  return error;
}

function byTopic(partitions: readonly LedPartition[]): Map<string, number[]> {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const of = topics.get(topic);
    if (of) of.push(partition);
    else topics.set(topic, [partition]);
  }
  return topics;
}
