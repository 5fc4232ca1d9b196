/** What matchers see of a table. */
import { isQaError, QaError } from '../../core/errors.ts';
import { rank } from '../../core/rank.ts';
import type { Expected, Explained, FindOptions, Found, RowObserver, Values } from '../../core/source.ts';
import { didYouMean } from '../../core/suggest.ts';
import { command } from './command.ts';
import type { Database } from './database.ts';
import { isNotFound, statementError } from './errors.ts';
import { quoteName } from './names.ts';
import { type Plan, plan } from './plan.ts';
import { loadShape, type TableShape } from './shape.ts';
import { isAsymmetric, plain, same } from './values/nested.ts';
import { scalar } from './values/scalars.ts';
import { announcedType, printType } from './values/type.ts';

/** Rows of one page. */
const PAGE = 1000;
/** Rows that one look reads of a table whose partition is not known: beyond it nobody can wait. */
const MOST = 20_000;
/** Rows that are ranked for a failure. */
const SAMPLE = 5000;

export interface Subject {
  /** As the test wrote it. */
  name: string;
  /** `qa.events.table('orders')` */
  label: string;
  /** Equality parts that the source itself was narrowed with. */
  narrowed: Expected;
}

interface Reading {
  signal?: AbortSignal | undefined;
  /** Rows to find, then it ends; one more tells whether there are more. */
  limit: number;
  accept?: ((row: Values) => boolean) | undefined;
  /** Rows to read at most of a whole table. */
  most?: number;
}

interface Read {
  rows: Values[];
  more: boolean;
  /** `most` was reached: there are rows that were not read. */
  isCut: boolean;
}

export class CassandraRows implements RowObserver {
  readonly kind = 'rows';
  readonly label: string;
  readonly ordered = false;
  readonly #db: Database;
  readonly #subject: Subject;
  #shape: TableShape | undefined;
  /** What of the partition key the last look lacked. */
  #missing: readonly string[] = [];

  constructor(db: Database, subject: Subject) {
    this.#db = db;
    this.#subject = subject;
    this.label = subject.label;
  }

  where(): string {
    const { connection } = this.#db.scope;
    const { address } = this.#db;
    const whole = this.#missing.length > 0 ? `, all of it: ${this.#lacks()}` : '';
    return `table ${this.#subject.name} of qa.${connection}${address ? ` (${address})` : ''}${whole}`;
  }

  async check(expected: Expected, signal: AbortSignal): Promise<void> {
    for (const [column, value] of Object.entries(expected)) {
      if (value === undefined)
        throw this.#misuse(
          `\`${column}\` is undefined, which no row can match`,
          `Leave \`${column}\` out, or write null`,
        );
    }
    const kept = this.#db.shapes.get(this.#subject.name);
    if (kept && !this.#complaint(kept, expected)) return;
    let shape: TableShape;
    try {
      shape = await this.#load(signal);
    } catch (error) {
      // What does not exist yet may come: find tells when it does not.
      if (isQaError(error) && error.code === 'QA_NOT_FOUND') return;
      throw error;
    }
    const complaint = this.#complaint(shape, expected);
    if (complaint) throw complaint;
  }

