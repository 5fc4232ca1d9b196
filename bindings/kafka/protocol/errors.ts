/** What a broker says about one topic or partition. */
const TYPES: Readonly<Record<number, readonly [type: string, text: string]>> = {
  1: ['OFFSET_OUT_OF_RANGE', 'The offset is not within the range that the broker keeps'],
  2: ['CORRUPT_MESSAGE', 'The broker found a message that is corrupt'],
  3: ['UNKNOWN_TOPIC_OR_PARTITION', 'The broker does not have this topic or partition'],
  5: ['LEADER_NOT_AVAILABLE', 'The partition has no leader at present'],
  6: ['NOT_LEADER_FOR_PARTITION', 'The broker does not lead this partition'],
  7: ['REQUEST_TIMED_OUT', 'The request timed out on the broker'],
  9: ['REPLICA_NOT_AVAILABLE', 'A replica of the partition is not available'],
  29: ['TOPIC_AUTHORIZATION_FAILED', 'This user may not read the topic'],
  56: ['KAFKA_STORAGE_ERROR', 'The broker cannot reach the disk that holds the partition'],
  74: ['FENCED_LEADER_EPOCH', 'The partition has a new leader'],
  75: ['UNKNOWN_LEADER_EPOCH', 'The broker does not yet know the leader of the partition'],
  76: ['UNSUPPORTED_COMPRESSION_TYPE', 'The broker does not send messages that are compressed in this way'],
  78: ['OFFSET_NOT_AVAILABLE', 'The new leader does not yet know where the partition ends'],
  100: ['UNKNOWN_TOPIC_ID', 'The topic is no more'],
  103: ['INCONSISTENT_TOPIC_ID', 'The topic was deleted and made again'],
};

export const OFFSET_OUT_OF_RANGE = 1;
export const UNKNOWN_TOPIC = 3;
export const NO_LEADER = 5;
/** The name can be no topic's. */
export const INVALID_TOPIC = 17;

/** Leadership is moving: soon over, and no trouble of the topic. */
const PASSING: ReadonlySet<number> = new Set([3, 5, 6, 9, 74, 75, 78, 100, 103]);

export function isPassing(code: number): boolean {
  return PASSING.has(code);
}

/** Of the shape that kafkajs's errors have. */
export class BrokerError extends Error {
  override readonly name = 'KafkaJSProtocolError';
  readonly type: string;
  readonly code: number;
  readonly retriable: boolean;

  constructor(code: number) {
    const [type, text] = TYPES[code] ?? ['KAFKAJS_UNKNOWN_ERROR_CODE', `The broker answered with error code ${code}`];
    super(text);
    this.type = type;
    this.code = code;
    this.retriable = isPassing(code);
  }
}
