/** What lies at the end of a partition: markers and aborted records are seen by nobody, and so are never committed. */
import { committed } from './aborted.ts';
import type { WireCluster } from './cluster.ts';
import { batchesOf } from './protocol/batches.ts';
import { BrokerError } from './protocol/errors.ts';
import { fetchRecords } from './protocol/fetch.ts';

export interface Tail {
  readonly topic: string;
  readonly partition: number;
  /** Node id. */
  readonly leader: number;
  /** Nothing before it is looked at. */
  readonly from: bigint;
  /** Offset behind its last record. */
  readonly to: bigint;
}

/** A log is read forwards only: so many offsets before its end, and ever more where nothing visible is found. */
const FIRST_REACH = 16n;
const FURTHER = 16n;
const BYTES = 1 << 20;
/** The records are there: the broker need not wait for any, ms. */
const WAIT = 100;

/**
 * Offset of the last record that an application sees; undefined where there is none. Of a batch whose last records were
 * compacted away it is that of the batch's end, which is what consumers commit.
 *
 * @throws BrokerError and what kafkajs says
 */
export async function lastVisible(cluster: WireCluster, tail: Tail): Promise<bigint | undefined> {
  const { from, to, leader } = tail;
  const broker = await cluster.findBroker({ nodeId: `${leader}` });
  let end = to;
  for (let reach = FIRST_REACH; end > from; reach *= FURTHER) {
    const start = later(to - reach, from);
    const found = await within(start, end);
    if (found !== undefined) return found;
    end = start;
  }
  return undefined;

  async function within(start: bigint, end: bigint): Promise<bigint | undefined> {
    let found: bigint | undefined;
    let bytes = BYTES;
    for (let offset = start; offset < end; ) {
      const { topic, partition } = tail;
      const wish = { topic, id: undefined, partition, offset, maxBytes: bytes };
      const [answer] = await fetchRecords(broker, [wish], { maxWait: WAIT, maxBytes: bytes });
      if (answer && answer.errorCode !== 0) throw new BrokerError(answer.errorCode);
      const batches = batchesOf(answer?.records ?? Buffer.alloc(0));
      const last = batches.at(-1);
      if (last === undefined) {
        // Not even one batch had room; or nothing is there up to the end.
        if (!answer?.records?.length) break;
        bytes *= 2;
        continue;
      }
      for (const batch of committed(batches, answer?.aborted ?? []))
        if (batch.count > 0 && batch.baseOffset < end) found = earlier(batch.lastOffset, end - 1n);
      offset = last.lastOffset + 1n;
    }
    return found;
  }
}

export function later(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

export function earlier(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}
