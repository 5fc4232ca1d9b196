/** Reads, in one look, the rows that a list of partials can be paired with. */
import { isDeepStrictEqual } from 'node:util';
import type { Expected, RowObserver, Values } from '../bindings/core/source.ts';
import { differences, type Equality, isAsymmetric } from './judge.ts';

export interface ManyRead {
  rows: Values[];
  /** Rows were left unread that may matter. */
  isCapped: boolean;
}

/** Rows read in one piece before partials are looked up one by one. */
const ONE_READ = 1000;
/** Rows read of an order, or to find what else is there. */
const MOST = 10_000;
/** Rows beyond the expected ones that are worth to be shown. */
const UNEXPECTED = 20;

/**
 * One read, narrowed to what all partials have in common, is one snapshot and one round trip. Where that leaves
 * too many rows, each partial is looked up by itself.
 */
export function readFor(
  observer: RowObserver,
  partials: readonly Expected[],
  { all, inOrder, equality }: { all: boolean; inOrder: boolean; equality: Equality },
): (signal: AbortSignal) => Promise<ManyRead> {
  const common = all ? {} : shared(partials);
  const limit = all ? partials.length + UNEXPECTED : inOrder ? MOST : Math.max(ONE_READ, partials.length);
  const matchesAny = (row: Values) => partials.some((partial) => differences(row, partial, equality).length === 0);
  return async (signal) => {
    const accept = inOrder && !all ? { accept: matchesAny } : {};
    const { rows, more } = await observer.find(common, { limit, signal, ...accept });
    if (!more || all || inOrder) return { rows, isCapped: more };
    return { rows: await oneByOne(signal), isCapped: false };
  };

  /** A partial needs at most as many rows as there are partials: with those it always finds a free one. */
  async function oneByOne(signal: AbortSignal): Promise<Values[]> {
    const rows: Values[] = [];
    for (const partial of partials) {
      const accept = (row: Values) => differences(row, partial, equality).length === 0;
      const found = await observer.find(partial, { limit: partials.length, signal, accept });
      merge(rows, found.rows);
    }
    return rows;
  }
}

/** Adds rows that are not yet there; equal rows count as often as one read found them. */
function merge(into: Values[], found: readonly Values[]): void {
  const taken = new Set<number>();
  for (const row of found) {
    const at = into.findIndex((known, index) => !taken.has(index) && isDeepStrictEqual(known, row));
    if (at === -1) taken.add(into.push(row) - 1);
    else taken.add(at);
  }
}

/** The plain values that every partial asks for alike. */
function shared(partials: readonly Expected[]): Expected {
  const [first = {}, ...rest] = partials;
  return Object.fromEntries(
    Object.entries(first).filter(
      ([column, value]) =>
        !isAsymmetric(value) &&
        rest.every((other) => Object.hasOwn(other, column) && isDeepStrictEqual(other[column], value)),
    ),
  );
}
