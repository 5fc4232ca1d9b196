/** What kafkajs 2.2.4 does not ask about consumer groups. */
import { BrokerError } from './errors.ts';
import { call, newest, type WireBroker } from './request.ts';
import { Reader, Writer } from './wire.ts';

export interface GroupMember {
  readonly clientId: string;
  /** `/127.0.0.1` */
  readonly host: string;
  /** Partitions by topic. */
  readonly assignment: ReadonlyMap<string, readonly number[]>;
}

export interface GroupDescription {
  /** `Stable`, `Empty`, `Dead` (there is none), `PreparingRebalance`, `CompletingRebalance`, `Assigning`, `Reconciling`. */
  readonly state: string;
  /** Empty: no member has ever joined; somebody only commits in its name. */
  readonly protocolType: string;
  readonly members: readonly GroupMember[];
}

const API = { key: 69, name: 'ConsumerGroupDescribe' };

/** A group of the newer protocol (`group.protocol=consumer`); undefined where the broker has no such one. */
export async function describeConsumerGroup(broker: WireBroker, group: string): Promise<GroupDescription | undefined> {
  if (broker.versions?.[API.key] === undefined) return undefined;
  const writer = new Writer(true);
  // Nor do we ask who may do what.
  writer
    .array([group], (name) => writer.string(name))
    .int8(0)
    .tags();
  const read = (reader: Reader) => {
    reader.int32();
    return reader.array(() => readGroup(reader, newest(broker, API) >= 1))[0];
  };
  const version = newest(broker, API) >= 1 ? 1 : 0;
  const found = await call(broker, { api: API, version, compact: true, writer, read });
  if (found === undefined || NONE.has(found.errorCode)) return undefined;
  if (found.errorCode !== 0) throw new BrokerError(found.errorCode);
  return found;
}

/** No such group; or the broker has the protocol, but switched off. */
const NONE = new Set([69, 35]);

function readGroup(reader: Reader, hasMemberTypes: boolean): GroupDescription & { errorCode: number } {
  const errorCode = reader.int16();
  reader.string();
  reader.string();
  const state = reader.string() ?? '';
  // Epochs of the group and of its assignment, and who assigns.
  reader.int32();
  reader.int32();
  reader.string();
  const members = reader.array((): GroupMember => {
    for (let i = 0; i < 3; i += 1) reader.string();
    reader.int32();
    const [clientId, host] = [reader.string() ?? '', reader.string() ?? ''];
    reader.array(() => reader.string());
    reader.string();
    const assignment = readTopics(reader);
    // What it shall have.
    readTopics(reader);
    if (hasMemberTypes) reader.int8();
    reader.tags();
    return { clientId, host, assignment };
  });
  reader.int32();
  reader.tags();
  return { errorCode, state, protocolType: 'consumer', members };
}

function readTopics(reader: Reader): Map<string, number[]> {
  const topics = reader.array((): [string, number[]] => {
    reader.uuid();
    const topic = reader.string() ?? '';
    const partitions = reader.array(() => reader.int32());
    reader.tags();
    return [topic, partitions];
  });
  reader.tags();
  return new Map(topics);
}

/** A member's assignment as the clients of the older protocol write it. */
export function readAssignment(bytes: Buffer): Map<string, number[]> {
  // A member that is just joining has none.
  if (bytes.length < 6) return new Map();
  const reader = new Reader(bytes, false);
  reader.int16();
  return new Map(reader.array((): [string, number[]] => [reader.string() ?? '', reader.array(() => reader.int32())]));
}
