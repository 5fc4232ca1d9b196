/** What was written since the mark. Two finders, one answer. */
import type { Run } from './baseline.ts';
import { type Difference, differences } from './repair.ts';
import { sequenceValues } from './sequences.ts';

export interface Since {
  /** WAL position of the last look. */
  mark: string;
  /** Transactions of our own after it. */
  own: readonly string[];
  database: number;
  serverVersion: number;
  /** Innermost level that is not popped. */
  depth: number;
  /** Tables and sequences that the WAL does not tell of. */
  unlogged: readonly Unlogged[];
}

export interface Unlogged {
  oid: number;
  kind: 'r' | 'S';
}

export interface Dirt {
  /** Where the next look begins. */
  mark: string;
  /** Catalogs were written: by DDL, or only by temporary tables. */
  ddl: boolean;
  /** How the catalogs differ, where that is known already. */
  changed?: Difference[];
  /** Popped levels are still to be cleared away. */
  popped: boolean;
  /** Tables have other files than before: they were truncated or rewritten. */
  rewritten?: boolean;
  dirty: Dirty[];
}

export interface Dirty {
  oid: number;
  kind: 'r' | 'S' | 'm';
  /** Qualified and quoted. */
  name: string;
  /** Pages of the table that were written, at most; tells a big one. */
  pages: number;
  /** Statements that bring the rows back; null: the table is empty in the baseline. */
  refill: string | null;
  amend: string | null;
  /** Triggers and rules that fire for replicas too: statements that stop and start them. */
  always: { off: string; on: string }[] | null;
  /** Of a sequence. Null: the baseline does not know it. */
  last: string | null;
  called: boolean | null;
}

export type Finder = (run: Run, since: Since, signal: AbortSignal) => Promise<Dirt>;

/** Reading more of the WAL than this, in bytes, is dearer than looking at the tables. */
export const MOST_WAL = 4 * 1024 * 1024;

/**
 * Reads the WAL, as long as it is short: half a millisecond, whatever the size of the schema. Whoever wrote is seen;
 * cleaning up by the server (pruning, vacuum, hint bits), row locks and statistics are not writes.
 */
export const findInWal: Finder = async (run, since, signal) => {
  const { mark, own, database, depth, unlogged } = since;
  let found: Found;
  try {
    const extra = unlogged.length === 0 ? [] : await written(run, since, unlogged, signal);
    const values = [mark, database, own, MOST_WAL, depth, extra];
    const [result] = await run({ name: 'qa_find', text: FIND_IN_WAL, values }, signal);
    found = result!.rows[0].found;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return findByLooking(run, since, signal);
  }
  return found.isLong ? findByLooking(run, since, signal) : tidy(found);
};

/** Looks at every table that can differ from its baseline. Needs no extension; the cost grows with the schema. */
export const findByLooking: Finder = async (run, since, signal) => {
  const [at] = await run('select pg_current_wal_insert_lsn()::text as mark', signal);
  const changed = await differences(run, since.depth, signal);
  const altered = new Set(changed.map(({ table }) => table));
  const [tables] = await run({ text: CANDIDATES, values: [since.depth] }, signal);
  // Rows of an altered table cannot be compared; it counts as written.
  const comparable = (tables!.rows as Candidate[]).map((table) =>
    altered.has(table.name) ? { ...table, differs: 'true' } : table,
  );
  const dirty = await written(run, since, undefined, signal, comparable);
  const [result] = await run({ text: PLAN_FOR, values: [dirty, since.depth] }, signal);
  const found: Found = result!.rows[0].found;
  return tidy({ ...found, mark: at!.rows[0].mark, ddl: true, changed });
};

/** Plans for tables known by name: after a repair of the schema their oids are new. */
export async function planFor(
  run: Run,
  names: readonly string[],
  depth: number,
  signal: AbortSignal,
): Promise<Dirty[]> {
  const [oids] = await run(
    {
      text: 'select to_regclass(name)::oid as oid from unnest($1::text[]) name where to_regclass(name) is not null',
      values: [names],
    },
    signal,
  );
  const [result] = await run({ text: PLAN_FOR, values: [oids!.rows.map((row) => row.oid), depth] }, signal);
  return tidy(result!.rows[0].found).dirty;
}

interface Found {
  changed?: Difference[];
  mark: string;
  isLong: boolean;
  ddl: boolean;
  popped: boolean;
  dirty: Dirty[] | null;
}

