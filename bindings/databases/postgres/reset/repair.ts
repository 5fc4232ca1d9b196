/**
 * Undoes what a test did to the schema. New objects are dropped, changed ones mended or made anew, missing ones
 * made again; what depends on what is found out by trying. In the end the catalogs are compared once more.
 */
import type { Run } from './baseline.ts';
import { LIVE_OBJECTS, RANK_OF_TABLES } from './objects.ts';

export interface Difference {
  rank: number;
  kind: string;
  id: string;
  /** The table it belongs to. */
  table: string | null;
  is: 'extra' | 'missing' | 'changed';
  make: string | null;
  unmake: string | null;
  mend: string | null;
}

export interface Repair {
  /** What could not be brought back. */
  left: (Difference & { error?: string | undefined })[];
}

/** More rounds than dependencies are ever deep. */
const MOST_ROUNDS = 12;

/** How the catalogs differ from those of the innermost level that knows them. */
export async function differences(run: Run, depth: number, signal: AbortSignal): Promise<Difference[]> {
  const results = await run(`begin; set local search_path = ''; ${DIFFERENCES(depth)}; commit`, signal);
  return results[2]!.rows;
}

/** Inside a transaction. `rows` restores rows as soon as all tables are there: constraints come after them. */
export async function repair(
  run: Run,
  depth: number,
  rows: (made: ReadonlySet<string>) => Promise<void>,
  signal: AbortSignal,
): Promise<Repair> {
  const made = new Set<string>();
  const errors = new Map<string, string>();
  const attempt = async (difference: Difference, statement: string): Promise<boolean> => {
    try {
      await run(`savepoint qa; ${statement}; release savepoint qa`, signal);
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await run('rollback to savepoint qa', signal);
      errors.set(`${difference.kind} ${difference.id}`, (error as Error).message);
      return false;
    }
  };
  const round = async (highest: number): Promise<boolean> => {
    const found = await current(run, depth, signal);
    let moved = false;
    const dropped = new Set<string>();
    for (const difference of found.toReversed()) {
      const { is, kind, mend, unmake, table } = difference;
      if (kind === 'column' && is !== 'extra' && table !== null) {
        // A column can only be added at the end: the table is made anew.
        if (dropped.has(table)) continue;
        dropped.add(table);
        moved = (await attempt(difference, `DROP TABLE IF EXISTS ${table} CASCADE`)) || moved;
      } else if (is === 'changed' && mend !== null && difference.rank <= highest && (await attempt(difference, mend)))
        moved = true;
      else if (is !== 'missing' && unmake !== null && !(table !== null && dropped.has(table)))
        moved = (await attempt(difference, unmake)) || moved;
    }
    for (const difference of await current(run, depth, signal)) {
      const { is, rank, make, kind, id } = difference;
      if (is === 'extra' || make === null || rank > highest) continue;
      if (is === 'changed' && difference.unmake !== null) continue;
      if (!(await attempt(difference, make))) continue;
      moved = true;
      if (kind === 'table') made.add(id);
    }
    return moved;
  };

  await run(SETTINGS, signal);
  for (let i = 0; i < MOST_ROUNDS && (await round(RANK_OF_TABLES)); i++);
  await run('set local search_path to default', signal);
  await rows(made);
  await run(SETTINGS, signal);
  for (let i = 0; i < MOST_ROUNDS && (await round(Number.POSITIVE_INFINITY)); i++);
  const left = await current(run, depth, signal);
  await run('set local search_path to default', signal);
  return {
    left: left.map((difference) => ({ ...difference, error: errors.get(`${difference.kind} ${difference.id}`) })),
  };
}

const SETTINGS =
  "set local search_path = ''; set local check_function_bodies = off; set local client_min_messages = error";

async function current(run: Run, depth: number, signal: AbortSignal): Promise<Difference[]> {
  const [result] = await run(DIFFERENCES(depth), signal);
  return result!.rows;
}

/** The server understood the statement and said no; not a lock, a deadlock or the end of the connection. */
function isRefusal(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return /^[0-9A-Z]{5}$/.test(code) && !/^(40|57|08|53|55P03)/.test(code);
}

const DIFFERENCES = (depth: number): string => `
  with live as materialized (${LIVE_OBJECTS}),
  kept as materialized (
    select * from qa_baseline.objects
     where level = (select max(level) from qa_baseline.objects where level <= ${depth}))
  select coalesce(k.rank, l.rank) as rank, coalesce(k.kind, l.kind) as kind, coalesce(k.id, l.id) as id,
         coalesce(k.part_of, l.part_of) as table,
         case when k.id is null then 'extra' when l.id is null then 'missing' else 'changed' end as is,
         k.make, l.unmake, k.mend
    from live l full join kept k on l.kind = k.kind and l.id = k.id
   where l.def is distinct from k.def
   order by 1, 2, 3`;
