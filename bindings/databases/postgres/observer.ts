/** What matchers see of a table or a query. */
import { clock } from '../../core/clock.ts';
import { isQaError, QaError } from '../../core/errors.ts';
import type { Expected, Explained, FindOptions, Found, RowObserver, Values } from '../../core/source.ts';
import { didYouMean } from '../../core/suggest.ts';
import { command } from './command.ts';
import type { Database } from './database.ts';
import { type Build, type Looked, load, look, type Origin } from './look.ts';
import { predicates, whereClause } from './predicate.ts';
import { scan } from './scan.ts';
import type { Shape } from './shape.ts';
import type { Bind } from './values/codec.ts';
import { same } from './values/nested.ts';
import { unsuitable } from './values/unsuitable.ts';

/** Counting and ranking for a failure may take this long, ms; then only the first rows are looked at. */
const EXPLAIN_TIMEOUT = 3000;
/** So many of them. */
const SAMPLE = 20_000;

export interface Subject extends Origin {
  /** `qa.db.table('orders')` */
  label: string;
  ordered: boolean;
  /** Equality parts that the source itself was narrowed with. */
  narrowed: Expected;
  /** Its statement, for people: `orders`, or a query with its values. */
  readable: string;
}

export class PostgresRows implements RowObserver {
  readonly kind = 'rows';
  readonly label: string;
  readonly ordered: boolean;
  readonly #db: Database;
  readonly #subject: Subject;
  #shape: Shape | undefined;

  constructor(db: Database, subject: Subject) {
    this.#db = db;
    this.#subject = subject;
    this.label = subject.label;
    this.ordered = subject.ordered;
  }

  where(): string {
    const { connection } = this.#db.scope;
    const { address } = this.#db;
    return `${this.#subject.what} of qa.${connection}${address ? ` (${address})` : ''}`;
  }

