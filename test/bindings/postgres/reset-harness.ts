/** What the suites of the reset share: throwaway databases with a lease, and a dump that tells whether two are equal. */
import pg from 'pg';
import type { Lease, Scope } from '../../../bindings/core/binding.ts';
import { Redactor } from '../../../bindings/core/redact.ts';
import { contextOf, type ResetTarget } from '../../../bindings/databases/postgres/reset/context.ts';
import { databaseUrl } from '../../../bindings/databases/postgres/reset/ownership.ts';
import { type ThrowawayOptions, ThrowawayResetter } from '../../../bindings/databases/postgres/reset/throwaway.ts';
import type { TestPostgres } from '../../support/postgres.ts';
import { silent } from '../../support/scope.ts';

export interface Database extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** A service's own pool. */
  readonly pool: pg.Pool;
  readonly scope: Scope;
  readonly target: ResetTarget;
  run(sql: string): Promise<pg.QueryResult>;
  /** As the next file would get it. */
  resetter(options?: ThrowawayOptions): Promise<ThrowawayResetter>;
  dump(): Promise<Dump>;
}

export interface Dump {
  rows: Record<string, string[]>;
  sequences: Record<string, string>;
  schema: string[];
}

let count = 0;

/** A new database, or the one that is named. */
export async function makeDatabase(server: TestPostgres, schema = '', given?: string): Promise<Database> {
  const name = given ?? `reset_${++count}`;
  if (given === undefined) await server.run(`create database ${name}`);
  const url = server.url(name);
  const pool = new pg.Pool({ connectionString: url, application_name: 'the shop', max: 5 });
  pool.on('error', () => {});
  const scope = makeScope({ lease: makeLease(server, name) });
  const target = { pool, driver: pg };
  const open: ThrowawayResetter[] = [];
  const database: Database = {
    name,
    url,
    pool,
    scope,
    target,
    run: (sql) => pool.query(sql),
    async resetter(options) {
      const resetter = new ThrowawayResetter(
        contextOf(target, scope),
        { connectionString: databaseUrl(server.url(), name) },
        options,
      );
      open.push(resetter);
      await resetter.open(soon());
      return resetter;
    },
    dump: () => dump(pool),
    async [Symbol.asyncDispose]() {
      await Promise.all(open.map((resetter) => resetter.close()));
      if (!pool.ended) await pool.end();
    },
  };
  if (schema) await database.run(schema);
  return database;
}

export function makeLease(server: TestPostgres, database: string): Lease {
  return {
    options: { url: server.url(database) },
    because: 'a throwaway server of this run',
    isShared: false,
    secret: { adminUrl: server.url(), database },
  };
}

export function makeScope(given: Partial<Scope> = {}): Scope {
  return {
    connection: 'db',
    namespace: { run: 'r1', worker: '1' },
    baseDir: '/',
    signal: soon(),
    redactor: new Redactor(),
    lease: undefined,
    driver: async () => pg,
    use: async () => undefined,
    log: silent,
    trace: (_operation, attributes, run) => run(attributes),
    once: (_key, make) => make(),
    adopt: (value) => value,
    waitFor: async () => undefined,
    notice: () => {},
    ...given,
  };
}

/** A deadline that no healthy operation needs. */
export function soon(ms = 15_000): AbortSignal {
  return AbortSignal.timeout(ms);
}

/** Read apart from what the reset itself reads: rows as text, sequences, and the schema as the server describes it. */
export async function dump(pool: pg.Pool): Promise<Dump> {
  const client = await pool.connect();
  try {
    const { rows: relations } = await client.query(`
      select format('%I.%I', n.nspname, c.relname) as name, c.relkind as kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'S', 'm') and (c.relkind <> 'm' or c.relispopulated)
         and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'qa_baseline') order by 1`);
    const result: Dump = { rows: {}, sequences: {}, schema: [] };
    for (const { name, kind } of relations) {
      if (kind === 'S') {
        const { rows } = await client.query(`select last_value, is_called from ${name}`);
        result.sequences[name] = `${rows[0].last_value} ${rows[0].is_called}`;
      } else {
        const only = kind === 'r' ? 'only' : '';
        const { rows } = await client.query(`select t::text as row from ${only} ${name} t order by 1`);
        result.rows[name] = rows.map(({ row }) => row);
      }
    }
    const { rows } = await client.query(SCHEMA);
    result.schema = rows.map(({ line }) => line);
    return result;
  } finally {
    client.release();
  }
}

const SCHEMA = `
  with ns as (select oid, nspname from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'qa_baseline'))
  select line from (
    select format('schema %s', nspname) from ns
    union all select format('extension %s', extname) from pg_extension e where extnamespace in (select oid from ns)
    union all select format('column %s.%s.%s %s %s %s %s %s %s', table_schema, table_name, column_name,
        (select count(*) from information_schema.columns b where (b.table_schema, b.table_name) = (a.table_schema, a.table_name) and b.ordinal_position <= a.ordinal_position),
        udt_name, column_default, is_nullable, identity_generation, generation_expression)
      from information_schema.columns a where table_schema in (select nspname from ns)
    union all select format('constraint %s on %s %s', conname, conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint where connamespace in (select oid from ns) and contype <> 'n'
    union all select indexdef from pg_indexes where schemaname in (select nspname from ns)
    union all select format('view %s.%s %s', schemaname, viewname, definition) from pg_views where schemaname in (select nspname from ns)
    union all select format('matview %s.%s %s %s', schemaname, matviewname, ispopulated, definition) from pg_matviews where schemaname in (select nspname from ns)
    union all select format('%s %s', pg_get_triggerdef(t.oid), tgenabled) from pg_trigger t join pg_class c on c.oid = tgrelid where not tgisinternal and relnamespace in (select oid from ns)
    union all select pg_get_functiondef(oid) from pg_proc where pronamespace in (select oid from ns) and prokind in ('f', 'p')
    union all select format('enum %s %s', enumtypid::regtype, string_agg(enumlabel, ',' order by enumsortorder)) from pg_enum group by enumtypid
    union all select format('type %s', t.oid::regtype) from pg_type t where typnamespace in (select oid from ns) and typtype in ('d', 'r', 'e')
    union all select format('relation %s.%s %s %s %s', ns.nspname, relname, relkind, relpersistence, pg_get_userbyid(relowner)) from pg_class c join ns on ns.oid = relnamespace where relkind in ('r', 'p', 'S', 'v', 'm')
    union all select format('grant %s %s %s %s', table_schema, table_name, grantee, privilege_type) from information_schema.role_table_grants where table_schema in (select nspname from ns)
    union all select format('policy %s.%s.%s %s %s', schemaname, tablename, policyname, roles, qual) from pg_policies
  ) as x(line) order by 1`;
