/** Sources of rows: a table, or a query. */
import { QaError } from '../../core/errors.ts';
import { teller } from '../../core/operation.ts';
import {
  type Caller,
  type Expected,
  type RowObserver,
  type RowSource,
  SOURCE,
  type Values,
} from '../../core/source.ts';
import type { Database } from './database.ts';
import { parseTableName } from './names.ts';
import { CassandraRows } from './observer.ts';
import { queryRows } from './query-rows.ts';

export function tableSource<Row extends object>(db: Database, name: string, narrowed: Expected = {}): RowSource<Row> {
  const { connection } = db.scope;
  parseTableName(name, connection);
  const isNarrowed = Object.keys(narrowed).length > 0;
  const label = `qa.${connection}.table('${name}'${isNarrowed ? ', …' : ''})`;
  return attach<Row>(db, new CassandraRows(db, { name, label, narrowed }));
}

export function querySource<Row extends object>(
  db: Database,
  query: string,
  params: readonly unknown[] = [],
): RowSource<Row> {
  const { connection } = db.scope;
  const cql = String(query).replace(/[\s;]+$/, '');
  const label = `qa.${connection}.rows(${shorten(cql)})`;
  const bare = cql.replace(/^(?:\s|(?:--|\/\/)[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/, '');
  const word = /^\w*/.exec(bare)![0].toLowerCase();
  if (word === 'select' || word === 'describe' || word === 'desc')
    return attach<Row>(db, queryRows(db, label, cql, params));
  throw new QaError('QA_MISUSE', {
    what: `${label} is looked at again and again, so it must only read; it begins with \`${word || bare.slice(0, 10)}\``,
    mend: `Run it once with qa.${connection}.query(…), and look at its effect with select`,
    connection,
  });
}

interface Readable extends RowObserver {
  all(): Promise<Values[]>;
  count(options?: { signal?: AbortSignal }): Promise<number>;
}

function attach<Row extends object>(db: Database, observer: Readable): RowSource<Row> {
  // An error of a source points at the test's line, not into this package.
  const told = async <T>(caller: (...args: never[]) => unknown, work: () => Promise<T>) => {
    const tell = teller(caller, (error) => error, db.scope.adopt);
    return work().catch((error) => Promise.reject(tell(error)));
  };
  const result: RowSource<Row> = {
    [SOURCE]: observer,
    all: () => told(result.all, () => observer.all() as Promise<Row[]>),
    count: () => told(result.count, () => observer.count()),
    waitFor: (expected, options) =>
      db.scope.waitFor(result, expected, options, result.waitFor as Caller) as Promise<Row>,
  };
  return result;
}

function shorten(cql: string): string {
  const line = cql.replace(/\s+/g, ' ').trim();
  return `'${line.length > 60 ? `${line.slice(0, 57)}…` : line}'`;
}
