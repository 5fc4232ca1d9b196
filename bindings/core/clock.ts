/**
 * Time that fake timers cannot stop: taken when the environment loads, before any test may replace the globals.
 */
import { shared } from './shared.ts';

export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  setTimeout(callback: () => void, ms: number): NodeJS.Timeout;
  clearTimeout(timer: NodeJS.Timeout | undefined): void;
}

const realNow = performance.now.bind(performance);
const realSetTimeout = setTimeout;
const realClearTimeout = clearTimeout;

const own: Clock = {
  now: realNow,
  setTimeout: (callback, ms) => realSetTimeout(callback, ms),
  clearTimeout: (timer) => realClearTimeout(timer),
};

/** Waits, ms: for what no event tells. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => clock().setTimeout(resolve, ms));
}

/** The clock of this realm. */
export function clock(): Clock {
  const record = shared();
  record.clock ??= own;
  return record.clock;
}
