/** What a consumer group has worked through, and the wait for it: a proof of silence that needs no fixed time. */
import { clock, pause } from '../core/clock.ts';
import { type ErrorCode, QaError } from '../core/errors.ts';
import { orAborted } from '../core/operation.ts';
import type { KafkaClient } from './client.ts';
import type { Doing } from './errors.ts';
import { lackOf } from './group-lacks.ts';
import { type GroupLook, GroupProgress, VISIBLE_WITHIN } from './group-progress.ts';
import { LATEST } from './protocol/offsets.ts';
import { later } from './tail.ts';

/** Between two looks at a group's commits, ms: no event tells of one. A look is a few small requests. */
const PAUSE = 20;

/**
 * Resolves once the group has committed all visible records that its topics had when this was called, and what
 * `topic` had after that has been recorded. That proves that nothing more comes of it where the group writes before it
 * commits.
 *
 * @throws QaError QA_WAIT_FAILED when `signal` aborts: what the group lacks. At once what time does not mend: QA_FORBIDDEN
 */
export async function afterGroup(
  client: KafkaClient,
  group: string,
  { topic, signal }: { topic: string; signal: AbortSignal },
): Promise<void> {
  const progress = new GroupProgress(client, group);
  let look: GroupLook | undefined;
  let trouble: QaError | undefined;
  try {
    while (trouble || !look?.isDone) {
      if (look || trouble) await orAborted(pause(PAUSE), signal);
      try {
        look = await orAborted(progress.look(), signal);
        trouble = undefined;
      } catch (error) {
        if (signal.aborted) throw error;
        trouble = client.told(error, doingWith(group));
        if (!PASSING.has(trouble.code) && !isRetriable(error)) throw trouble;
      }
    }
    await client.recorder.readTo(await orAborted(visibleEnds(client, topic, signal), signal), signal);
  } catch (error) {
    if (!signal.aborted) throw client.told(error, doingWith(group));
    const lack = trouble
      ? { what: `Nobody tells how far the group \`${group}\` is: ${trouble.message}`, mend: 'See to the broker' }
      : lackOf(group, topic, look);
    throw new QaError('QA_WAIT_FAILED', { ...lack, ...client.place, cause: trouble });
  }
}

/**
 * How many offsets of a topic its group has not committed; 0 when no visible record is among them.
 *
 * @throws QaError QA_NOT_FOUND for an unknown group, or one that does not read the topic
 */
export async function lagOf(client: KafkaClient, group: string, topic: string, signal?: AbortSignal): Promise<bigint> {
  const look = await client.persistently(() => new GroupProgress(client, group).look(), signal);
  const { inputs, behind, description, near } = look;
  if (!inputs.has(topic)) {
    const isUnknown = description.state === 'Dead' && inputs.size === 0;
    throw new QaError('QA_NOT_FOUND', {
      ...(isUnknown
        ? lackOf(group, topic, look)
        : {
            what: `The group \`${group}\` does not read \`${topic}\`; it reads ${[...inputs].join(', ') || 'nothing'}`,
            mend: near ? `Did you mean \`${near}\`?` : 'Correct the name of the topic or of the group',
          }),
      ...client.place,
    });
  }
  return behind
    .filter((partition) => partition.topic === topic)
    .reduce((sum, { commit = 0n, first, end }) => sum + end - later(commit, first), 0n);
}

export function doingWith(group: string): Doing {
  return { what: `Asking how far the group \`${group}\` is`, group, operation: 'Describe' };
}

const PASSING: ReadonlySet<ErrorCode> = new Set(['QA_CONNECTION_LOST', 'QA_TIMEOUT']);

function isRetriable(error: unknown): boolean {
  const { retriable, type } = error as { retriable?: unknown; type?: unknown };
  // Records were deleted meanwhile: the next look knows.
  return retriable === true || type === 'OFFSET_OUT_OF_RANGE';
}

/** Where the topic's visible records end, once what was committed in a transaction by now is among them. */
async function visibleEnds(
  client: KafkaClient,
  topic: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, bigint>> {
  const { recorder } = client;
  // It may have been made a moment ago.
  await recorder.refresh(topic);
  const start = clock().now();
  const high = await client.persistently(() => recorder.list([topic], LATEST), signal);
  for (;;) {
    const stable = await client.persistently(() => recorder.list([topic], LATEST, true), signal);
    const isVisible = [...high].every(([key, end]) => (stable.get(key) ?? end) >= end);
    if (isVisible) return high;
    if (clock().now() - start > VISIBLE_WITHIN) return stable;
    await orAborted(pause(PAUSE), signal);
  }
}
