/**
 * The baseline of a throwaway database, kept in the database itself, in a schema of its own: what a worker's next
 * process needs to go on, also after a kill. Nothing in it depends on the user's tables or types, so it never
 * stands in the way of what a test does to them.
 */
import type pg from 'pg';
import type { ResetConnection, Statement } from './connection.ts';
import { type Copied, copyTables } from './copy.ts';
import { LIVE_OBJECTS } from './objects.ts';
import { readSequences } from './sequences.ts';

export interface Opened {
  /** WAL position from which on writes are not known yet. */
  mark: string;
  /** Transaction of our own that wrote after the mark. */
  own: string[];
  database: number;
  serverVersion: number;
  /** Whether what was written can be read from the WAL. */
  hasWal: boolean;
}

export type Run = (statement: Statement, signal: AbortSignal) => Promise<pg.QueryResult[]>;

/** Finds the baseline that an earlier process left, else takes it: level 0. */
export async function openBaseline(connection: ResetConnection, signal: AbortSignal): Promise<Opened> {
  const run: Run = (statement, end) => connection.run(statement, end);
  let results: pg.QueryResult[];
  try {
    results = await run(OPEN, signal);
  } catch (error) {
    if ((error as { code?: string }).code !== '42P01') throw error;
    await takeBaseline(run, signal);
    results = await run(OPEN, signal);
  }
  return results.at(-1)!.rows[0];
}

/** A database cloned from one with a baseline has that baseline too; its WAL begins now. */
const OPEN = `
  update qa_baseline.state set database = d.oid, lsn = pg_current_wal_insert_lsn()
    from pg_database d where d.datname = current_database() and state.database <> d.oid;
  select lsn::text as mark, array_to_json(array_remove(array[xid::text], null)) as own, database,
         current_setting('server_version_num')::int as "serverVersion",
         to_regproc('qa_baseline.pg_get_wal_block_info') is not null and current_setting('server_version_num')::int >= 170000 as "hasWal"
    from qa_baseline.state`;

/** What is there now becomes level 0. Costs as much as the rows that are there. */
export async function takeBaseline(run: Run, signal: AbortSignal): Promise<void> {
  await withExtension(run, signal);
  await run(`begin; ${SCHEMA}`, signal);
  try {
    const [, version] = await run(
      `insert into qa_baseline.state (database, lsn, xid)
         select oid, pg_current_wal_insert_lsn(), pg_current_xact_id()::xid from pg_database where datname = current_database();
       select current_setting('server_version_num')::int as v`,
      signal,
    );
    const filled = await run(FILLED_TABLES, signal);
    const copies: Copied[] = filled[0]!.rows;
    await copyTables(run, copies, 0, signal);
    await readSequences(run, { version: version!.rows[0].v, level: 0 }, signal);
    await run(`${REMEMBER_FILES}; ${rememberObjects(0)}; commit`, signal);
    await run(
      'analyze qa_baseline.copies (name, level), qa_baseline.sequences (name, level), qa_baseline.files (name)',
      signal,
    );
  } catch (error) {
    await run('rollback', signal).catch(() => []);
    throw error;
  }
}

/** Keeps the catalogs as they are now as those of `level`. */
export function rememberObjects(level: number): string {
  return `set local search_path = '';
    delete from qa_baseline.objects where level >= ${level};
    insert into qa_baseline.objects ${LIVE_OBJECTS.replace('/*level*/', `${level},`)};
    set local search_path to default`;
}

/** Files of tables and sequences as they are now: what has another later was truncated, restarted or rewritten. */
export const REMEMBER_FILES = `
  delete from qa_baseline.files f where not exists (
    select from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'm', 'S') and format('%I.%I', n.nspname, c.relname) = f.name);
  insert into qa_baseline.files
    select format('%I.%I', n.nspname, c.relname), pg_relation_filenode(c.oid)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'm', 'S') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'qa_baseline')
      on conflict (name) do update set file = excluded.file where files.file <> excluded.file`;

/** The server may lack it: then what was written is found by looking at the tables. */
async function withExtension(run: Run, signal: AbortSignal): Promise<void> {
  const [found] = await run("select from pg_available_extensions where name = 'pg_walinspect'", signal);
  await run('create schema if not exists qa_baseline', signal);
  if (found!.rowCount === 0) return;
  const [elsewhere] = await run("select from pg_extension where extname = 'pg_walinspect'", signal);
  if (elsewhere!.rowCount === 0) await run('create extension pg_walinspect schema qa_baseline', signal);
}

const FILLED_TABLES = `
  select c.oid, format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'qa_baseline')
     and pg_relation_size(c.oid) > 0
   order by c.oid`;

/** Names are compared as the catalogs compare them, or their indexes would not be used. */
const SCHEMA = `
  create table qa_baseline.state (database oid not null, lsn pg_lsn not null, xid xid);
  create table qa_baseline.copies (
    name text collate "C", level int, copy text, refill text, amend text, differs text, primary key (name, level));
  create index on qa_baseline.copies (level) where level > 0;
  create table qa_baseline.sequences (
    name text collate "C", level int, oid oid, last_value int8, is_called bool, silent bool, primary key (name, level));
  create index on qa_baseline.sequences (level) where level > 0;
  create index on qa_baseline.sequences (oid) where silent;
  create table qa_baseline.files (name text collate "C" primary key, file oid);
  create table qa_baseline.objects (
    level int, rank int, kind text, id text, part_of text, def text, make text, unmake text, mend text);
  create index on qa_baseline.objects (level) where level > 0`;
