/** Reads rows that may match, few at first: more only when those few do not decide it. */
import type { Expected, RowObserver, Values } from '../bindings/core/source.ts';

/** Rows asked for in one look, each step when the one before did not decide. The last bounds the memory. */
const STEPS = [5, 500, 10_000] as const;

export interface Candidates {
  rows: Values[];
  /** Even the last step left rows unread. */
  isCapped: boolean;
}

/** `decided`: no more rows can change the answer. A step once taken is kept for the next look. */
export function candidates(
  observer: RowObserver,
  decided: (rows: Values[]) => boolean,
): (expected: Expected, signal: AbortSignal) => Promise<Candidates> {
  let step = 0;
  return async (expected, signal) => {
    for (;;) {
      const { rows, more } = await observer.find(expected, { limit: STEPS[step]!, signal });
      if (!more || decided(rows)) return { rows, isCapped: false };
      if (step === STEPS.length - 1) return { rows, isCapped: true };
      step += 1;
    }
  };
}