  async check(expected: Expected, signal: AbortSignal): Promise<void> {
    for (const [column, value] of Object.entries(expected)) {
      if (value === undefined)
        throw this.#misuse(
          `\`${column}\` is undefined, which no row can match`,
          `Leave \`${column}\` out, or write null`,
        );
    }
    const kept = this.#db.shapes.get(this.#subject.key);
    if (kept && !this.#complaint(kept, expected)) return;
    let shape: Shape;
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
    const build = (shape: Shape, { bind }: { bind: Bind }, pushes: boolean) => {
      const parts = predicates(shape, pushes ? expected : {}, bind);
      const narrowed = this.#narrow(shape, bind);
      return `select * from ${shape.from}${whereClause([...narrowed, ...parts.values()])}`;
    };
    if (accept) {
      const found = await scan(this.#db, this.#subject, build, { limit, signal, accept });
      this.#shape = found.shape;
      return { rows: this.#adopt(found.rows), more: found.more };
    }
    const { result } = await this.#look((...args) => `${build(...args)} limit ${limit + 1}`, signal);
    const rows = result.rows as Values[];
    const more = rows.length > limit;
    return { rows: this.#adopt(more ? rows.slice(0, limit) : rows), more };
  }

  async count({ signal, atMost }: { signal?: AbortSignal; atMost?: number } = {}): Promise<number> {
    // The empty join announces the columns: a table that was altered shows in the result.
    const { result } = await this.#look(
      (shape, { bind }) => {
        const rows = `select 1 from ${shape.from}${whereClause(this.#narrow(shape, bind))}${atMost === undefined ? '' : ` limit ${atMost}`}`;
        return `select c.*, t.* from (select count(*)::float8 as "${FIRST}" from (${rows}) r) c left join lateral (select * from ${shape.from} limit 0) t on true`;
      },
      signal,
      1,
    );
    return Number(firstColumn(result));
  }

  async all(): Promise<Values[]> {
    const { result } = await this.#look(
      (shape, { bind }) => `select * from ${shape.from}${whereClause(this.#narrow(shape, bind))}`,
    );
    return this.#adopt(result.rows as Values[]);
  }

  async explain(expected: Expected, { limit, signal }: { limit: number; signal: AbortSignal }): Promise<Explained> {
    await this.#load(signal);
    const patience = new AbortController();
    const timer = clock().setTimeout(
      () => patience.abort(new DOMException('too long', 'TimeoutError')),
      EXPLAIN_TIMEOUT,
    );
    try {
      return await this.#explain(expected, limit, undefined, AbortSignal.any([signal, patience.signal]));
    } catch (error) {
      const isLong = patience.signal.aborted || (isQaError(error) && error.code === 'QA_TIMEOUT');
      if (signal.aborted || !isLong) throw error;
      return await this.#explain(expected, limit, SAMPLE, signal);
    } finally {
      clock().clearTimeout(timer);
    }
  }

  equal(column: string, actual: unknown, expected: unknown): boolean | undefined {
    const known = this.#shape?.byName.get(column);
    return known && same(known.type.codec, actual, expected);
  }

  command(expected: Expected): string {
    const { redactor } = this.#db.scope;
    const { readable, narrowed } = this.#subject;
    return redactor.redact(command(readable, { ...narrowed, ...expected }, this.#shape));
  }

  async #explain(
    expected: Expected,
    limit: number,
    sample: number | undefined,
    signal: AbortSignal,
  ): Promise<Explained> {
    let names: string[] = [];
    const source = (shape: Shape, bind: Bind) =>
      `(select * from ${shape.from}${whereClause(this.#narrow(shape, bind))}${sample === undefined ? '' : ` limit ${sample}`}) as s`;
    const counted = await this.#look(
      (shape, { bind }, pushes) => {
        const from = source(shape, bind);
        const parts = predicates(shape, pushes ? expected : {}, bind);
        names = [...parts.keys()];
        const counts = ['count(*)', ...[...parts.values()].map((part) => `count(*) filter (where ${part})`)];
        return `select c.*, t.* from (select json_build_array(${counts.join(', ')})::text as "${FIRST}" from ${from}) c left join lateral (select * from ${shape.from} limit 0) t on true`;
      },
      signal,
      1,
    );
    const [total = 0, ...fulfilled] = JSON.parse(String(firstColumn(counted.result))) as number[];
    // A part that few rows fulfil tells more than one that many do: the right id before the right status.
    const weights = fulfilled.map((rows) => (0.1 + Math.log((total + 1) / (rows + 1))).toFixed(3));
    const nearest = await this.#look((shape, { bind }, pushes) => {
      const from = source(shape, bind);
      const parts = predicates(shape, pushes ? expected : {}, bind);
      const rank = [...parts].map(
        ([name, part]) => `coalesce((${part})::int, 0) * ${weights[names.indexOf(name)] ?? 0}`,
      );
      return `select * from ${from}${rank.length > 0 ? ` order by ${rank.join(' + ')} desc` : ''} limit ${limit}`;
    }, signal);
    return {
      rows: this.#adopt(nearest.result.rows as Values[]),
      total,
      totalIsFloor: sample !== undefined && total >= sample,
      fulfilled: Object.fromEntries(names.map((name, i) => [name, fulfilled[i]!])),
    };
  }

  async #look(build: Build, signal?: AbortSignal, columnsFrom = 0): Promise<Looked> {
    const looked = await look(this.#db, this.#subject, build, { signal, columnsFrom });
    this.#shape = looked.shape;
    return looked;
  }

  async #load(signal: AbortSignal): Promise<Shape> {
    this.#shape = await load(this.#db, this.#subject, signal);
    return this.#shape;
  }

  #adopt(rows: Values[]): Values[] {
    return this.#db.scope.adopt(rows);
  }

  /** Unlike an expectation the source's own parts must hold in SQL: nothing judges them later. */
  #narrow(shape: Shape, bind: Bind): string[] {
    const { narrowed } = this.#subject;
    const complaint = this.#complaint(shape, narrowed);
    if (complaint) throw complaint;
    const parts = predicates(shape, narrowed, bind);
    const missing = Object.keys(narrowed).find((name) => !parts.has(name));
    if (missing === undefined) return [...parts.values()];
    throw this.#misuse(
      `\`${missing}\` cannot be compared in SQL with what it was narrowed to`,
      'Narrow with SQL of your own: qa.db.rows(qa.db.sql`select … where …`), or move it into the matcher',
    );
  }

  #complaint(shape: Shape, expected: Expected): QaError | undefined {
    for (const [name, value] of Object.entries(expected)) {
      const column = shape.byName.get(name);
      if (!column) {
        return this.#misuse(
          `${this.#subject.what} has no column \`${name}\``,
          didYouMean(name, [...shape.byName.keys()]),
        );
      }
      const mend = unsuitable(column, value);
      if (mend) return this.#misuse(`The column \`${name}\` is of type ${column.type.name}`, mend);
    }
    return undefined;
  }

  #misuse(what: string, mend: string): QaError {
    return new QaError('QA_MISUSE', { what: `${this.label}: ${what}`, mend });
  }
}

function firstColumn(result: Looked['result']): unknown {
  return (result.rows[0] as Record<string, unknown>)[FIRST];
}

/** No column of a table is called so by chance. */
const FIRST = 'qa:first';
