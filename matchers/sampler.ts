/**
 * Closer looks for the history of a wait, beside the polling: rare enough to cost at most a fifth of the time,
 * and never in the way. Their errors are left to the looks themselves, which meet the same ones and report them.
 */
import { clock } from '../bindings/core/clock.ts';
import type { History } from './history.ts';

export interface Sampler {
  /** Samples if it is time to. */
  due(): void;
  stop(): void;
}

/** What passes sooner needs no history, ms. */
const FIRST = 100;

export function sampler(sample: (signal: AbortSignal) => Promise<string>, history: History, start: number): Sampler {
  const { now } = clock();
  const controller = new AbortController();
  let next = start + FIRST;
  let busy = false;
  return {
    due() {
      const at = now();
      if (busy || at < next || controller.signal.aborted) return;
      busy = true;
      void sample(controller.signal)
        .then(
          (state) => {
            if (!controller.signal.aborted) history.note(at - start, state);
          },
          () => undefined,
        )
        .then(() => {
          busy = false;
          next = now() + Math.max(FIRST, 4 * (now() - at));
        });
    },
    stop: () => controller.abort(),
  };
}
