/** From where messages of a topic count. */
import { types } from 'node:util';
import { QaError } from '../core/errors.ts';
import type { Since } from '../core/messages.ts';
import type { KafkaClient } from './client.ts';
import { partitionOfKey, topicOfKey } from './positions.ts';
import type { Mark } from './recorder.ts';
import type { RawMessage } from './topic-log.ts';

export interface Start {
  /** Whether a message counts. */
  counts(message: RawMessage): boolean;
  /** Sequence number in the log from where messages can count. */
  readonly sequence: number;
  /** In words: `since the test began`. */
  readonly words: string;
}

/** @throws QaError QA_MISUSE for what can be no start, or lies before the record's */
export function startOf(since: Since, { topic, client }: { topic: string; client: KafkaClient }): Start {
  if (since === 'test') {
    const { mark } = client;
    const sequence = mark.sequences.get(topic) ?? 0;
    return { counts: afterMark(mark, topic), sequence, words: 'since the test began' };
  }
  // All that is recorded came since then.
  if (since === 'file') return { counts: () => true, sequence: 0, words: 'since the file began' };
  if (types.isDate(since)) {
    const time = Number(since);
    if (!Number.isNaN(time)) {
      return { counts: ({ timestamp }) => timestamp >= time, sequence: 0, words: `since ${since.toISOString()}` };
    }
  } else if (typeof since === 'object' && since !== null) return afterOffsets(since, { topic, client });
  throw new QaError('QA_MISUSE', {
    what: `\`since\` can be no start: ${String(since)}`,
    mend: "Give 'test', 'file', a Date, or offsets of partitions: `{ 0: 120 }`",
    connection: client.scope.connection,
  });
}

function afterMark({ ends, generations }: Mark, topic: string): (message: RawMessage) => boolean {
  const generation = generations.get(topic) ?? 0;
  const from: (bigint | undefined)[] = [];
  for (const [key, end] of ends) {
    if (topicOfKey(key) === topic) from[partitionOfKey(key)] = end;
  }
  return (message) =>
    message.generation > generation ||
    (message.generation === generation && message.offset >= (from[message.partition] ?? 0n));
}

/** A partition that is not named was not there when the offsets were read: all of it counts. */
function afterOffsets(
  since: Readonly<Record<string, number | bigint | string>>,
  { topic, client }: { topic: string; client: KafkaClient },
): Start {
  const fail = (what: string, mend: string) =>
    new QaError('QA_MISUSE', {
      what: `\`since\` of topic ${topic}: ${what}`,
      mend,
      connection: client.scope.connection,
    });
  const from: bigint[] = [];
  for (const [partition, offset] of Object.entries(since)) {
    if (!/^\d+$/.test(partition) || !/^\d+$/.test(String(offset)))
      throw fail(
        `\`${partition}: ${String(offset)}\` is no offset of a partition`,
        'Give whole numbers from 0, as `await topic.offsets()` does',
      );
    const pin = client.recorder.pins.ends.get(`${topic}/${partition}`) ?? 0n;
    if (BigInt(offset) < pin)
      throw fail(
        `offset ${offset} of partition ${partition} lies before ${pin}, where the record began when the file opened`,
        'Give that offset or a later one',
      );
    from[Number(partition)] = BigInt(offset);
  }
  return {
    counts: ({ partition, offset }) => offset >= (from[partition] ?? 0n),
    sequence: 0,
    words: 'since the given offsets',
  };
}
