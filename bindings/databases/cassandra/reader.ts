/** Reads a table, page by page, as plain rows; and knows what the table is. */
import { isQaError } from '../../core/errors.ts';
import type { Expected, Values } from '../../core/source.ts';
import type { Database } from './database.ts';
import { isNotFound, RESPONSE, refusal, statementError } from './errors.ts';
import { quoteName } from './names.ts';
import type { Page } from './pages.ts';
import { type Plan, plan } from './plan.ts';
import { loadShape, type TableShape } from './shape.ts';
import { complaint, type Named } from './suitable.ts';
import { plain, same } from './values/nested.ts';
import { announcedType } from './values/type.ts';

/** Rows of one page. */
export const PAGE = 1000;
/** Rows of one page where many are wanted. */
export const LARGE_PAGE = 5000;

export interface Subject extends Named {
  /** Equality parts that the source itself was narrowed with. */
  narrowed: Expected;
}

export interface Reading {
  signal?: AbortSignal | undefined;
  /** Rows to find, then it ends; one more tells whether there are more. */
  limit: number;
  accept?: ((row: Values) => boolean) | undefined;
  /** Rows to read at most of a whole table. */
  most?: number;
}

export interface Read {
  rows: Values[];
  more: boolean;
  /** `most` was reached: there are rows that were not read. */
  isCut: boolean;
}

/** What the server says of a statement that does not fit the table; prepared before, it cannot be again. */
const REFUSED: ReadonlySet<unknown> = new Set([RESPONSE.invalid, RESPONSE.unprepared]);

export class TableReader {
  /** What of the partition key the last reading lacked. */
  missing: readonly string[] = [];
  readonly #db: Database;
  readonly #subject: Subject;
  #shape: TableShape | undefined;

  constructor(db: Database, subject: Subject) {
    this.#db = db;
    this.#subject = subject;
  }

  /** What is known of the table by now. */
  get shape(): TableShape | undefined {
    return this.#db.shapes.get(this.#subject.name) ?? this.#shape;
  }

  /** Asks for it anew. */
  async load(signal: AbortSignal | undefined): Promise<TableShape> {
    this.#shape = await loadShape(this.#db, this.#subject.name, signal);
    this.#db.shapes.set(this.#subject.name, this.#shape);
    return this.#shape;
  }

  /** Rows that the source holds and that can match `expected`. */
  read(expected: Expected, reading: Reading): Promise<Read> {
    const parts = { ...expected, ...this.#subject.narrowed };
    return this.#attempts(parts, reading.signal, (planned, shape) => this.#readPages(planned, shape, reading));
  }

  count({ signal, atMost }: { signal?: AbortSignal | undefined; atMost?: number | undefined }): Promise<number> {
    const { narrowed } = this.#subject;
    return this.#attempts(narrowed, signal, async (planned, shape) => {
      if (!Object.keys(narrowed).every((name) => planned.pushed.includes(name))) {
        const limit = atMost ?? Number.POSITIVE_INFINITY;
        return (await this.#readPages(planned, shape, { limit, signal })).rows.length;
      }
      // Few rows are told without counting all.
      const isFew = atMost !== undefined && atMost <= PAGE;
      const what = isFew ? quoteName(shape.partition[0]!) : 'count(*)';
      const cql = `SELECT ${what} FROM ${shape.from}${planned.where}${isFew ? ` LIMIT ${atMost}` : ''}`;
      const result = await this.#db.page(cql, planned.params, { signal, repeatable: true });
      return isFew ? result.rowLength : Number(result.rows[0]!.get(0));
    });
  }

  /** Whether the whole partition key is among the parts. */
  async isKnown(parts: Expected, signal: AbortSignal): Promise<boolean> {
    const shape = this.shape ?? (await this.load(signal));
    return plan(shape, parts, this.#db.driver.types).missing.length === 0;
  }

  equal(column: string, actual: unknown, expected: unknown): boolean | undefined {
    const known = this.shape?.columns.get(column);
    return known && same(known.type, actual, expected);
  }

  /**
   * What is known of a table may be old: where the server refuses, it is asked for anew; where it refuses what was
   * pushed down all the same, memory judges alone.
   */
  async #attempts<T>(
    parts: Expected,
    signal: AbortSignal | undefined,
    run: (planned: Plan, shape: TableShape) => Promise<T>,
  ): Promise<T> {
    let isOld = this.shape !== undefined;
    for (let pushes = true; ; ) {
      const shape = this.shape ?? (await this.load(signal));
      const wrong = complaint(shape, this.#subject.narrowed, this.#subject);
      if (wrong && !isOld) throw wrong;
      try {
        if (wrong) throw wrong;
        const planned = plan(shape, pushes ? parts : {}, this.#db.driver.types);
        this.missing = planned.missing;
        return await run(planned, shape);
      } catch (error) {
        signal?.throwIfAborted();
        if (isQaError(error) && error !== wrong) throw error;
        const isRefused = error === wrong || REFUSED.has(refusal(error));
        if (isRefused && isOld) {
          isOld = false;
          await this.load(signal);
        } else if (isRefused && pushes && !isNotFound(error) && this.missing.length === 0) pushes = false;
        else {
          this.#db.shapes.delete(this.#subject.name);
          this.#shape = undefined;
          throw statementError(error, this.#db.place, `Reading the table ${this.#subject.name}`);
        }
      }
    }
  }

  async #readPages({ where, params, missing }: Plan, shape: TableShape, reading: Reading): Promise<Read> {
    const { signal, limit, accept, most } = reading;
    const rows: Values[] = [];
    let read = 0;
    let pageState: string | undefined;
    do {
      const page = await this.#db.page(`SELECT * FROM ${shape.from}${where}`, params, {
        signal,
        fetchSize: Math.max(PAGE, Math.min(limit + 1, LARGE_PAGE)),
        pageState,
        repeatable: true,
      });
      if (!fits(shape, page)) {
        const wrong = complaint(await this.load(signal), this.#subject.narrowed, this.#subject);
        if (wrong) throw wrong;
      }
      const columns = page.columns.map(({ name, type }) => ({ name, type: announcedType(type) }));
      for (const raw of page.rows) {
        const row = Object.fromEntries(columns.map(({ name, type }) => [name, plain(type, raw[name])]));
        if (!this.#isNarrowed(row)) continue;
        const own = this.#db.scope.adopt(row);
        if (accept && !accept(own)) continue;
        if (rows.length === limit) return { rows, more: true, isCut: false };
        rows.push(own);
      }
      read += page.rows.length;
      pageState = page.pageState ?? undefined;
      if (pageState !== undefined && most !== undefined && read >= most && missing.length > 0)
        return { rows, more: true, isCut: rows.length < limit };
    } while (pageState !== undefined);
    return { rows, more: false, isCut: false };
  }

  #isNarrowed(row: Values): boolean {
    return Object.entries(this.#subject.narrowed).every(([name, value]) => this.equal(name, row[name], value) === true);
  }
}

/** Whether a result has the columns that the table is known by. */
function fits({ columns }: TableShape, page: Page): boolean {
  return page.columns.length === columns.size && page.columns.every(({ name }) => columns.has(name));
}
