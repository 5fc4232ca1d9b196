import { QaError } from '../../core/errors.ts';
import { BrokerError } from './errors.ts';
import { call, newest, type WireBroker } from './request.ts';
import { type Reader, Writer } from './wire.ts';

export interface FetchWish {
  readonly topic: string;
  readonly id: string | undefined;
  readonly partition: number;
  readonly offset: bigint;
  readonly maxBytes: number;
}

export interface Fetched {
  readonly topic: string | undefined;
  /** Instead of the name, where the broker has ids. */
  readonly id: string | undefined;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: bigint;
  readonly lastStableOffset: bigint;
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
  /** Batches one after the other; the last may be cut off. */
  readonly records: Buffer | null;
}

export interface FetchOptions {
  /** The broker answers when there is anything, or after this time, ms. */
  readonly maxWait: number;
  readonly maxBytes: number;
}

const API = { key: 1, name: 'Fetch' };
/** Topics by id: an answer never is of another topic of the same name. */
const WITH_IDS = 13;
/** Kafka 2.3's. */
const WITHOUT_IDS = 11;

/** Committed records from given offsets on. */
export function fetchRecords(
  broker: WireBroker,
  wishes: readonly FetchWish[],
  options: FetchOptions,
): Promise<Fetched[]> {
  const version = newest(broker, API);
  if (version < WITHOUT_IDS) throw tooOld();
  const compact = version >= WITH_IDS && wishes.every(({ id }) => id !== undefined);
  const writer = new Writer(compact)
    .int32(-1)
    .int32(options.maxWait)
    .int32(1)
    .int32(options.maxBytes)
    .int8(1)
    // No session: all partitions are named each time.
    .int32(0)
    .int32(-1);
  writer.array([...grouped(wishes)], ([, partitions]) => {
    const { topic, id } = partitions[0]!;
    if (compact) writer.uuid(id!);
    else writer.string(topic);
    writer.array(partitions, ({ partition, offset, maxBytes }) => {
      writer.int32(partition).int32(-1).int64(offset);
      if (compact) writer.int32(-1);
      writer.int64(-1n).int32(maxBytes).tags();
    });
    writer.tags();
  });
  writer.array([], () => undefined);
  writer.string('').tags();
  const read = (reader: Reader) => readFetched(reader, compact);
  return call(broker, { api: API, version: compact ? WITH_IDS : WITHOUT_IDS, compact, writer, read });
}

function readFetched(reader: Reader, compact: boolean): Fetched[] {
  reader.int32();
  const errorCode = reader.int16();
  reader.int32();
  const answer = reader.array((): Fetched[] => {
    const id = compact ? reader.uuid() : undefined;
    const topic = compact ? undefined : (reader.string() ?? '');
    const partitions = reader.array((): Fetched => {
      const partition = reader.int32();
      const ownError = reader.int16();
      const highWatermark = reader.int64();
      const lastStableOffset = reader.int64();
      reader.int64();
      const aborted = reader.array(() => {
        const transaction = { producerId: reader.int64(), firstOffset: reader.int64() };
        reader.tags();
        return transaction;
      });
      reader.int32();
      const records = reader.bytes();
      reader.tags();
      return {
        topic,
        id,
        partition,
        errorCode: ownError || errorCode,
        highWatermark,
        lastStableOffset,
        aborted,
        records,
      };
    });
    reader.tags();
    return partitions;
  });
  if (errorCode !== 0 && answer.length === 0) throw new BrokerError(errorCode);
  return answer.flat();
}

function grouped(wishes: readonly FetchWish[]): Map<string, FetchWish[]> {
  const topics = new Map<string, FetchWish[]>();
  for (const wish of wishes) {
    const of = topics.get(wish.topic);
    if (of) of.push(wish);
    else topics.set(wish.topic, [wish]);
  }
  return topics;
}

function tooOld(): QaError {
  return new QaError('QA_DRIVER_RANGE', {
    what: 'The broker is older than Kafka 2.3',
    mend: 'Use a newer broker: older ones cannot be read',
  });
}
