/** What tests see as `qa.<name>`. */
import type pg from 'pg';
import type { Scope } from '../../core/binding.ts';
import { QaError } from '../../core/errors.ts';
import { teller, withinTest } from '../../core/operation.ts';
import type { Expected, RowSource } from '../../core/source.ts';
import { Database, type OpenPostgres } from './database.ts';
import { connectionError } from './errors.ts';
import { type Held, hold, type Statement } from './execute.ts';
import { type SqlFragment, type SqlTag, sqlTag } from './fragment.ts';
import type { Driver } from './pool.ts';
import { seed } from './seed.ts';
import { querySource, tableSource } from './sources.ts';

type Rows<Row extends object> = Promise<Row[]>;
type Record_ = Record<string, unknown>;

/** What runs statements: the connection, or one transaction of it. */
export interface PostgresStatements {
  /**
   * Runs a statement and gives its rows, typed as the driver does.
   *
   * @throws the driver's own error when the server refuses the statement (`code` is its SQLSTATE); QaError when the
   * connection is to blame
   * @example
   * const [order] = await qa.db.query<Order>('select * from orders where id = $1', ['o-1']);
   */
  query<Row extends object = Record_>(text: string, params?: readonly unknown[]): Rows<Row>;
  /**
   * The same as a tag: values become parameters, another `sql` becomes a part of the statement.
   *
   * @example
   * const paid = qa.db.sql`status = ${'PAID'}`;
   * const rows = await qa.db.sql`select * from orders where ${paid} and total > ${10}`;
   */
  readonly sql: SqlTag;
  /**
   * Inserts rows in one round trip and returns them with defaults filled in. jsonb columns take objects and lists as
   * they are, arrays take lists, bytea takes Buffers. A key that is missing or undefined gets the column's default.
   */
  seed<Row extends object = Record_>(table: string, rows: readonly NoInfer<Partial<Row>>[]): Rows<Row>;
}

export interface PostgresTransaction extends PostgresStatements {
  /** The client that the transaction runs on. */
  readonly client: pg.PoolClient;
}

export class PostgresHandle implements PostgresStatements {
  readonly #db: Database;
  readonly #statements: PostgresStatements;

  constructor(opened: () => OpenPostgres, scope: Scope) {
    this.#db = new Database(opened, scope);
    this.#statements = statements(this.#db, (statement, signal) => this.#db.run(statement, { signal }));
  }

  /** The real `pg.Pool`. */
  get client(): pg.Pool {
    return this.#db.pool;
  }

  /** The driver's module that the connection uses: `qa.db.driver.types`. */
  get driver(): Driver {
    return this.#db.driver;
  }

  /** The address with its password, as the system under test gets it. */
  get url(): string {
    return this.#db.url;
  }

  get query(): PostgresStatements['query'] {
    return this.#statements.query;
  }

  get sql(): SqlTag {
    return this.#statements.sql;
  }

  get seed(): PostgresStatements['seed'] {
    return this.#statements.seed;
  }

  /**
   * Runs `fn` in a transaction: committed when it ends, rolled back when it throws.
   *
   * @example
   * await qa.db.transaction(async (tx) => {
   *   await tx.seed('orders', [{ id: 'o-1' }]);
   *   await tx.query('update stock set n = n - 1');
   * });
   */
  async transaction<T>(fn: (tx: PostgresTransaction) => T | Promise<T>): Promise<T> {
    const tell = telling(this.#db, this.transaction);
    let held: Held;
    try {
      held = await bounded(this.#db, (signal) => hold(this.#db.pool, signal));
    } catch (error) {
      throw tell(error);
    }
    const send = (statement: Statement, signal?: AbortSignal) =>
      this.#db.traced(statement, () => held.run(statement, signal));
    const run = (text: string) =>
      bounded(this.#db, (signal) => send({ text }, signal)).catch((error) => Promise.reject(tell(error)));
    const end = { statement: 'rollback' as string | undefined };
    try {
      await run('begin');
      const own = statements(this.#db, send);
      const result = await fn({ ...own, client: held.client });
      const { command } = await run('commit');
      end.statement = undefined;
      if (command === 'ROLLBACK') throw rolledBack(this.#db);
      return result;
    } finally {
      await held.release(end.statement);
    }
  }

  /**
   * The rows of a table, for matchers and waiting. The exact spelling is looked for first, then the lower-case one;
   * `where` narrows it to rows that equal these values.
   *
   * @example
   * await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1', status: 'PAID' });
   */
  table<Row extends object = Record_>(name: string, where?: Expected): RowSource<Row> {
    return tableSource<Row>(this.#db, name, where);
  }

  /**
   * The rows of a query that only reads: it runs again at each look.
   *
   * @example
   * await expect(qa.db.rows('select count(*)::int as n from audit')).toHaveRowMatching({ n: 1 });
   */
  rows<Row extends object = Record_>(sql: string | SqlFragment, params?: readonly unknown[]): RowSource<Row> {
    return querySource<Row>(this.#db, sql, params);
  }
}

function statements(
  db: Database,
  run: (statement: Statement, signal: AbortSignal | undefined) => Promise<pg.QueryResult>,
): PostgresStatements {
  const rows = async (caller: (...args: never[]) => unknown, work: (signal?: AbortSignal) => Promise<object[]>) => {
    const tell = telling(db, caller);
    try {
      return db.scope.adopt(await bounded(db, work));
    } catch (error) {
      throw tell(error);
    }
  };
  const query = (text: string, params?: readonly unknown[]) =>
    rows(query, async (signal) => (await run(params ? { text, values: [...params] } : { text }, signal)).rows);
  const sql = sqlTag((text, values) => rows(sql, async (signal) => (await run({ text, values }, signal)).rows));
  const seeding = (table: string, list: readonly object[]) =>
    rows(seeding, (signal) => seed(db, (statement) => run(statement, signal), table, list));
  return { query, sql, seed: seeding } as PostgresStatements;
}

function bounded<T>(db: Database, work: (signal?: AbortSignal) => Promise<T>): Promise<T> {
  return withinTest(work, () => ({
    what: 'A statement did not end before the time of the test was up',
    mend: 'See whether the server hangs or a lock is held, or give the test more time',
    connection: db.place.connection,
    address: db.place.address,
  }));
}

/** Errors of the connection name it. */
function telling(db: Database, caller: (...args: never[]) => unknown): (error: unknown) => unknown {
  return teller(caller, (error) => connectionError(error, db.place) ?? error, db.scope.adopt);
}

function rolledBack({ place: { connection, address } }: Database): QaError {
  return new QaError('QA_QUERY_FAILED', {
    what: 'The transaction was rolled back, because one of its statements had failed and the error was caught inside',
    mend: 'Let the error leave the function, or use a savepoint',
    connection,
    address,
  });
}