interface Candidate {
  oid: number;
  kind: 'r' | 'm';
  name: string;
  /** An expression that is true where the rows differ from the baseline's. */
  differs: string | null;
}

function tidy({ isLong: _, dirty, ...rest }: Found): Dirt {
  return { ...rest, dirty: dirty ?? [] };
}

/**
 * The WAL has gone with a checkpoint or is cut off by a crash; or an unlogged table is not what it was.
 */
function isUnreadable(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return /^(58P01|XX000|XX001|22023|55000|42703|42P01|42883|42846)$/.test(code);
}

/** Oids of those tables and sequences whose content is not the baseline's. */
async function written(
  run: Run,
  { serverVersion, depth }: Since,
  only: readonly Unlogged[] | undefined,
  signal: AbortSignal,
  candidates?: readonly Candidate[],
): Promise<number[]> {
  const tables = candidates ?? (await candidatesAmong(run, only ?? [], depth, signal));
  const checks = tables.map(({ oid, kind, name, differs }) =>
    kind === 'm' ? `select ${oid}::oid` : `select ${oid}::oid where ${differs ?? `exists (select from only ${name})`}`,
  );
  const values = await sequenceValues(
    run,
    { version: serverVersion, only: only?.flatMap(({ oid, kind }) => (kind === 'S' ? [oid] : [])) },
    signal,
  );
  if (values !== undefined) {
    checks.push(`select v.oid from (${values}) v join (
      select distinct on (name) name, last_value, is_called from qa_baseline.sequences where level <= ${depth} order by name, level desc) q using (name)
      where (v.last_value, v.is_called) is distinct from (q.last_value, q.is_called)`);
  }
  if (only === undefined) checks.push(LOCKED);
  if (checks.length === 0) return [];
  const [result] = await run(`select distinct t.oid from (${checks.join(' union all ')}) as t(oid)`, signal);
  return result!.rows.map((row) => row.oid);
}

async function candidatesAmong(
  run: Run,
  only: readonly Unlogged[],
  depth: number,
  signal: AbortSignal,
): Promise<Candidate[]> {
  const oids = only.flatMap(({ oid, kind }) => (kind === 'r' ? [oid] : []));
  if (oids.length === 0) return [];
  const [result] = await run({ text: `${CANDIDATES} and c.oid = any($2::oid[])`, values: [depth, oids] }, signal);
  return result!.rows;
}

const USER_RELATION = `n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'qa_baseline')`;

/** What can differ at all: a table that never had a row has no page. */
const CANDIDATES = `
  select c.oid, c.relkind as kind, format('%I.%I', n.nspname, c.relname) as name, k.differs
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join lateral (
      select differs from qa_baseline.copies k
       where k.name = format('%I.%I', n.nspname, c.relname) and k.level <= $1 order by k.level desc limit 1) k on true
   where ${USER_RELATION} and (c.relkind = 'r' and (pg_relation_size(c.oid) > 0 or k.differs is not null)
      or c.relkind = 'm' and c.relispopulated)`;

/** Tables that an open transaction has written: what it will commit is not to be seen yet. */
const LOCKED = `
  select distinct l.relation from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
   where l.locktype = 'relation' and l.granted and l.pid is distinct from pg_backend_pid() and c.relkind in ('r', 'S') and ${USER_RELATION}
     and l.database = (select oid from pg_database where datname = current_database())
     and l.mode not in ('AccessShareLock', 'RowShareLock')`;

/** `session_replication_role = replica` does not stop these. */
const ALWAYS = `(select json_agg(json_build_object(
    'off', format('alter table %I.%I disable %s %I', n.nspname, c.relname, a.word, a.name),
    'on', format('alter table %I.%I enable %s %s %I', n.nspname, c.relname, case a.state when 'A' then 'always' else 'replica' end, a.word, a.name)))
  from (select 'trigger', tgname, tgenabled from pg_trigger where tgrelid = c.oid and not tgisinternal and tgenabled in ('A', 'R')
        union all select 'rule', rulename, ev_enabled from pg_rewrite where ev_class = c.oid and rulename <> '_RETURN' and ev_enabled in ('A', 'R')) a(word, name, state))`;

