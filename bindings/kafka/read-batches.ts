/** From a fetched partition's bytes to messages. */
import { committed } from './aborted.ts';
import { COMPRESSIONS, type CompressionTable } from './compression/index.ts';
import {
  type Batch,
  batchesOf,
  headersOf,
  keyBytes,
  RecordCursor,
  type RecordFrame,
  valueBytes,
} from './protocol/batches.ts';
import type { Fetched } from './protocol/fetch.ts';
import type { RawMessage, Unreadable } from './topic-log.ts';

export interface Reading {
  readonly generation: number;
  /** What is before it was recorded already, or lies before the pin. */
  readonly from: bigint;
  /** Ms of the core's clock. */
  readonly seen: number;
  readonly codecs: CompressionTable;
}

/** Bytes that are kept of what could not be read. */
const EXCERPT = 32;

export interface ReadResult {
  /** Those that an application sees, in their order; what cannot be read says so. */
  readonly messages: readonly RawMessage[];
  /** The offset that comes next, also behind what has no messages; undefined: not even one batch was there. */
  readonly next: bigint | undefined;
}

export async function readMessages({ records, aborted, partition }: Fetched, reading: Reading): Promise<ReadResult> {
  if (records === null || records.length === 0) return { messages: [], next: undefined };
  // A copy: the answer holds other topics too, whose memory would otherwise be kept as long as a message of this one.
  const batches = batchesOf(Buffer.from(new Uint8Array(records).buffer));
  const messages: RawMessage[] = [];
  for (const batch of committed(batches, aborted)) {
    if (batch.lastOffset < reading.from || batch.count === 0) continue;
    try {
      if (batch.magic !== 2) throw new Error('the format is that of Kafka 0.10 or older');
      const plain = batch.compression === 0 ? batch.records : await decompressed(batch, reading.codecs);
      for (const message of messagesOf(batch, plain, partition, reading)) messages.push(message);
    } catch (error) {
      messages.push(new UnreadableBatch(batch, error, partition, reading));
    }
  }
  const last = batches.at(-1);
  return { messages, next: last && last.lastOffset + 1n };
}

async function decompressed({ compression, records }: Batch, codecs: CompressionTable): Promise<Buffer> {
  const codec = codecs[compression];
  if (!codec) throw new Error(`nobody knows the compression of number ${compression}`);
  return codec().decompress(records);
}

function messagesOf(batch: Batch, bytes: Buffer, partition: number, reading: Reading): RawMessage[] {
  const { baseOffset, baseTimestamp, appendTime, count } = batch;
  const { generation, from, seen } = reading;
  const cursor = new RecordCursor(bytes, count);
  const messages: RawMessage[] = [];
  for (let frame = cursor.next(); frame; frame = cursor.next()) {
    const offset = baseOffset + BigInt(frame.offsetDelta);
    if (offset < from) continue;
    const timestamp = appendTime ?? baseTimestamp + frame.timestampDelta;
    messages.push(new RecordedMessage(frame, { partition, offset, generation, timestamp, seen }));
  }
  return messages;
}

type Head = Pick<RawMessage, 'partition' | 'offset' | 'generation' | 'timestamp' | 'seen'>;

/** Its bytes, in which key, value and headers are found when looked at: most messages never are. */
class RecordedMessage implements RawMessage {
  readonly partition: number;
  readonly offset: bigint;
  readonly generation: number;
  readonly timestamp: number;
  readonly seen: number;
  readonly size: number;
  readonly #bytes: Buffer;
  readonly #keyAt: number;

  constructor(frame: RecordFrame, head: Head) {
    this.partition = head.partition;
    this.offset = head.offset;
    this.generation = head.generation;
    this.timestamp = head.timestamp;
    this.seen = head.seen;
    this.size = frame.size;
    this.#bytes = frame.bytes;
    this.#keyAt = frame.keyAt;
  }

  get key(): Buffer | null {
    return keyBytes(this.#bytes, this.#keyAt);
  }

  get value(): Buffer | null {
    return valueBytes(this.#bytes, this.#keyAt);
  }

  get headers(): RawMessage['headers'] {
    return headersOf(this.#bytes, this.#keyAt);
  }
}

class UnreadableBatch implements RawMessage {
  readonly partition: number;
  readonly offset: bigint;
  readonly generation: number;
  readonly timestamp: number;
  readonly seen: number;
  readonly key = null;
  readonly value = null;
  readonly headers = {};
  readonly size: number;
  readonly unreadable: Unreadable;

  constructor(batch: Batch, error: unknown, partition: number, { generation, from, seen }: Reading) {
    const first = batch.baseOffset < from ? from : batch.baseOffset;
    this.partition = partition;
    this.offset = first;
    this.generation = generation;
    this.timestamp = batch.appendTime ?? batch.baseTimestamp;
    this.seen = seen;
    this.size = EXCERPT;
    const name = COMPRESSIONS[batch.compression];
    const what = [
      batch.count === 1 ? 'the message' : `${batch.count} messages, up to offset ${batch.lastOffset}`,
      ...(name ? [`compressed with ${name}`] : []),
    ];
    const why = (error as { message?: unknown } | undefined)?.message ?? error;
    this.unreadable = {
      reason: `${what.join(', ')}, could not be read: ${why}`,
      count: batch.count,
      bytes: Buffer.from(batch.records.subarray(0, EXCERPT)),
    };
  }
}
