/** Finds matching rows with as little reading as decides it. */
import type { Expected, Found, RowObserver, Values } from '../bindings/core/source.ts';

/** Rows of a first, cheap look. */
const FEW = 5;

/**
 * Where the server can compare all parts of `expected`, a few rows tell; only where it cannot, and those few are not
 * accepted, all of them are read. What was needed once is done at once by the next look.
 */
export function finder(
  observer: RowObserver,
  expected: Expected,
  accept: (row: Values) => boolean,
): (limit: number, signal: AbortSignal) => Promise<Found> {
  let readsAll = false;
  return async (limit, signal) => {
    if (!readsAll) {
      const { rows, more } = await observer.find(expected, { limit: Math.max(limit, FEW), signal });
      const accepted = rows.filter((row) => accept(row));
      if (!more || accepted.length >= limit) {
        return { rows: accepted.slice(0, limit), more: more || accepted.length > limit };
      }
      readsAll = true;
    }
    return await observer.find(expected, { limit, signal, accept });
  };
}