  async find(expected: Expected, { limit, signal, accept }: FindOptions): Promise<Found> {
    const { rows, more, isCut } = await this.#read(expected, { limit, signal, accept, most: MOST });
    if (!isCut) return { rows, more };
    // Neither that a row is there nor that none is can be said: another look would not know more.
    throw new QaError('QA_QUERY_FAILED', {
      what: `${this.label}: the table holds more than ${MOST.toLocaleString('en')} rows, and ${this.#lacks()}, so all of them would have to be read (Cassandra would want ALLOW FILTERING)`,
      mend: `Write ${this.#missing.map((name) => `\`${name}\``).join(', ')} into what you expect, or look with qa.${this.#db.scope.connection}.rows('select …')`,
      connection: this.#db.place.connection,
      address: this.#db.place.address,
    });
  }

  async count({ signal, atMost }: { signal?: AbortSignal; atMost?: number } = {}): Promise<number> {
    const { narrowed } = this.#subject;
    const { shape, planned } = await this.#plan(narrowed, signal);
    const isPushed = Object.keys(narrowed).every((name) => planned.pushed.includes(name));
    if (!isPushed) {
      const { rows } = await this.#read({}, { limit: atMost ?? Number.POSITIVE_INFINITY, signal });
      return rows.length;
    }
    // Few rows are told without counting all.
    const isFew = atMost !== undefined && atMost <= PAGE;
    const what = isFew ? quoteName(shape.partition[0]!) : 'count(*)';
    const build = ({ from }: TableShape) =>
      `SELECT ${what} FROM ${from}${planned.where}${isFew ? ` LIMIT ${atMost}` : ''}`;
    const result = await this.#run(build, planned.params, { signal });
    return isFew ? result.rowLength : Number(result.rows[0]!.get(0));
  }

  async all(): Promise<Values[]> {
    const { rows } = await this.#read({}, { limit: Number.POSITIVE_INFINITY });
    // Rows are of the test's realm already, their list is not.
    return this.#db.scope.adopt(rows);
  }

  async explain(expected: Expected, { limit, signal }: { limit: number; signal: AbortSignal }): Promise<Explained> {
    const { rows, isCut, more } = await this.#read({}, { limit: SAMPLE, signal, most: SAMPLE });
    // Of a large table the rows of the expected partition are the ones to look at.
    const { planned } = await this.#plan(expected, signal);
    const near = more && planned.missing.length === 0 ? (await this.#read(expected, { limit: PAGE, signal })).rows : [];
    const equal = (name: string, row: Values) => this.equal(name, row[name], expected[name]) === true;
    const total = { total: rows.length, totalIsFloor: isCut || more };
    return { ...rank(near.length > 0 ? near : rows, expected, { equal, limit }), ...total };
  }

  equal(column: string, actual: unknown, expected: unknown): boolean | undefined {
    const known = this.#shape?.columns.get(column);
    return known && same(known.type, actual, expected);
  }

  command(expected: Expected): string {
    const { name, narrowed } = this.#subject;
    return this.#db.scope.redactor.redact(command(name, { ...narrowed, ...expected }, this.#shape));
  }

  async #read(expected: Expected, { signal, limit, accept, most }: Reading): Promise<Read> {
    const { narrowed } = this.#subject;
    const { planned } = await this.#plan({ ...expected, ...narrowed }, signal);
    this.#missing = planned.missing;
    const rows: Values[] = [];
    let read = 0;
    let pageState: string | undefined;
    do {
      const page = await this.#run(({ from }) => `SELECT * FROM ${from}${planned.where}`, planned.params, {
        signal,
        fetchSize: Math.max(PAGE, Math.min(limit + 1, SAMPLE)),
        pageState,
      });
      const columns = page.columns.map(({ name, type }) => ({ name, type: announcedType(type) }));
      for (const raw of page.rows) {
        const row = Object.fromEntries(columns.map(({ name, type }) => [name, plain(type, raw[name])]));
        if (!this.#isNarrowed(row, narrowed)) continue;
        const own = this.#db.scope.adopt(row);
        if (accept && !accept(own)) continue;
        if (rows.length === limit) return { rows, more: true, isCut: false };
        rows.push(own);
      }
      read += page.rows.length;
      pageState = page.pageState ?? undefined;
      if (pageState !== undefined && most !== undefined && read >= most && planned.missing.length > 0)
        return { rows, more: true, isCut: rows.length < limit };
    } while (pageState !== undefined);
    return { rows, more: false, isCut: false };
  }

  #isNarrowed(row: Values, narrowed: Expected): boolean {
    return Object.entries(narrowed).every(([name, value]) => this.equal(name, row[name], value) === true);
  }

  async #plan(parts: Expected, signal: AbortSignal | undefined): Promise<{ shape: TableShape; planned: Plan }> {
    const shape = this.#db.shapes.get(this.#subject.name) ?? (await this.#load(signal));
    this.#shape = shape;
    const complaint = this.#complaint(shape, this.#subject.narrowed);
    if (complaint) throw complaint;
    return { shape, planned: plan(shape, parts, this.#db.driver.types) };
  }

  /** What is known of the table may be old: it is asked for anew where the server refuses, or sends other columns. */
  async #run(
    build: (shape: TableShape) => string,
    params: readonly unknown[],
    options: { signal?: AbortSignal | undefined; fetchSize?: number; pageState?: string | undefined },
  ) {
    const known = this.#shape!;
    try {
      const result = await this.#db.page(build(known), params, { ...options, repeatable: true });
      if (result.columns?.some(({ name }) => name !== 'count' && !known.columns.has(name)))
        await this.#load(options.signal);
      return result;
    } catch (error) {
      options.signal?.throwIfAborted();
      this.#db.shapes.delete(this.#subject.name);
      if (isNotFound(error)) await this.#load(options.signal); // Which names what is nearest.
      throw statementError(error, this.#db.place, `Reading the table ${this.#subject.name}`);
    }
  }

  async #load(signal: AbortSignal | undefined): Promise<TableShape> {
    this.#shape = await loadShape(this.#db, this.#subject.name, signal);
    this.#db.shapes.set(this.#subject.name, this.#shape);
    return this.#shape;
  }

  #lacks(): string {
    const names = this.#missing.map((name) => `\`${name}\``).join(', ');
    return `its partition key ${names} is not given`;
  }

  #complaint({ columns }: TableShape, expected: Expected): QaError | undefined {
    for (const [name, value] of Object.entries(expected)) {
      const column = columns.get(name);
      if (!column) {
        return this.#misuse(
          `table ${this.#subject.name} has no column \`${name}\``,
          didYouMean(name, [...columns.keys()]),
        );
      }
      const { type } = column;
      if (type.kind !== 'scalar' || value === null || isAsymmetric(value)) continue;
      if (scalar(type.name).canonical(value) !== undefined) continue;
      return this.#misuse(
        `The column \`${name}\` is of type ${printType(type)}, and nothing of that type equals what is expected`,
        MENDS[type.name] ?? `Write a value of the type ${printType(type)}`,
      );
    }
    return undefined;
  }

  #misuse(what: string, mend: string): QaError {
    return new QaError('QA_MISUSE', { what: `${this.label}: ${what}`, mend });
  }
}

const MENDS: Readonly<Record<string, string>> = {
  date: "Write it as text: 'YYYY-MM-DD'",
  time: "Write it as text: 'HH:MM:SS'",
  timestamp: 'Write a Date, its ISO text, or its milliseconds',
  blob: "Write a Buffer, or its bytes as text: '0xcafe'",
  duration: "Write it as CQL does: '1h30m'",
};
