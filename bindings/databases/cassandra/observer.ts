/** What matchers see of a table. */
import { isQaError, QaError } from '../../core/errors.ts';
import { rank } from '../../core/rank.ts';
import type { Expected, Explained, FindOptions, Found, RowObserver, Values } from '../../core/source.ts';
import { command } from './command.ts';
import type { Database } from './database.ts';
import { LARGE_PAGE, PAGE, type Subject, TableReader } from './reader.ts';
import type { TableShape } from './shape.ts';
import { complaint, misuse } from './suitable.ts';

/** Rows that one look reads of a table whose partition is not known: beyond it nobody can wait. */
const MOST = 20_000;
/** Rows that are ranked for a failure. */
const SAMPLE = LARGE_PAGE;

export class CassandraRows implements RowObserver {
  readonly kind = 'rows';
  readonly label: string;
  readonly ordered = false;
  readonly #db: Database;
  readonly #subject: Subject;
  readonly #reader: TableReader;

  constructor(db: Database, subject: Subject) {
    this.#db = db;
    this.#subject = subject;
    this.#reader = new TableReader(db, subject);
    this.label = subject.label;
  }

  where(): string {
    const { connection } = this.#db.scope;
    const { address } = this.#db;
    const whole = this.#reader.missing.length > 0 ? `, all of it: ${this.#lacks()}` : '';
    return `table ${this.#subject.name} of qa.${connection}${address ? ` (${address})` : ''}${whole}`;
  }

  async check(expected: Expected, signal: AbortSignal): Promise<void> {
    const missing = Object.keys(expected).find((column) => expected[column] === undefined);
    if (missing !== undefined) {
      const what = `\`${missing}\` is undefined, which no row can match`;
      throw misuse(this.label, what, `Leave \`${missing}\` out, or write null`);
    }
    const { shape: kept } = this.#reader;
    if (kept && !complaint(kept, expected, this.#subject)) return;
    let shape: TableShape;
    try {
      shape = await this.#reader.load(signal);
    } catch (error) {
      // What does not exist yet may come: find tells when it does not.
      if (isQaError(error) && error.code === 'QA_NOT_FOUND') return;
      throw error;
    }
    const wrong = complaint(shape, expected, this.#subject);
    if (wrong) throw wrong;
  }

  async find(expected: Expected, { limit, signal, accept }: FindOptions): Promise<Found> {
    const { rows, more, isCut } = await this.#reader.read(expected, { limit, signal, accept, most: MOST });
    if (!isCut) return { rows, more };
    const { connection, address } = this.#db.place;
    // Neither that a row is there nor that none is can be said: another look would not know more.
    throw new QaError('QA_QUERY_FAILED', {
      what: `${this.label}: the table holds more than ${MOST.toLocaleString('en')} rows, and ${this.#lacks()}, so all of them would have to be read (Cassandra would want ALLOW FILTERING)`,
      mend: `Write ${this.#missing()} into what you expect, or look with qa.${connection}.rows('select …')`,
      connection,
      address,
    });
  }

  count(options: { signal?: AbortSignal; atMost?: number } = {}): Promise<number> {
    return this.#reader.count(options);
  }

  async all(): Promise<Values[]> {
    const { rows } = await this.#reader.read({}, { limit: Number.POSITIVE_INFINITY });
    // Rows are of the test's realm already, their list is not.
    return this.#db.scope.adopt(rows);
  }

  async explain(expected: Expected, { limit, signal }: { limit: number; signal: AbortSignal }): Promise<Explained> {
    const { rows, isCut, more } = await this.#reader.read({}, { limit: SAMPLE, signal, most: SAMPLE });
    // Of a large table the rows of the expected partition are the ones to look at.
    const isLarge = more && (await this.#reader.isKnown(expected, signal));
    const near = isLarge ? (await this.#reader.read(expected, { limit: PAGE, signal })).rows : [];
    const equal = (name: string, row: Values) => this.equal(name, row[name], expected[name]) === true;
    const total = { total: rows.length, totalIsFloor: isCut || more };
    return { ...rank(near.length > 0 ? near : rows, expected, { equal, limit }), ...total };
  }

  equal(column: string, actual: unknown, expected: unknown): boolean | undefined {
    return this.#reader.equal(column, actual, expected);
  }

  command(expected: Expected): string {
    const { name, narrowed } = this.#subject;
    return this.#db.scope.redactor.redact(command(name, { ...narrowed, ...expected }, this.#reader.shape));
  }

  #lacks(): string {
    return `its partition key ${this.#missing()} is not given`;
  }

  #missing(): string {
    return this.#reader.missing.map((name) => `\`${name}\``).join(', ');
  }
}
