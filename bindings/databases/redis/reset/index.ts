/** How a connection is reset, and when it may be. */
import type { Proof, Resetter, Scope } from '../../../core/binding.ts';
import type { RedisClient } from '../client.ts';
import type { ParsedOptions } from '../options.ts';
import { takeMarks } from './marks.ts';

export async function ownership(_client: RedisClient, _options: ParsedOptions, _scope: Scope): Promise<Proof> {
  return { owned: true, by: 'marks', because: 'only marks are taken', harmless: true };
}

export async function reset(client: RedisClient, _proof: Proof, _scope: Scope): Promise<Resetter> {
  const mark = async (signal: AbortSignal) => {
    try {
      await takeMarks(client, signal, { keeps: true });
    } catch (error) {
      throw client.told(error, 'Taking the mark that a test starts from');
    }
  };
  return { reset: mark, push: mark, pop: () => undefined, renew: () => true, close: async () => undefined };
}