/** From the oids of `touched` to what brings them back. $depth and the CTE come from outside. */
const plan = (depth: string) => `
  select json_agg(json_build_object('oid', c.oid::int8, 'kind', c.relkind, 'name', format('%I.%I', n.nspname, c.relname), 'pages', t.pages,
           'refill', k.refill, 'amend', k.amend,
           'always', ${ALWAYS}, 'last', q.last_value::text, 'called', q.is_called) order by c.oid)
    from touched t cross join lateral (select * from pg_class where pg_class.oid = t.oid offset 0) c join pg_namespace n on n.oid = c.relnamespace
    left join lateral (select k.refill, k.amend from qa_baseline.copies k
       where k.name = format('%I.%I', n.nspname, c.relname) and k.level <= ${depth} order by k.level desc limit 1) k on c.relkind = 'r'
    left join lateral (select q.last_value, q.is_called from qa_baseline.sequences q
       where q.name = format('%I.%I', n.nspname, c.relname) and q.level <= ${depth} order by q.level desc limit 1) q on c.relkind = 'S'
   where c.relkind in ('r', 'S', 'm') and ${USER_RELATION}`;

/** What popped levels held is dirty too, and so are sequences that moved without a record. */
const pending = (depth: string) => `
    select to_regclass(name)::oid, 0 from qa_baseline.copies where level > 0 and level > ${depth}
    union all select to_regclass(name)::oid, 0 from qa_baseline.sequences where level > 0 and level > ${depth}`;

/** The deepest level is asked for, so that an index on the few rows above 0 answers. */
const beyond = (table: string, depth: string) =>
  `coalesce((select max(level) from qa_baseline.${table} where level > 0), 0) > ${depth}`;

const poppedObjects = (depth: string) => beyond('objects', depth);

const popped = (depth: string) =>
  `(${['copies', 'sequences', 'objects'].map((table) => beyond(table, depth)).join(' or ')})`;

const PLAN_FOR = `
  with touched as (select oid, max(pages) as pages from (
    select oid, pg_relation_size(oid) / 8192 from unnest($1::oid[]) oid union all ${pending('$2')}) as t(oid, pages) group by oid)
  select json_build_object('mark', '', 'isLong', false, 'ddl', ${poppedObjects('$2')}, 'popped', ${popped('$2')}, 'dirty', (${plan('$2')})) as found`;

/** $1 mark, $2 database, $3 own transactions, $4 most bytes, $5 depth, $6 oids that are known to be dirty. */
const FIND_IN_WAL = `
  with at as materialized (
    select case when pg_current_wal_insert_lsn() = $1::pg_lsn then $1::pg_lsn
                when pg_current_wal_insert_lsn() - $1::pg_lsn > $4::numeric then pg_current_wal_insert_lsn()
                else pg_logical_emit_message(false, 'qa', '', true) end as lsn),
  blocks as materialized (
    select b.reltablespace, b.relfilenode, max(b.relblocknumber) + 1 as pages
      from at, lateral qa_baseline.pg_get_wal_block_info($1::pg_lsn, at.lsn, false) b
     where at.lsn > $1::pg_lsn and at.lsn - $1::pg_lsn <= $4::numeric
       and b.reldatabase = $2::oid and b.relforknumber = 0 and b.xid::text <> all($3::text[])
       and (b.resource_manager in ('Heap', 'Sequence') and b.record_type not in ('LOCK', 'INPLACE', 'CONFIRM')
            or b.resource_manager = 'Heap2' and b.record_type like 'MULTI_INSERT%')
     group by 1, 2),
  relations as materialized (
    select f.oid, b.pages, c.relnamespace from blocks b
      cross join lateral (select pg_filenode_relation(b.reltablespace, b.relfilenode)::oid as oid) f
      left join pg_class c on c.oid = f.oid),
  touched as (select oid, max(pages) as pages from (
    select oid, pages from relations where oid is not null
    union all select oid, 0 from unnest($6::oid[]) oid
    union all ${pending('$5')}
    union all select s.oid, 0 from qa_baseline.sequences s
     where s.silent and s.level <= $5
       and not exists (select from qa_baseline.sequences d where d.name = s.name and d.level > s.level and d.level <= $5)
       and case when (select c.relkind from pg_class c where c.oid = s.oid) = 'S'
           then pg_sequence_last_value(s.oid) is distinct from s.last_value else false end) as t(oid, pages) group by oid)
  select json_build_object('mark', at.lsn::text, 'isLong', at.lsn - $1::pg_lsn > $4::numeric,
    'ddl', exists (select from relations where oid is null or relnamespace = 11 and oid not in (2619, 3429)) or ${poppedObjects('$5')},
    'popped', ${popped('$5')}, 'dirty', (${plan('$5')})) as found
    from at`;
