/** What the sources and the handle of one connection share: how to run statements, and what is known of the tables. */
import type cassandra from 'cassandra-driver';
import type { Opened, Scope } from '../../core/binding.ts';
import { clock, pause } from '../../core/clock.ts';
import { QaError } from '../../core/errors.ts';
import { orAborted } from '../../core/operation.ts';
import { printAddress } from './address.ts';
import { type Driver, placeOf } from './client.ts';
import { connectionError, type Place, statementError } from './errors.ts';
import type { ParsedOptions } from './options.ts';
import { type AllRows, allPages, type Page } from './pages.ts';
import type { TableShape } from './shape.ts';

export type OpenCassandra = Opened<ParsedOptions, cassandra.Client>;
/** By position, or by name. */
export type Params = readonly unknown[] | Readonly<Record<string, unknown>>;

export interface RunOptions {
  signal?: AbortSignal | undefined;
  /** Rows of one page. Default: the driver's. */
  fetchSize?: number;
  pageState?: string | undefined;
  /** May be sent again where the connection broke. */
  repeatable?: boolean;
}

/** What broke is tried again for so long, ms: the driver needs a moment to open another connection. */
const COMES_BACK = 1500;
const PAUSE = 25;

export class Database {
  readonly scope: Scope;
  /** By what a test wrote. */
  readonly shapes: Map<string, TableShape> = new Map();
  readonly #opened: () => OpenCassandra;

  constructor(opened: () => OpenCassandra, scope: Scope) {
    this.#opened = opened;
    this.scope = scope;
  }

  get client(): cassandra.Client {
    return this.#opened().client;
  }

  get driver(): Driver {
    return this.#opened().driver as Driver;
  }

  get options(): ParsedOptions {
    return this.#opened().options;
  }

  get place(): Place {
    return placeOf(this.options, this.scope);
  }

  /** Where tables are looked for that are written without one. @throws QaError QA_MISUSE where there is none */
  get keyspace(): string {
    const { keyspace } = this.options.address!;
    if (keyspace !== undefined) return keyspace;
    throw new QaError('QA_MISUSE', {
      what: 'The connection has no keyspace',
      mend: 'Give `keyspace` in the config, or write it before the name of the table: `shop.orders`',
      connection: this.place.connection,
      address: this.place.address,
    });
  }

  /** For labels, which must not fail: the connection may not be open yet. */
  get address(): string | undefined {
    try {
      const { address } = this.options;
      return address && printAddress(address);
    } catch {
      return undefined;
    }
  }

  /** All rows of a prepared statement. Errors are the driver's. */
  run(cql: string, params: Params, options: Omit<RunOptions, 'fetchSize' | 'pageState'> = {}): Promise<AllRows> {
    return allPages((pageState) => this.page(cql, params, { ...options, pageState }));
  }

  /** One page of it. */
  async page(cql: string, params: Params, options: RunOptions = {}): Promise<Page> {
    const { signal, fetchSize, pageState, repeatable } = options;
    const query = {
      prepare: true,
      ...(fetchSize === undefined ? {} : { fetchSize }),
      ...(pageState === undefined ? {} : { pageState }),
    };
    // The driver writes into the lists it gets.
    const copied = isList(params) ? [...params] : { ...params };
    const send = () =>
      this.scope.trace('query', { cql, rows: undefined }, async (seen) => {
        const page = await orAborted(this.client.execute(cql, copied, query), signal);
        seen.rows = page.rows?.length;
        return page;
      });
    const { now } = clock();
    const until = now() + COMES_BACK;
    for (;;) {
      try {
        return await send();
      } catch (error) {
        signal?.throwIfAborted();
        const isLost = connectionError(error, this.place)?.code === 'QA_CONNECTION_LOST';
        if (!repeatable || !isLost || now() > until) throw error;
        // The driver does not tell when a new connection can be used.
        await pause(PAUSE);
      }
    }
  }

  /** A statement of ours: its errors are told as ours. */
  async ask(doing: string, cql: string, params: Params, options: RunOptions = {}): Promise<AllRows> {
    try {
      return await this.run(cql, params, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      throw statementError(error, this.place, doing);
    }
  }
}

function isList(params: Params): params is readonly unknown[] {
  return Array.isArray(params);
}
