/** Filling a table: prepared once, in one batch for each partition. */
import type cassandra from 'cassandra-driver';
import { QaError } from '../../core/errors.ts';
import { orAborted } from '../../core/operation.ts';
import { didYouMean } from '../../core/suggest.ts';
import type { Database } from './database.ts';
import { quoteName } from './names.ts';
import { type Column, loadShape, type TableShape } from './shape.ts';
import { jsonName, jsonOf } from './values/json.ts';
import { scalar } from './values/scalars.ts';

type Types = typeof cassandra.types;

type Row = Readonly<Record<string, unknown>>;

/** Rows of one batch at most, and batches under way at a time. */
const BATCH = 100;
const PARALLEL = 16;

/**
 * A column that a row does not name, or names undefined, is left as it is. Rows of a counter table are added.
 *
 * @throws QaError QA_MISUSE for an unknown column or a key that is missing; the driver's error where the server refuses
 */
export async function seed(db: Database, table: string, rows: readonly object[], signal?: AbortSignal): Promise<void> {
  if (!Array.isArray(rows) || rows.some((row) => typeof row !== 'object' || row === null)) {
    throw misuse(db, `seed('${table}', …) needs a list of rows`, `Write seed('${table}', [{ … }])`);
  }
  if (rows.length === 0) return;
  const shape = await loadShape(db, table, signal);
  db.shapes.set(table, shape);
  const batches = split(
    shape,
    (rows as Row[]).map((row) => checked(db, shape, row)),
  );
  const work = batches.values();
  const send = async () => {
    for (const batch of work) {
      const queries = batch.map((row) => statement(shape, row, db.driver.types));
      const options = { prepare: true, logged: false, counter: shape.isCounter };
      await db.scope.trace('seed', { table, rows: batch.length }, () =>
        orAborted(db.client.batch(queries, options), signal),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, batches.length) }, send));
}

/** One batch holds rows of one partition, and no row twice: of two with one time nobody knows which one wins. */
function split({ partition, clustering, columns }: TableShape, rows: readonly Row[]): Row[][] {
  const open = new Map<string, { rows: Row[]; keys: Set<string> }>();
  const done: Row[][] = [];
  const keyOf = (names: readonly string[], row: Row) =>
    JSON.stringify(names.map((name) => jsonOf(columns.get(name)!.type, row[name])));
  for (const row of rows) {
    const key = keyOf(partition, row);
    const own = keyOf(clustering, row);
    let batch = open.get(key);
    if (batch === undefined || batch.rows.length === BATCH || batch.keys.has(own)) {
      batch = { rows: [], keys: new Set() };
      open.set(key, batch);
      done.push(batch.rows);
    }
    batch.rows.push(row);
    batch.keys.add(own);
  }
  return done;
}

function statement(shape: TableShape, row: Row, types: Types): { query: string; params: unknown[] } {
  if (shape.isCounter) return counting(shape, row, types);
  const named = Object.entries(row).map(([name, value]) => [
    jsonName(name),
    jsonOf(shape.columns.get(name)!.type, value),
  ]);
  return {
    query: `INSERT INTO ${shape.from} JSON ? DEFAULT UNSET`,
    params: [JSON.stringify(Object.fromEntries(named))],
  };
}

/** Counters know no insert: they are counted up. */
function counting({ from, columns }: TableShape, row: Row, types: Types): { query: string; params: unknown[] } {
  const parts = Object.entries(row).map(([name, value]) => {
    const column = columns.get(name)!;
    return { column, name: quoteName(name), value };
  });
  const keys = parts.filter(({ column }) => isKey(column));
  const counters = parts.filter(({ column }) => !isKey(column));
  const set = counters.map(({ name }) => `${name} = ${name} + ?`).join(', ');
  const where = keys.map(({ name }) => `${name} = fromJson(?)`).join(' AND ');
  return {
    query: `UPDATE ${from} SET ${set} WHERE ${where}`,
    params: [
      ...counters.map(({ value }) => types.Long.fromString(scalar('counter').canonical(value) ?? String(value))),
      ...keys.map(({ column, value }) => JSON.stringify(jsonOf(column.type, value))),
    ],
  };
}

/** Without what is undefined. */
function checked(db: Database, shape: TableShape, row: Row): Row {
  const named = Object.entries(row).filter(([, value]) => value !== undefined);
  for (const [name] of named) {
    if (shape.columns.has(name)) continue;
    const known = [...shape.columns.keys()];
    throw misuse(db, `The table \`${shape.name}\` has no column \`${name}\``, didYouMean(name, known));
  }
  const result = Object.fromEntries(named);
  const isStatic = named.every(([name]) => ['partition_key', 'static'].includes(shape.columns.get(name)!.kind));
  const missing = [...shape.partition, ...(isStatic && hasStatic(shape) ? [] : shape.clustering)].find(
    (name) => result[name] === undefined || result[name] === null,
  );
  if (missing === undefined) return result;
  throw misuse(
    db,
    `A row for \`${shape.name}\` has no \`${missing}\`, which is a part of its key`,
    `Give every row ${[...shape.partition, ...shape.clustering].map((name) => `\`${name}\``).join(', ')}`,
  );
}

function isKey({ kind }: Column): boolean {
  return kind === 'partition_key' || kind === 'clustering';
}

function hasStatic({ columns }: TableShape): boolean {
  return [...columns.values()].some(({ kind }) => kind === 'static');
}

function misuse(db: Database, what: string, mend: string): QaError {
  return new QaError('QA_MISUSE', { what, mend, connection: db.place.connection, address: db.place.address });
}
