/** Sources of rows: a table, or a query. */

import { isQaError, QaError } from '../../core/errors.ts';
import type { ReadRows } from '../../core/read-rows.ts';
import { type Caller, type Expected, type RowSource, SOURCE } from '../../core/source.ts';
import { withValues } from './command.ts';
import type { Database } from './database.ts';
import { isFragment, type SqlFragment } from './fragment.ts';
import { readableName } from './names.ts';
import { PostgresRows, type Subject } from './observer.ts';
import { classify, plainRows } from './plain-rows.ts';
import { queryShape, tableShape } from './shape.ts';

export function tableSource<Row extends object>(db: Database, name: string, narrowed: Expected = {}): RowSource<Row> {
  const { connection } = db.scope;
  if (typeof name !== 'string' || name === '') {
    throw new QaError('QA_MISUSE', {
      what: 'table() needs the name of a table',
      mend: "Write table('orders')",
      connection,
    });
  }
  const readable = name.includes('"') ? name : name.split('.').map(readableName).join('.');
  const isNarrowed = Object.keys(narrowed).length > 0;
  return source<Row>(db, {
    key: `table ${name}`,
    what: `table ${name}`,
    label: `qa.${connection}.table('${name}'${isNarrowed ? ', …' : ''})`,
    ordered: false,
    values: [],
    narrowed,
    readable,
    load: (signal) => tableShape(db, name, signal),
  });
}

export function querySource<Row extends object>(
  db: Database,
  query: string | SqlFragment,
  params: readonly unknown[] = [],
): RowSource<Row> {
  const { connection } = db.scope;
  const [text, values] = isFragment(query) ? [query.text, query.values] : [query, params];
  const sql = String(text).replace(/[\s;]+$/, '');
  const subject: Subject = {
    key: `query ${sql}`,
    what: 'a query',
    label: `qa.${connection}.rows(${shorten(sql)})`,
    ordered: /\border\s+by\b/i.test(sql),
    values,
    narrowed: {},
    readable: `(${withValues(sql, values)}) q`,
    load: (signal) => queryShape(db, sql, values, signal),
  };
  const kind = classify(sql);
  if (kind === 'wrapped') return source<Row>(db, subject);
  if (kind === 'plain') return attach<Row>(db, plainRows(db, subject, sql));
  throw new QaError('QA_MISUSE', {
    what: `${subject.label} is looked at again and again, so it must only read; it begins with \`${kind.other}\``,
    mend: `Run it once with qa.${connection}.query(…), and look at its effect with select, with, values, table or show`,
    connection,
  });
}

function source<Row extends object>(db: Database, subject: Subject): RowSource<Row> {
  return attach<Row>(db, new PostgresRows(db, subject));
}

function attach<Row extends object>(db: Database, observer: PostgresRows | ReadRows): RowSource<Row> {
  const result: RowSource<Row> = {
    [SOURCE]: observer,
    all: () => withStack(observer.all() as Promise<Row[]>, result.all),
    count: () => withStack(observer.count(), result.count),
    waitFor: (expected, options) =>
      db.scope.waitFor(result, expected, options, result.waitFor as Caller) as Promise<Row>,
  };
  return result;
}

/** An error of a source points at the test's line, not into this package. */
function withStack<T>(promise: Promise<T>, caller: (...args: never) => unknown): Promise<T> {
  const at: { stack?: string } = {};
  Error.captureStackTrace(at, caller);
  return promise.catch((error) => {
    if (isQaError(error)) error.stack = `${error.name}: ${error.message}\n${at.stack?.replace(/^[^\n]*\n/, '')}`;
    throw error;
  });
}

function shorten(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim();
  return `'${line.length > 60 ? `${line.slice(0, 57)}…` : line}'`;
}
