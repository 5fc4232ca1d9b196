import type { BrokerMetadata, PartitionMetadata } from 'kafkajs';
import { call, newest, type WireBroker } from './request.ts';
import { type Reader, Writer } from './wire.ts';

/** kafkajs's, and what it lacks. */
export interface TopicMetadata {
  readonly topic: string;
  /** One for each time that a topic of this name was made; undefined: the broker is older than 2.8. */
  readonly topicId: string | undefined;
  readonly topicErrorCode: number;
  readonly partitionMetadata: PartitionMetadata[];
}

export interface Metadata extends BrokerMetadata {
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly topicMetadata: TopicMetadata[];
}

const API = { key: 3, name: 'Metadata' };
const WITH_IDS = 10;
/** All brokers have it. */
const PLAIN = 4;
const NO_ID = '0'.repeat(32);

/** Asks about some topics, or about all. What is wrong with one of them is told by its error code. */
export function askMetadata(broker: WireBroker, topics: readonly string[] | null): Promise<Metadata> {
  const compact = newest(broker, API) >= WITH_IDS;
  const writer = new Writer(compact);
  writer.array(topics, (topic) => {
    if (compact) writer.uuid(NO_ID);
    writer.string(topic).tags();
  });
  // No topic is made by asking about it. Of the newer version: nor do we ask who may do what.
  writer.int8(0);
  if (compact) writer.int8(0).int8(0).tags();
  const read = (reader: Reader) => readMetadata(reader, compact);
  return call(broker, { api: API, version: compact ? WITH_IDS : PLAIN, compact, writer, read });
}

function readMetadata(reader: Reader, compact: boolean): Metadata & { clientSideThrottleTime: number } {
  const clientSideThrottleTime = reader.int32();
  const brokers = reader.array(() => {
    const broker = { nodeId: reader.int32(), host: reader.string() ?? '', port: reader.int32() };
    const rack = reader.string();
    reader.tags();
    // As kafkajs has it: it compares racks to find out whether a broker was replaced.
    return { ...broker, rack: rack as never };
  });
  const clusterId = reader.string();
  const controllerId = reader.int32();
  const topicMetadata = reader.array(() => readTopic(reader, compact));
  return { clientSideThrottleTime, brokers, clusterId, controllerId, topicMetadata };
}

function readTopic(reader: Reader, compact: boolean): TopicMetadata {
  const topicErrorCode = reader.int16();
  const topic = reader.string() ?? '';
  const topicId = compact ? reader.uuid() : undefined;
  reader.boolean();
  const partitionMetadata = reader.array((): PartitionMetadata => {
    const partitionErrorCode = reader.int16();
    const partitionId = reader.int32();
    const leader = reader.int32();
    if (compact) reader.int32();
    const replicas = reader.array(() => reader.int32());
    const isr = reader.array(() => reader.int32());
    const offlineReplicas = compact ? reader.array(() => reader.int32()) : [];
    reader.tags();
    return { partitionErrorCode, partitionId, leader, replicas, isr, offlineReplicas };
  });
  if (compact) reader.int32();
  reader.tags();
  return { topic, topicId, topicErrorCode, partitionMetadata };
}
