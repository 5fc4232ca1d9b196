/** Reads all rows that SQL cannot rule out, page by page, until enough of them are accepted. */
import type { FindOptions, Values } from '../../core/source.ts';
import { openCursor } from './cursor.ts';
import type { Database } from './database.ts';
import { type Build, look, type Origin } from './look.ts';
import type { Shape } from './shape.ts';

/** Rows of the first page, which costs one round trip, and of each further one. */
const PAGE = 1000;

export interface Scanned {
  rows: Values[];
  more: boolean;
  shape: Shape;
}

export async function scan(
  db: Database,
  origin: Origin,
  build: Build,
  { limit, signal, accept }: Required<FindOptions>,
): Promise<Scanned> {
  const page = Math.max(PAGE, limit);
  const { result, shape, pushes } = await look(db, origin, (...args) => `${build(...args)} limit ${page + 1}`, {
    signal,
  });
  const rows: Values[] = [];
  const take = (candidates: Values[]): boolean => {
    for (const row of candidates) {
      if (!accept(row)) continue;
      if (rows.length === limit) return true;
      rows.push(row);
    }
    return false;
  };
  const first = result.rows as Values[];
  if (take(first.slice(0, page))) return { rows, more: true, shape };
  if (first.length <= page) return { rows, more: false, shape };

  // One snapshot from here on: rows that are written meanwhile are seen by the next look.
  rows.length = 0;
  const cursor = await openCursor(db, origin, (known, parameters) => build(known, parameters, pushes), shape, signal);
  try {
    for (;;) {
      const candidates = await cursor.next(page);
      if (candidates.length === 0) return { rows, more: false, shape };
      if (take(candidates)) return { rows, more: true, shape };
    }
  } finally {
    await cursor.close();
  }
}
