/** What cannot stand in a subquery (`show`, `explain`): run as it is, judged in memory. */

import { QaError } from '../../core/errors.ts';
import type { Expected, Explained, FindOptions, Found, RowObserver, Values } from '../../core/source.ts';
import { didYouMean } from '../../core/suggest.ts';
import type { Database } from './database.ts';
import { statementError } from './errors.ts';
import type { Subject } from './observer.ts';
import { type Shape, shapeOf } from './shape.ts';
import { same } from './values/nested.ts';

/**
 * `wrapped`: may stand in a subquery, where the server refuses all that writes (`insert`, `update`, `delete`, also
 * inside of `with`). `plain`: reads, but only by itself. Else the word it begins with.
 */
export function classify(sql: string): 'wrapped' | 'plain' | { other: string } {
  const bare = sql.replace(/^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|\()+/, '');
  const word = /^\w*/.exec(bare)![0].toLowerCase();
  if (['select', 'with', 'values', 'table'].includes(word)) return 'wrapped';
  if (word === 'show' || (word === 'explain' && !/^explain\s*(\([^)]*\banalyz?se?\b|analyz?se?\b)/i.test(bare)))
    return 'plain';
  return { other: word || bare.slice(0, 10) };
}

export class PlainRows implements RowObserver {
  readonly kind = 'rows';
  readonly label: string;
  readonly ordered = true;
  readonly #db: Database;
  readonly #subject: Subject;
  readonly #sql: string;
  #shape: Shape | undefined;

  constructor(db: Database, subject: Subject, sql: string) {
    this.#db = db;
    this.#subject = subject;
    this.#sql = sql;
    this.label = subject.label;
  }

  where(): string {
    const { address } = this.#db;
    return `a query of qa.${this.#db.scope.connection}${address ? ` (${address})` : ''}`;
  }

  async check(expected: Expected, signal: AbortSignal): Promise<void> {
    await this.all(signal);
    for (const [name, value] of Object.entries(expected)) {
      const known = this.#shape!.byName;
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

  async explain(_expected: Expected, { limit, signal }: { limit: number; signal: AbortSignal }): Promise<Explained> {
    const rows = await this.all(signal);
    return { rows: rows.slice(0, limit), total: rows.length, totalIsFloor: false, fulfilled: {} };
  }

  equal(column: string, actual: unknown, expected: unknown): boolean | undefined {
    const known = this.#shape?.byName.get(column);
    return known && same(known.type.codec, actual, expected);
  }

  command(): string {
    return this.#db.scope.redactor.redact(`${this.#sql};`);
  }

  async all(signal?: AbortSignal): Promise<Values[]> {
    const { values } = this.#subject;
    const statement = {
      text: this.#sql,
      values: [...values],
      types: this.#db.sourceTypes,
      queryMode: 'extended' as const,
    };
    try {
      const result = await this.#db.run(statement, { signal, repeatable: true });
      this.#shape = await shapeOf(this.#db, '', result.fields, signal);
      return this.#db.scope.adopt(result.rows as Values[]);
    } catch (error) {
      signal?.throwIfAborted();
      throw statementError(error, this.#db.place, 'The query');
    }
  }
}
