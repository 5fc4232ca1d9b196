/** Which partial takes which row, when each must take a different one. */

export interface Pairing {
  /** For each partial the index of its row, or undefined where none is left. */
  rowOf: (number | undefined)[];
  /** Indexes of rows that no partial took. */
  unclaimed: number[];
}

/** The largest pairing there is (augmenting paths), whatever the order. */
export function pair(partials: number, rows: number, matches: (partial: number, row: number) => boolean): Pairing {
  const rowOf = new Array<number | undefined>(partials).fill(undefined);
  const partialOf = new Array<number | undefined>(rows).fill(undefined);
  const candidates = Array.from({ length: partials }, (_, p) =>
    Array.from({ length: rows }, (_, r) => r).filter((r) => matches(p, r)),
  );
  const claim = (p: number, tried: Set<number>): boolean => {
    for (const r of candidates[p]!) {
      if (tried.has(r)) continue;
      tried.add(r);
      const holder = partialOf[r];
      if (holder !== undefined && !claim(holder, tried)) continue;
      rowOf[p] = r;
      partialOf[r] = p;
      return true;
    }
    return false;
  };
  for (let p = 0; p < partials; p += 1) claim(p, new Set());
  return { rowOf, unclaimed: unclaimedOf(partialOf) };
}

/** Partials in the order of their rows: each takes the first match after the one before. */
export function pairInOrder(
  partials: number,
  rows: number,
  matches: (partial: number, row: number) => boolean,
): Pairing {
  const rowOf = new Array<number | undefined>(partials).fill(undefined);
  const partialOf = new Array<number | undefined>(rows).fill(undefined);
  let next = 0;
  for (let p = 0; p < partials; p += 1) {
    let r = next;
    while (r < rows && !matches(p, r)) r += 1;
    if (r === rows) continue;
    rowOf[p] = r;
    partialOf[r] = p;
    next = r + 1;
  }
  return { rowOf, unclaimed: unclaimedOf(partialOf) };
}

function unclaimedOf(partialOf: readonly (number | undefined)[]): number[] {
  return partialOf.flatMap((partial, row) => (partial === undefined ? [row] : []));
}
