/** What a table is: its columns with their types, and what its rows are found by. */
import { QaError } from '../../core/errors.ts';
import { nearest } from '../../core/suggest.ts';
import type { Database } from './database.ts';
import { parseTableName, quoteName } from './names.ts';
import type { AllRows } from './pages.ts';
import { parseType, type Type, type UserTypes } from './values/type.ts';

export interface Column {
  name: string;
  type: Type;
  kind: 'partition_key' | 'clustering' | 'static' | 'regular';
}

export interface TableShape {
  keyspace: string;
  name: string;
  /** For CQL: `"shop"."orders"`. */
  from: string;
  columns: ReadonlyMap<string, Column>;
  /** Names of the columns of the partition key, in their order. */
  partition: readonly string[];
  /** Names of the clustering columns, in their order. */
  clustering: readonly string[];
  /** Rows of it can only be counted up. */
  isCounter: boolean;
}

interface ColumnRow {
  table_name: string;
  column_name: string;
  kind: Column['kind'];
  position: number;
  type: string;
}

const COLUMNS =
  'SELECT table_name, column_name, kind, position, type FROM system_schema.columns WHERE keyspace_name = ?';
const TYPES = 'SELECT type_name, field_names, field_types FROM system_schema.types WHERE keyspace_name = ?';

/**
 * The exact spelling is looked for first, then the lower-case one.
 *
 * @throws QaError QA_NOT_FOUND with the nearest name
 */
export async function loadShape(db: Database, written: string, signal?: AbortSignal): Promise<TableShape> {
  const { keyspace = db.keyspace, name, isExact } = parseTableName(written, db.scope.connection);
  const ask: Ask = (cql, params) => db.ask('Asking for its columns', cql, params, { signal, repeatable: true });
  for (const spelling of isExact || name === name.toLowerCase() ? [name] : [name, name.toLowerCase()]) {
    const [columns, userTypes] = await Promise.all([
      ask(`${COLUMNS} AND table_name = ?`, [keyspace, spelling]),
      loadTypes(ask, keyspace),
    ]);
    if (columns.rows.length > 0) return shapeOf(keyspace, spelling, columns.rows as never, userTypes);
  }
  throw await notFound(db, keyspace, name, signal);
}

/** Runs a question to the schema tables. */
export type Ask = (cql: string, params: readonly unknown[]) => Promise<Pick<AllRows, 'rows'>>;

/** Of all tables of a keyspace, views not among them. */
export async function loadShapes(ask: Ask, keyspace: string): Promise<TableShape[]> {
  const [tables, columns, userTypes] = await Promise.all([
    ask('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [keyspace]),
    ask(COLUMNS, [keyspace]),
    loadTypes(ask, keyspace),
  ]);
  return tables.rows.map(({ table_name: name }) => {
    const own = (columns.rows as unknown as ColumnRow[]).filter((column) => column.table_name === name);
    return shapeOf(keyspace, name as string, own, userTypes);
  });
}

async function loadTypes(ask: Ask, keyspace: string): Promise<UserTypes> {
  const { rows } = await ask(TYPES, [keyspace]);
  return new Map(
    rows.map((row) => {
      const types = row.field_types as string[];
      const fields = (row.field_names as string[]).map((name, index) => ({ name, type: types[index]! }));
      return [row.type_name as string, fields];
    }),
  );
}

function shapeOf(keyspace: string, name: string, rows: readonly ColumnRow[], userTypes: UserTypes): TableShape {
  const keys = (kind: Column['kind']) =>
    rows
      .filter((row) => row.kind === kind)
      .sort((a, b) => a.position - b.position)
      .map((row) => row.column_name);
  const columns = rows.map((row): [string, Column] => [
    row.column_name,
    { name: row.column_name, type: parseType(row.type, userTypes), kind: row.kind },
  ]);
  return {
    keyspace,
    name,
    from: `${quoteName(keyspace)}.${quoteName(name)}`,
    columns: new Map(columns),
    partition: keys('partition_key'),
    clustering: keys('clustering'),
    isCounter: rows.some((row) => row.type === 'counter'),
  };
}

async function notFound(
  db: Database,
  keyspace: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<QaError> {
  const { rows } = await db.ask('Asking for the tables', COLUMNS, [keyspace], { signal, repeatable: true });
  const names = [...new Set(rows.map((row) => row.table_name as string))];
  const near = nearest(name, names);
  return new QaError('QA_NOT_FOUND', {
    what: `There is no table \`${name}\` in the keyspace \`${keyspace}\``,
    mend: near ? `Did you mean \`${near}\`?` : 'Correct the name, or wait until the system under test has created it',
    connection: db.place.connection,
    address: db.place.address,
  });
}
