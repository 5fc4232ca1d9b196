/** Where a test begins: the server's time, the ends of streams, and what of the channels has been recorded. */
import { pause } from '../../../core/clock.ts';
import { orAborted } from '../../../core/operation.ts';
import type { RedisClient } from '../client.ts';

/**
 * @param keeps what was written so far stays: then the mark waits for the next ms, for ids of streams are times, and an
 * entry of this very ms would count
 */
export async function takeMarks(
  client: RedisClient,
  signal: AbortSignal,
  { keeps }: { keeps: boolean },
): Promise<void> {
  const { redis, streams, marks, channels } = client;
  const known = [...streams];
  const ask = redis.pipeline().time();
  // A cluster's nodes each hold some: there the time must do.
  if (!client.isCluster) for (const key of known) ask.xinfo('STREAM', key);
  const work = Promise.all([ask.exec(), channels?.settled()]);
  const [results] = await orAborted(work, signal);
  const [time, ...infos] = results ?? [];
  if (time?.[0]) throw time[0];
  const [seconds, micros] = time![1] as [string, string];
  const now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  marks.test = keeps ? now + 1 : now;
  if (keeps) await pause(1);
  for (const [index, key] of known.entries()) {
    const [error, info] = infos[index] ?? [];
    const last = error === null ? field(info as unknown[], 'last-generated-id') : undefined;
    if (last !== undefined) marks.streams.set(key, `(${last}`);
    // There is no such stream: all that comes counts.
    else if (error && /no such key/i.test(error.message)) marks.streams.set(key, '0-0');
    else marks.streams.delete(key);
  }
  if (channels) channels.marks.test = channels.mark();
}

function field(flat: unknown[], name: string): string | undefined {
  const at = flat.indexOf(name);
  return at === -1 ? undefined : String(flat[at + 1]);
}
