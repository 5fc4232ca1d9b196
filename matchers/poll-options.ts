/** The options of `expect.poll`. */
import { runtime } from '../bindings/core/runtime.ts';
import { didYouMean } from '../bindings/core/suggest.ts';
import { isPlainObject } from './judge.ts';
import { isDuration, kindOf, misuse } from './misuse.ts';
import type { PollSetup } from './poll.ts';
import { print } from './print.ts';

export interface PollOptions {
  /** Time to become true, ms. Default: `within` of the config, 5000. */
  within?: number;
  /** Between two tries, ms. Default: 50. */
  interval?: number;
  /** Stands before the failure. */
  message?: string;
  /** A failure lets the test go on, as with `expect.soft.poll`. Default: false. */
  soft?: boolean;
}

const INTERVAL = 50;
const KEYS = ['within', 'interval', 'message', 'soft'] as const satisfies (keyof PollOptions)[];

/** @throws QaError QA_MISUSE */
export function pollOptions(
  value: unknown,
  { within, interval = INTERVAL }: PollSetup,
): PollOptions & { within: number; interval: number } {
  const { runner, defaults } = runtime();
  const base = { within: within ?? defaults.within, interval };
  if (value === undefined) return base;
  if (!isPlainObject(value))
    throw misuse(
      `expect.poll(): options must be an object, but are ${kindOf(value)}`,
      'Write `{ within: 2000 }`, in ms',
    );
  // Vitest's own name of the same.
  const known = runner === 'vitest' ? [...KEYS, 'timeout'] : KEYS;
  for (const [key, given] of Object.entries(value)) {
    if (!(known as readonly string[]).includes(key))
      throw misuse(
        `expect.poll(): unknown option \`${key}\``,
        key === 'timeout' ? 'The time to become true is `within`, in ms' : didYouMean(key, known),
      );
    if (given === undefined) continue;
    const [isRight, wanted] =
      key === 'message'
        ? [typeof given === 'string', 'a text']
        : key === 'soft'
          ? [typeof given === 'boolean', '`true` or `false`']
          : [isDuration(given), 'a number of milliseconds, 0 or more'];
    if (!isRight)
      throw misuse(`expect.poll(): option \`${key}\` must be ${wanted}, but is ${print(given)}`, `Give ${wanted}`);
  }
  const { timeout, ...options } = value as PollOptions & { timeout?: number };
  if (timeout !== undefined && options.within !== undefined)
    throw misuse('expect.poll() got `timeout` and `within`, which are the same', 'Leave out one of them');
  const given = Object.fromEntries(Object.entries(options).filter(([, one]) => one !== undefined)) as PollOptions;
  return { ...base, ...(timeout !== undefined && { within: timeout }), ...given };
}
