/**
 * Times of a reset's own writes, in µs: after all that was written before it, before all that will be written after.
 * Clients count the µs of a millisecond up from its begin, so the end of the present one is theirs no more, and a reset
 * ends when that millisecond does.
 */
import { pause } from '../../../core/clock.ts';
import { machineTime } from '../machine-time.ts';

export interface Times {
  /** For what is removed. */
  removed: number;
  /** For what is put back. */
  restored: number;
  /** Fulfilled when whatever is written is later. */
  over(): Promise<void>;
}

export function timesOfReset(): Times {
  const ms = machineTime();
  return {
    removed: ms * 1000 + 998,
    restored: ms * 1000 + 999,
    async over() {
      while (machineTime() <= ms) await pause(1);
    },
  };
}
