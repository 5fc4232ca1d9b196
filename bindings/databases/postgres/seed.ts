/** Filling a table: any number of rows in one statement with one parameter. */
import { types } from 'node:util';
import type pg from 'pg';
import { QaError } from '../../core/errors.ts';
import { didYouMean } from '../../core/suggest.ts';
import type { Database } from './database.ts';
import type { Statement } from './execute.ts';
import { load } from './look.ts';
import { quoteName } from './names.ts';
import { fits, type TableColumn, type TableShape, tableShape } from './shape.ts';
import { json, jsonb } from './values/documents.ts';
import { interval, toIntervalText } from './values/interval.ts';
import { localText, timestamp, utcText } from './values/times.ts';

export type Run = (statement: Statement) => Promise<pg.QueryResult>;

/**
 * Inserts the rows in their order and returns them as the table holds them, with defaults filled in. A column that
 * a row does not name, or names undefined, gets its default.
 *
 * @throws QaError QA_MISUSE for an unknown column; the driver's error where the server refuses a row
 */
export async function seed(db: Database, run: Run, table: string, rows: readonly object[]): Promise<object[]> {
  if (!Array.isArray(rows) || rows.some((row) => typeof row !== 'object' || row === null)) {
    throw misuse(db, `seed('${table}', …) needs a list of rows`, `Write seed('${table}', [{ … }])`);
  }
  if (rows.length === 0) return [];
  const origin = {
    key: `table ${table}`,
    what: `table ${table}`,
    values: [],
    load: (signal?: AbortSignal) => tableShape(db, table, signal),
  };
  const kept = db.shapes.get(origin.key) as TableShape | undefined;
  const attempt = async (shape: TableShape) => {
    const { text, value } = statement(db, shape, rows as Record<string, unknown>[]);
    return run({ text, values: value, types: db.sourceTypes });
  };
  const loaded = async () => (await load(db, origin)) as TableShape;
  if (!kept) return (await attempt(await loaded())).rows;
  // The table may have been altered since: its columns are asked for again where what is kept does not do.
  let result: pg.QueryResult;
  try {
    result = await attempt(kept);
  } catch (error) {
    const { code = '' } = error as { code?: string };
    if (!/^(42P01|42703|42704|42804|QA_MISUSE)$/.test(code)) throw error;
    return (await attempt(await loaded())).rows;
  }
  if (!fits(kept, result.fields)) db.shapes.delete(origin.key);
  return result.rows;
}

function statement(db: Database, shape: TableShape, rows: readonly Record<string, unknown>[]) {
  const used = new Map<string, number>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      if (!shape.byName.has(name)) {
        throw misuse(
          db,
          `The table \`${shape.label}\` has no column \`${name}\``,
          didYouMean(name, [...shape.byName.keys()]),
        );
      }
      if (value !== undefined) used.set(name, (used.get(name) ?? 0) + 1);
    }
  }
  if (used.size === 0) {
    const text = `insert into ${shape.from} ${rows.length === 1 ? 'default values' : defaultsOnly(shape, rows.length)} returning *`;
    return { text, value: [] };
  }
  const columns = shape.columns.filter((column) => used.has(column.name));
  const generated = columns.find((column) => column.isGenerated);
  if (generated) throw misuse(db, `The column \`${generated.name}\` is generated from others`, 'Leave it out');

  // Each value travels under a name that no column has by chance; `h` says whether the row names a column at all.
  const fields: string[] = [];
  const selected = columns.map((column, i) => {
    fields.push(`v${i} ${column.declared}`);
    if (used.get(column.name) === rows.length) return `r.v${i}`;
    fields.push(`h${i} boolean`);
    return `case when r.h${i} then r.v${i} else ${column.default ?? 'null'} end`;
  });
  const records = rows.map((row) =>
    Object.fromEntries(
      columns.flatMap((column, i): [string, unknown][] =>
        row[column.name] === undefined
          ? []
          : [
              [`v${i}`, toJson(column, row[column.name])],
              [`h${i}`, true],
            ],
      ),
    ),
  );
  const names = columns.map((column) => quoteName(column.name)).join(', ');
  const overriding = columns.some((column) => column.isAlwaysIdentity) ? ' overriding system value' : '';
  const text =
    `insert into ${shape.from} (${names})${overriding} select ${selected.join(', ')} ` +
    `from json_to_recordset($1::json) as r(${fields.join(', ')}) returning *`;
  return { text, value: [JSON.stringify(records)] };
}

/** Several rows of nothing but defaults. */
function defaultsOnly(shape: TableShape, count: number): string {
  const column = shape.columns.find((candidate) => !candidate.isGenerated && !candidate.isAlwaysIdentity);
  if (!column) return 'default values';
  return `(${quoteName(column.name)}) values ${Array(count).fill('(default)').join(', ')}`;
}

/** A value as JSON that the server reads as the column's type. */
function toJson({ type: { codec } }: TableColumn, value: unknown): unknown {
  if (codec === json || codec === jsonb) return value;
  return printable(value, codec === timestamp, codec === interval);
}

function printable(value: unknown, isLocal: boolean, isInterval: boolean): unknown {
  if (types.isDate(value)) return isLocal ? localText(value) : utcText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (types.isUint8Array(value)) return `\\x${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map((item) => printable(item, isLocal, isInterval));
  if (typeof value !== 'object' || value === null) return value;
  if (isInterval) return toIntervalText(value) ?? value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, printable(part, isLocal, isInterval)]));
}

function misuse(db: Database, what: string, mend: string): QaError {
  return new QaError('QA_MISUSE', { what, mend, connection: db.place.connection, address: db.place.address });
}
