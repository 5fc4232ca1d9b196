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

/**
 * Inside a transaction. `found` is how the catalogs differ. `rows` restores rows as soon as all tables are there:
 * constraints come after them.
 */
export async function repair(
  run: Run,
  { depth, found }: { depth: number; found: readonly Difference[] },
  rows: (made: ReadonlySet<string>) => Promise<void>,
  signal: AbortSignal,
): Promise<Repair> {
  const work = new Work(run, depth, found, signal);
  await run(SETTINGS, signal);
  await work.upTo(RANK_OF_TABLES);
  await run('set local search_path to default', signal);
  await rows(work.made);
  await run(SETTINGS, signal);
  await work.upTo(Number.POSITIVE_INFINITY);
  await run('set local search_path to default', signal);
  return { left: work.left() };
}

class Work {
  /** Tables that were made anew: empty. */
  readonly made = new Set<string>();
  readonly #errors = new Map<string, string>();
  readonly #run: Run;
  readonly #depth: number;
  readonly #signal: AbortSignal;
  #found: readonly Difference[];

  constructor(run: Run, depth: number, found: readonly Difference[], signal: AbortSignal) {
    this.#run = run;
    this.#depth = depth;
    this.#found = found;
    this.#signal = signal;
  }

  left(): Repair['left'] {
    return this.#found.map((difference) => ({ ...difference, error: this.#errors.get(keyOf(difference)) }));
  }

  /** Round after round, until nothing is left or nothing moves any more. */
  async upTo(rank: number): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const unmade = await this.#unmake(rank);
      const made = await this.#make(rank);
      if (!unmade && !made) return;
    }
  }

  /** Drops what is new, mends or drops what is changed; what depends on others comes first. */
  async #unmake(highest: number): Promise<boolean> {
    const dropped = new Set<string>();
    let moved = false;
    for (const difference of this.#found.toReversed()) {
      const { is, kind, rank, mend, unmake, table } = difference;
      if (kind === 'column' && is !== 'extra' && table !== null) {
        // A column can only be added at the end: the table is made anew.
        if (dropped.has(table)) continue;
        dropped.add(table);
        moved = (await this.#attempt(difference, `DROP TABLE IF EXISTS ${table} CASCADE`)) || moved;
      } else if (is === 'missing' || (table !== null && dropped.has(table))) {
      } else if (is === 'changed' && mend !== null && rank <= highest && (await this.#attempt(difference, mend))) {
        moved = true;
      } else if (unmake !== null) {
        moved = (await this.#attempt(difference, unmake)) || moved;
      }
    }
    if (moved) await this.#look();
    return moved;
  }

  async #make(highest: number): Promise<boolean> {
    let moved = false;
    for (const difference of this.#found) {
      const { is, rank, make, unmake, kind, id } = difference;
      if (is === 'extra' || make === null || rank > highest) continue;
      // It could not be dropped; made a second time it would only fail.
      if (is === 'changed' && unmake !== null) continue;
      if (!(await this.#attempt(difference, make))) continue;
      moved = true;
      if (kind === 'table') this.made.add(id);
    }
    if (moved) await this.#look();
    return moved;
  }

  async #look(): Promise<void> {
    const [result] = await this.#run(DIFFERENCES(this.#depth), this.#signal);
    this.#found = result!.rows;
  }

  /** Whether the server did it. What it refuses now may go later, when what it depends on is there. */
  async #attempt(difference: Difference, statement: string): Promise<boolean> {
    try {
      await this.#run(`savepoint qa; ${statement}; release savepoint qa`, this.#signal);
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await this.#run('rollback to savepoint qa', this.#signal);
      this.#errors.set(keyOf(difference), (error as Error).message);
      return false;
    }
  }
}

function keyOf({ kind, id }: Difference): string {
  return `${kind} ${id}`;
}

const SETTINGS =
  "set local search_path = ''; set local check_function_bodies = off; set local client_min_messages = error";

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
