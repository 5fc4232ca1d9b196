import { call, type WireBroker } from './request.ts';
import { type Reader, Writer } from './wire.ts';

/** Instead of a time. */
export const LATEST = '-1';
export const EARLIEST = '-2';

export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly offset: bigint;
}

const API = { key: 2, name: 'ListOffsets' };
/** All brokers have it. */
const VERSION = 2;

/** First or last offsets. `stable`: the last stable offset instead of the high watermark. */
export function listOffsets(
  broker: WireBroker,
  topics: ReadonlyMap<string, readonly number[]>,
  at: string,
  stable: boolean,
): Promise<PartitionOffset[]> {
  const writer = new Writer(false).int32(-1).int8(stable ? 1 : 0);
  writer.array([...topics], ([topic, partitions]) => {
    writer.string(topic).array(partitions, (partition) => writer.int32(partition).int64(BigInt(at)));
  });
  const read = (reader: Reader): PartitionOffset[] => {
    reader.int32();
    return reader
      .array(() => {
        const topic = reader.string() ?? '';
        return reader.array(() => {
          const [partition, errorCode] = [reader.int32(), reader.int16()];
          reader.int64();
          return { topic, partition, errorCode, offset: reader.int64() };
        });
      })
      .flat();
  };
  return call(broker, { api: API, version: VERSION, compact: false, writer, read });
}
