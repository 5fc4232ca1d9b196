/** What tests see as `qa.<name>`. */
import type cassandra from 'cassandra-driver';
import type { Scope } from '../../core/binding.ts';
import { teller, withinTest } from '../../core/operation.ts';
import type { Expected, RowSource } from '../../core/source.ts';
import { writeUrl } from './address.ts';
import type { Driver } from './client.ts';
import { Database, type OpenCassandra, type Params } from './database.ts';
import { connectionError } from './errors.ts';
import { seed } from './seed.ts';
import { querySource, tableSource } from './sources.ts';

type AnyRow = Record<string, unknown>;

export class CassandraHandle {
  readonly #db: Database;

  constructor(opened: () => OpenCassandra, scope: Scope) {
    this.#db = new Database(opened, scope);
  }

  /** The real `Client`. It is shut down when the file ends. */
  get client(): cassandra.Client {
    return this.#db.client;
  }

  /** The driver's module that the connection uses: `qa.events.driver.types.Uuid`. */
  get driver(): Driver {
    return this.#db.driver;
  }

  /** The keyspace of this worker, as the system under test gets it. */
  get keyspace(): string {
    return this.#db.keyspace;
  }

  /** `host:port`, one or more, as the system under test gets them. */
  get contactPoints(): string[] {
    return [...this.#db.options.address!.contactPoints];
  }

  /** The data centre, as the system under test gets it. */
  get localDataCenter(): string | undefined {
    return this.#db.options.address!.localDataCenter;
  }

  /** All of it in one text, with the password: `cassandra://user:password@host:9042/keyspace?dc=datacenter1`. */
  get url(): string {
    return writeUrl(this.#db.options.address!);
  }

  /**
   * Runs a prepared statement and gives its rows as plain objects, typed as the driver does.
   *
   * @throws the driver's own error when the server refuses the statement; QaError when the connection is to blame
   * @example
   * const [order] = await qa.events.query('select * from orders_by_day where day = ?', ['2026-11-23']);
   */
  async query<Row extends object = AnyRow>(cql: string, params: Params = []): Promise<Row[]> {
    const db = this.#db;
    const tell = this.#teller(this.query);
    try {
      const result = await this.#bounded((signal) => db.run(cql, params, { signal }));
      const rows: object[] = [];
      for (const row of result.rows) rows.push({ ...row });
      return db.scope.adopt(rows) as Row[];
    } catch (error) {
      throw tell(error);
    }
  }

  /**
   * Writes rows, in a batch for each partition. Values may be written as in JSON: uuids, dates, durations and numbers of
   * any size as text. A key that is missing or undefined is not written; in a table of counters, they are added.
   *
   * @throws QaError QA_MISUSE for an unknown column or a missing key
   * @example
   * await qa.events.seed('orders_by_day', [{ day: '2026-11-23', id: 'o-1', total: 42 }]);
   */
  async seed<Row extends object = AnyRow>(table: string, rows: readonly NoInfer<Partial<Row>>[]): Promise<void> {
    const tell = this.#teller(this.seed);
    try {
      await this.#bounded((signal) => seed(this.#db, table, rows, signal));
    } catch (error) {
      throw tell(error);
    }
  }

  /**
   * The rows of a table or view, for matchers and waiting. `where` narrows it to rows that equal these values. With the
   * whole partition key in `where` or in what is expected, only that partition is read; without, all of the table, up to
   * 20,000 rows.
   *
   * @example
   * await expect(qa.events.table('orders_by_day')).toHaveRowMatching({ day: '2026-11-23', id: 'o-1', total: 42 });
   */
  table<Row extends object = AnyRow>(name: string, where?: Expected): RowSource<Row> {
    return tableSource<Row>(this.#db, name, where);
  }

  /**
   * The rows of a query that only reads: it runs again at each look.
   *
   * @example
   * await expect(qa.events.rows('select max(total) as most from orders')).toHaveRowMatching({ most: 42 });
   */
  rows<Row extends object = AnyRow>(cql: string, params?: readonly unknown[]): RowSource<Row> {
    return querySource<Row>(this.#db, cql, params);
  }

  #bounded<T>(work: (signal?: AbortSignal) => Promise<T>): Promise<T> {
    const { place } = this.#db;
    return withinTest(work, () => ({
      what: 'A statement did not end before the time of the test was up',
      mend: 'See whether the server hangs, or give the test more time',
      connection: place.connection,
      address: place.address,
    }));
  }

  /** Errors of the connection name it. */
  #teller(caller: (...args: never[]) => unknown): (error: unknown) => unknown {
    const { place, scope } = this.#db;
    return teller(caller, (error) => connectionError(error, place) ?? error, scope.adopt);
  }
}
