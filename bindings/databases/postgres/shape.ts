/** What columns a table or a query has. Kept from use to use, and each result tells whether that is still right. */
import type pg from 'pg';
import { QaError } from '../../core/errors.ts';
import { nearest } from '../../core/suggest.ts';
import type { Database } from './database.ts';
import { statementError } from './errors.ts';
import { parseTableName, quoteName } from './names.ts';
import type { TypeInfo } from './types.ts';
import { ofDeterministicCollation } from './values/texts.ts';

export interface Column {
  name: string;
  type: TypeInfo;
}

export interface TableColumn extends Column {
  /** With its modifiers, as SQL writes it: `numeric(10,2)`. */
  declared: string;
  isAlwaysIdentity: boolean;
  isGenerated: boolean;
  /** SQL of what it holds where a row does not say. */
  default: string | null;
}

export interface Shape<C extends Column = Column> {
  /** What follows `from`. */
  from: string;
  columns: readonly C[];
  byName: ReadonlyMap<string, C>;
  /** May serve the next use too; false where a change would not show in a result. */
  isKept: boolean;
}

export type TableShape = Shape<TableColumn> & { label: string };

const RESOLVE = `
select n.nspname as schema, c.relname as name, c.relname = $2 and ($1::text is null or n.nspname = $1) as exact,
  (select json_agg(json_build_object('name', a.attname, 'oid', a.atttypid::int8,
      'declared', format_type(a.atttypid, a.atttypmod), 'identity', a.attidentity, 'generated', a.attgenerated,
      'exact', (select c.collisdeterministic from pg_catalog.pg_collation c where c.oid = a.attcollation),
      'default', coalesce(pg_get_expr(d.adbin, d.adrelid), case when a.attidentity <> '' then
        format('nextval(%L)', pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname)) end,
        t.typdefault)) order by a.attnum)
    from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'v', 'm', 'f', 'p')
  and c.relname = any(array[$2, $4]) and (n.nspname = any(array[$1, $3]) or $1::text is null and pg_table_is_visible(c.oid))
order by exact desc limit 1`;

interface ResolvedColumn {
  name: string;
  oid: number;
  declared: string;
  identity: string;
  generated: string;
  /** Whether its collation compares bytes; null where it has none. */
  exact: boolean | null;
  default: string | null;
}

/**
 * The table that a test means: the exact spelling first, then in lower case.
 *
 * @throws QaError QA_NOT_FOUND with the nearest table
 */
export async function tableShape(db: Database, written: string, signal?: AbortSignal): Promise<TableShape> {
  const { schema, name, isExact } = parseTableName(written, db.place.connection);
  const lower = (text: string | undefined) => (isExact ? text : text?.toLowerCase());
  const { rows } = await db.ask(RESOLVE, [schema ?? null, name, lower(schema) ?? null, lower(name)], signal);
  const found = rows[0] as
    | { schema: string; name: string; exact: boolean; columns: ResolvedColumn[] | null }
    | undefined;
  if (!found) throw await noSuchTable(db, written, signal);
  const resolved = found.columns ?? [];
  await db.types.learn(
    resolved.map((column) => column.oid),
    (text, values) => db.ask(text, values, signal),
  );
  const columns = resolved.map((column) => ({
    name: column.name,
    type: typeOf(db, column),
    declared: column.declared,
    isAlwaysIdentity: column.identity === 'a',
    isGenerated: column.generated !== '',
    default: column.default,
  }));
  return {
    label: written,
    from: `${quoteName(found.schema)}.${quoteName(found.name)}`,
    columns,
    byName: new Map(columns.map((column) => [column.name, column])),
    // A looser spelling might come to mean another table.
    isKept: found.exact && !columns.some((column) => column.type.isVolatile),
  };
}

function typeOf(db: Database, { oid, exact }: ResolvedColumn): TypeInfo {
  const type = db.types.get(oid);
  return exact ? { ...type, codec: ofDeterministicCollation(type.codec) } : type;
}

async function noSuchTable(db: Database, written: string, signal?: AbortSignal): Promise<QaError> {
  const { rows } = await db.ask(
    `select case when pg_table_is_visible(c.oid) then c.relname else n.nspname || '.' || c.relname end as name
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'v', 'm', 'f', 'p') and n.nspname not in ('pg_catalog', 'information_schema', 'qa_baseline')
       and n.nspname !~ '^pg_(toast|temp)' order by c.relname <> lower(c.relname), 1 limit 2000`,
    [],
    signal,
  );
  const names = rows.map((row: { name: string }) => row.name);
  const near =
    nearest(written, names) ??
    names.find((name) => name.split('.').at(-1) === written.split('.').at(-1)?.toLowerCase());
  const some = names.slice(0, 8).join(', ');
  return new QaError('QA_NOT_FOUND', {
    what: `There is no table \`${written}\`${names.length > 0 ? `. There are: ${some}${names.length > 8 ? ', …' : ''}` : '; the database has none'}`,
    mend: near ? `Did you mean \`${near}\`?` : 'Correct the name, or create the table first',
    connection: db.place.connection,
    address: db.place.address,
  });
}

/** Columns of a query, as the server announces them; nothing of it runs. */
export async function queryShape(
  db: Database,
  sql: string,
  values: readonly unknown[],
  signal?: AbortSignal,
): Promise<Shape> {
  const from = `(${sql}\n) as q`;
  let fields: pg.FieldDef[];
  try {
    const statement = { text: `select * from ${from} limit 0`, values: [...values], queryMode: 'extended' as const };
    ({ fields } = await db.run(statement, { signal, repeatable: true }));
  } catch (error) {
    signal?.throwIfAborted();
    throw statementError(error, db.place, 'The query');
  }
  return shapeOf(db, from, fields, signal);
}

/** From a result's own columns. */
export async function shapeOf(
  db: Database,
  from: string,
  fields: readonly pg.FieldDef[],
  signal?: AbortSignal,
): Promise<Shape> {
  const oids = fields.map((field) => field.dataTypeID);
  await db.types.learn(oids, (text, values) => db.ask(text, values, signal));
  const columns = fields.map(({ name, dataTypeID }) => ({ name, type: db.types.get(dataTypeID) }));
  return {
    from,
    columns,
    byName: new Map(columns.map((column) => [column.name, column])),
    isKept: !columns.some((column) => column.type.isVolatile),
  };
}

/** Whether a result has the columns that were expected of it: the table may have been altered since. */
export function fits(shape: Shape, fields: readonly pg.FieldDef[]): boolean {
  return (
    fields.length === shape.columns.length &&
    fields.every(({ name, dataTypeID }, i) => {
      const column = shape.columns[i]!;
      return column.name === name && column.type.wire === dataTypeID;
    })
  );
}
