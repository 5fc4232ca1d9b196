/** What a test starts from: marks at the ends of all topics. On a broker that is ours, topics that tests made go, too. */
import type { Proof, Refusal, Resetter } from '../core/binding.ts';
import { orAborted } from '../core/operation.ts';
import type { KafkaClient } from './client.ts';
import { deleteTopics } from './topic-admin.ts';

export async function ownership({ scope }: KafkaClient): Promise<Proof | Refusal> {
  const { lease } = scope;
  return lease === undefined
    ? { owned: true, by: 'marks', because: 'only marks are taken', harmless: true }
    : { owned: true, by: 'throwaway', because: lease.because, harmless: true };
}

export function marks(client: KafkaClient, proof: Proof): Resetter {
  /** Topics that belong to each baseline, from the outermost. */
  const levels: Set<string>[] = [];
  const takeMark = async (signal: AbortSignal) => {
    try {
      await client.takeMark(signal);
    } catch (error) {
      throw client.told(error, 'Taking the mark that a test starts from');
    }
  };
  return {
    async reset(signal) {
      const kept = new Set(levels.flatMap((level) => [...level]));
      const made = [...client.created].filter((topic) => !kept.has(topic));
      if (proof.by === 'throwaway' && made.length > 0) {
        try {
          await orAborted(
            client.admin().then((admin) => deleteTopics(client, made, admin)),
            signal,
          );
        } catch (error) {
          throw client.told(error, 'Deleting the topics that a test made');
        }
      }
      await takeMark(signal);
    },
    async push(signal) {
      const kept = new Set(levels.flatMap((level) => [...level]));
      levels.push(new Set([...client.created].filter((topic) => !kept.has(topic))));
      // What hooks and services have sent belongs to the baseline.
      await takeMark(signal);
    },
    pop() {
      levels.pop();
    },
    renew() {
      levels.length = 0;
      return true;
    },
    close: async () => undefined,
  };
}
