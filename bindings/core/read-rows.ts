/** Rows that are read as a whole at each look, and judged in memory: of a query that no part can be pushed into. */
import { QaError } from './errors.ts';
import { rank } from './rank.ts';
import type { Expected, Explained, FindOptions, Found, RowObserver, Values } from './source.ts';
import { didYouMean } from './suggest.ts';

export interface ReadRowsOptions {
  /** How a test names it: `qa.db.rows('…')`. */
  label: string;
  where(): string;
  /** A command to look for oneself, redacted. */
  command(): string;
  read(signal: AbortSignal | undefined): Promise<Read>;
}

export interface Read {
  rows: Values[];
  /** For each column, whether a value of it equals what a test wrote; undefined: ask the generic comparison. */
  columns: ReadonlyMap<string, (actual: unknown, expected: unknown) => boolean | undefined>;
}

export class ReadRows implements RowObserver {
  readonly kind = 'rows';
  readonly label: string;
  readonly ordered = true;
  readonly #options: ReadRowsOptions;
  #columns: Read['columns'] = new Map();

  constructor(options: ReadRowsOptions) {
    this.#options = options;
    this.label = options.label;
  }

  where(): string {
    return this.#options.where();
  }

  async check(expected: Expected, signal: AbortSignal): Promise<void> {
    await this.all(signal);
    for (const [name, value] of Object.entries(expected)) {
      const known = this.#columns;
      if (value !== undefined && known.has(name)) continue;
      throw new QaError('QA_MISUSE', {
        what:
          value === undefined ? `${this.label}: \`${name}\` is undefined` : `${this.label} has no column \`${name}\``,
        mend: value === undefined ? `Leave \`${name}\` out, or write null` : didYouMean(name, [...known.keys()]),
      });
    }
  }

  async find(_expected: Expected, { limit, signal, accept }: FindOptions): Promise<Found> {
    const rows = (await this.all(signal)).filter((row) => accept?.(row) ?? true);
    return { rows: rows.slice(0, limit), more: rows.length > limit };
  }

  async count({ signal }: { signal?: AbortSignal } = {}): Promise<number> {
    return (await this.all(signal)).length;
  }

  async explain(expected: Expected, { limit, signal }: { limit: number; signal: AbortSignal }): Promise<Explained> {
    const rows = await this.all(signal);
    const equal = (name: string, row: Values) => this.equal(name, row[name], expected[name]) === true;
    return { ...rank(rows, expected, { equal, limit }), total: rows.length, totalIsFloor: false };
  }

  equal(column: string, actual: unknown, expected: unknown): boolean | undefined {
    return this.#columns.get(column)?.(actual, expected);
  }

  command(): string {
    return this.#options.command();
  }

  async all(signal?: AbortSignal): Promise<Values[]> {
    const { rows, columns } = await this.#options.read(signal);
    this.#columns = columns;
    return rows;
  }
}
