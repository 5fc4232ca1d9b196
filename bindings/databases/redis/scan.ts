/** Walks over the keys that fit a pattern: SCAN to its end, on each node of a cluster, never KEYS. */
import type { Cluster, Redis } from 'ioredis';
import type { RedisClient } from './client.ts';

/** Keys that the server looks at in one step. */
const STEP = 1000;

/** Pages of keys, as bytes. One that is moved meanwhile may come twice. */
export async function* scan({ redis }: RedisClient, pattern: string): AsyncGenerator<Buffer[]> {
  const nodes: Redis[] = 'nodes' in redis ? (redis as Cluster).nodes('master') : [redis as Redis];
  for (const node of nodes) yield* scanNode(node, pattern);
}

export async function* scanNode(node: Redis, pattern: string): AsyncGenerator<Buffer[]> {
  let cursor = '0';
  do {
    const [next, keys] = await node.scanBuffer(cursor, 'MATCH', pattern, 'COUNT', STEP);
    cursor = next.toString();
    if (keys.length > 0) yield keys;
  } while (cursor !== '0');
}

/** A glob that fits this text alone. */
export function globOf(text: string): string {
  return text.replace(/[\\*?[\]^]/g, '\\$&');
}

/** The text that all that fits the glob begins with. */
export function literalPrefix(glob: string): string {
  const [, literal = ''] = /^((?:\\.|[^*?[\\])*)/s.exec(glob) ?? [];
  return literal.replace(/\\(.)/gs, '$1');
}
