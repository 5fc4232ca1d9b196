/** Values of sequences: kept, and looked at. */
import type { Run } from './baseline.ts';
import { literal } from './copy.ts';

export interface Sequence {
  oid: number;
  name: string;
}

/** Keeps the values of `only`, or of all sequences, as level `level`'s. */
export async function readSequences(
  run: Run,
  { version, level, only }: { version: number; level: number; only?: readonly number[] },
  signal: AbortSignal,
): Promise<void> {
  const values = await sequenceValues(run, { version, only }, signal);
  if (values === undefined) return;
  // The server logs a sequence only each 32nd time: until our own setval it may move without a trace in the WAL.
  await run(
    `insert into qa_baseline.sequences (name, level, oid, last_value, is_called, silent)
       select name, ${level}, oid, last_value, is_called, is_called from (${values}) as v
         on conflict (name, level) do update
        set oid = excluded.oid, last_value = excluded.last_value, is_called = excluded.is_called, silent = excluded.silent`,
    signal,
  );
}

/** A query that gives oid, name, last_value and is_called of the sequences; nothing where there is none. */
export async function sequenceValues(
  run: Run,
  { version, only }: { version: number; only?: readonly number[] | undefined },
  signal: AbortSignal,
): Promise<string | undefined> {
  const which = only === undefined ? '' : `and c.oid in (${only.length ? only.join(', ') : 'null'})`;
  const all = `
    select c.oid, format('%I.%I', n.nspname, c.relname) as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'S' and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'qa_baseline') ${which}`;
  if (version >= 180000)
    return `select s.oid, s.name, d.last_value, d.is_called from (${all}) as s, lateral pg_get_sequence_data(s.oid) as d`;
  const [found] = await run(all, signal);
  const reads = (found!.rows as Sequence[]).map(
    ({ oid, name }) => `select ${oid}::oid as oid, ${literal(name)} as name, last_value, is_called from ${name}`,
  );
  return reads.length === 0 ? undefined : reads.join(' union all ');
}
