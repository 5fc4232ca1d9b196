/** The rows of a query of the test's own: run as it is, judged in memory. */
import { QaError } from '../../core/errors.ts';
import type { Expected, Explained, FindOptions, Found, RowObserver, Values } from '../../core/source.ts';
import { didYouMean } from '../../core/suggest.ts';
import type { Database } from './database.ts';
import { rank } from './rank.ts';
import { plain, same } from './values/nested.ts';
import { announcedType, type Type } from './values/type.ts';

export class QueryRows implements RowObserver {
  readonly kind = 'rows';
  readonly label: string;
  readonly ordered = true;
  readonly #db: Database;
  readonly #cql: string;
  readonly #params: readonly unknown[];
  #types: ReadonlyMap<string, Type> = new Map();

  constructor(db: Database, label: string, cql: string, params: readonly unknown[]) {
    this.#db = db;
    this.label = label;
    this.#cql = cql;
    this.#params = params;
  }

  where(): string {
    const { address } = this.#db;
    return `a query of qa.${this.#db.scope.connection}${address ? ` (${address})` : ''}`;
  }

  async check(expected: Expected, signal: AbortSignal): Promise<void> {
    await this.all(signal);
    for (const [name, value] of Object.entries(expected)) {
      if (value !== undefined && this.#types.has(name)) continue;
      throw new QaError('QA_MISUSE', {
        what:
          value === undefined ? `${this.label}: \`${name}\` is undefined` : `${this.label} has no column \`${name}\``,
        mend: value === undefined ? `Leave \`${name}\` out, or write null` : didYouMean(name, [...this.#types.keys()]),
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
    const type = this.#types.get(column);
    return type && same(type, actual, expected);
  }

  command(): string {
    return this.#db.scope.redactor.redact(`${this.#cql};`);
  }

  async all(signal?: AbortSignal): Promise<Values[]> {
    const result = await this.#db.ask('The query', this.#cql, this.#params, { signal, repeatable: true });
    const types = (result.columns ?? []).map(({ name, type }): [string, Type] => [name, announcedType(type)]);
    this.#types = new Map(types);
    const rows: Values[] = [];
    for (const raw of result.rows ?? []) {
      rows.push(Object.fromEntries(types.map(([name, type]) => [name, plain(type, raw[name])])));
    }
    return this.#db.scope.adopt(rows);
  }
}
