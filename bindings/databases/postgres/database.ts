/** What the sources and the handle of one connection share: how to run statements, and what is known of the database. */
import type pg from 'pg';
import type { Opened, Scope } from '../../core/binding.ts';
import type { Attributes } from '../../core/trace.ts';
import { printAddress } from './address.ts';
import { type Place, statementError } from './errors.ts';
import { execute, type Statement } from './execute.ts';
import type { ParsedOptions } from './options.ts';
import { type Driver, placeOf } from './pool.ts';
import type { Shape } from './shape.ts';
import { Types } from './types.ts';

export type OpenPostgres = Opened<ParsedOptions, pg.Pool>;

export class Database {
  readonly scope: Scope;
  readonly types: Types = new Types();
  /** Columns of tables and queries, by what a test wrote. */
  readonly shapes: Map<string, Shape> = new Map();
  readonly #opened: () => OpenPostgres;

  constructor(opened: () => OpenPostgres, scope: Scope) {
    this.#opened = opened;
    this.scope = scope;
  }

  get pool(): pg.Pool {
    return this.#opened().client;
  }

  get driver(): Driver {
    return this.#opened().driver as Driver;
  }

  get url(): string {
    return this.#opened().options.address!.url;
  }

  get place(): Place {
    return placeOf(this.#opened().options, this.scope);
  }

  /** For labels, which must not fail: the connection may not be open yet. */
  get address(): string | undefined {
    try {
      const { address } = this.#opened().options;
      return address && printAddress(address);
    } catch {
      return undefined;
    }
  }

  run(
    statement: Statement,
    options: { signal?: AbortSignal | undefined; repeatable?: boolean } = {},
  ): Promise<pg.QueryResult> {
    return this.traced(statement, () => execute(this.pool, statement, options));
  }

  /** A statement as an operation, wherever it runs. */
  traced(
    { text }: Statement,
    send: () => Promise<pg.QueryResult>,
    level: 'debug' | 'trace' = 'debug',
  ): Promise<pg.QueryResult> {
    const run = async (seen: Attributes) => {
      const result = await send();
      seen.rows = result.rowCount ?? undefined;
      return result;
    };
    return this.scope.trace('query', { sql: text, rows: undefined }, run, level);
  }

  /** A question to the catalog; its errors are told as ours. */
  async ask(text: string, values: unknown[], signal?: AbortSignal): Promise<pg.QueryResult> {
    try {
      const statement = { text, values, types: CATALOG_TYPES };
      return await this.traced(statement, () => execute(this.pool, statement, { signal, repeatable: true }), 'trace');
    } catch (error) {
      signal?.throwIfAborted();
      throw statementError(error, this.place, 'Asking the catalog');
    }
  }

  /** Parsers of sources, whatever a test set with `driver.types.setTypeParser`. */
  readonly sourceTypes: pg.CustomTypesConfig = {
    getTypeParser: (oid: number) => this.types.get(oid).codec.parse as never,
  };
}

/** The catalog is read alike, whatever parsers a test set. */
const CATALOG_TYPES: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number) => {
    if (oid === 16) return (text: string) => text === 't';
    if (oid === 114) return JSON.parse;
    return oid === 701 || oid === 20 ? Number : String;
  }) as pg.CustomTypesConfig['getTypeParser'],
};
