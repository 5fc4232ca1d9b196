/** What `qa doctor` tells of a database: its clock, its tables, and what this user may do. Reads only. */
import type pg from 'pg';
import type { Scope } from '../../core/binding.ts';
import { isQaError } from '../../core/errors.ts';
import { clockFinding, type Finding, some } from '../../core/finding.ts';
import { statementError } from './errors.ts';
import type { ParsedOptions } from './options.ts';
import { placeOf } from './pool.ts';
import { contextOf, type ResetTarget } from './reset/context.ts';
import { checkListed, LISTABLE, type Listable, resolveListed } from './reset/listed.ts';

interface Facts {
  /** ms since 1970. */
  now: number;
  isReplica: boolean;
  isReadOnly: boolean;
  mayMakeTemporary: boolean;
  /** Pid of who empties the listed tables now. */
  holder: number | null;
  connections: number;
  most: number;
}

const FACTS = `
  select extract(epoch from clock_timestamp()) * 1000 as now, pg_is_in_recovery() as "isReplica",
         current_setting('transaction_read_only') = 'on' as "isReadOnly",
         has_database_privilege(current_database(), 'TEMPORARY') as "mayMakeTemporary",
         (select min(pid) from pg_locks where locktype = 'advisory' and classid = 29025 and objid = 1 and objsubid = 2 and granted
            and database = (select oid from pg_database where datname = current_database())) as holder,
         (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as connections,
         current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as most`;

/** What can be found without its schema's name. */
const TABLES = `
  select c.relname as name, has_table_privilege(c.oid, 'SELECT') as "mayRead", has_table_privilege(c.oid, 'INSERT') as "mayWrite"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p') and pg_table_is_visible(c.oid) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   order by 1`;

interface Table {
  name: string;
  mayRead: boolean;
  mayWrite: boolean;
}

export async function inspect(target: ResetTarget, options: ParsedOptions, scope: Scope): Promise<Finding[]> {
  const { pool } = target;
  try {
    const from = Date.now();
    const facts = await ask<Facts>(pool, FACTS);
    const to = Date.now();
    const tables = (await pool.query<Table>(TABLES)).rows;
    const listed = options.reset?.tables ?? [];
    const ofReset = scope.lease || listed.length === 0 ? [] : await resetFindings(target, listed, facts, scope);
    return [
      clockFinding(Number(facts.now), { from, to }),
      ...serverFindings(facts),
      ...tableFindings(tables),
      ...ofReset,
    ];
  } catch (error) {
    throw isQaError(error) ? error : statementError(error, placeOf(options, scope), 'Looking at it');
  }
}

function serverFindings({ isReplica, isReadOnly, connections, most }: Facts): Finding[] {
  const findings: Finding[] = [];
  if (isReplica) findings.push({ about: 'server', level: 'note', what: 'It is a read replica: tests cannot seed it.' });
  else if (isReadOnly)
    findings.push({ about: 'rights', level: 'note', what: 'Transactions are read-only: tests cannot seed it.' });
  if (connections > most * 0.9) {
    findings.push({
      about: 'server',
      level: 'warning',
      what: `${connections} of ${most} connections are in use: workers may find none left.`,
      mend: 'Give the server more (`max_connections`), or each worker fewer (`pool: { max }`).',
    });
  }
  return findings;
}

function tableFindings(tables: readonly Table[]): Finding[] {
  if (tables.length === 0) {
    return [
      {
        about: 'schema',
        level: 'note',
        what: 'There is no table where this user looks for them: a service or `beforeAll` has to make some, or see `schema`.',
      },
    ];
  }
  const count = `${tables.length} table${tables.length === 1 ? '' : 's'}`;
  const findings: Finding[] = [{ about: 'schema', level: 'ok', what: `It has ${count}.` }];
  const hidden = tables.filter(({ mayRead }) => !mayRead).map(({ name }) => name);
  if (hidden.length > 0) {
    findings.push({
      about: 'rights',
      level: 'warning',
      what: `This user may not read ${hidden.length} of ${count}: ${some(hidden)}.`,
      mend: `Let the owner run: GRANT SELECT ON ${hidden.length === tables.length ? 'ALL TABLES IN SCHEMA …' : some(hidden)} TO this user.`,
    });
  }
  const closed = tables.filter(({ mayRead, mayWrite }) => mayRead && !mayWrite).length;
  if (closed > 0) {
    const what = `This user may read ${closed} of ${count} and not write there: tests cannot seed these.`;
    findings.push({ about: 'rights', level: 'note', what });
  }
  return findings;
}

/** What a reset of listed tables needs, before a run finds out. */
async function resetFindings(
  target: ResetTarget,
  listed: readonly string[],
  { mayMakeTemporary, holder }: Facts,
  scope: Scope,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (!mayMakeTemporary) {
    findings.push({
      about: 'rights',
      level: 'trouble',
      what: 'This user may not make temporary tables, which keep what a baseline holds.',
      mend: 'Let the owner run: GRANT TEMPORARY ON DATABASE … TO this user, or take `reset` out of the config.',
    });
  }
  if (holder !== null) {
    const what = `Another run (pid ${holder}) empties the listed tables now: only one may at a time.`;
    findings.push({ about: 'reset', level: 'note', what });
  }
  const { rows } = await target.pool.query<Listable>(LISTABLE);
  const context = contextOf(target, scope);
  checkListed(resolveListed(listed, rows, context), rows, context);
  return findings;
}

async function ask<Row>(pool: pg.Pool, sql: string): Promise<Row> {
  return (await pool.query(sql)).rows[0] as Row;
}
