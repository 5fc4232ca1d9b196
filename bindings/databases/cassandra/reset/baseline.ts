/** What a keyspace holds at some moment: its schema, and the rows of its tables. */
import type { TableShape } from '../shape.ts';
import type { RowText, SchemaObject, Tables } from './tables.ts';

export interface Baseline {
  schema: readonly SchemaObject[];
  /** By table; one that is missing was empty. */
  rows: Readonly<Record<string, readonly RowText[]>>;
}

export async function takeBaseline(tables: Tables, signal: AbortSignal): Promise<Baseline> {
  const [schema, shapes] = await Promise.all([tables.schema(signal), tables.shapes(signal)]);
  return { schema, rows: await filledRows(tables, shapes, signal) };
}

/** Rows of the tables that have any. */
export async function filledRows(
  tables: Tables,
  shapes: readonly TableShape[],
  signal: AbortSignal,
): Promise<Baseline['rows']> {
  const read = await parallel(shapes, async (shape) => {
    const rows = (await tables.hasRows(shape, signal)) ? await tables.rows(shape, signal) : [];
    return [shape.name, rows] as const;
  });
  return Object.fromEntries(read.filter(([, rows]) => rows.length > 0));
}

/** Statements under way at a time. */
const PARALLEL = 32;

/** Results in the order of the items; the first failure ends it. */
export async function parallel<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const work = items.entries();
  const worker = async () => {
    for (const [index, item] of work) results[index] = await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
  return results;
}
