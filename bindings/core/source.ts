/**
 * What can be observed in a system. Matchers bind to sources, never to a database: whatever offers rows has
 * every matcher for rows.
 */
export const SOURCE: unique symbol = Symbol.for('@qa/jest-preset/source') as never;

export interface WaitOptions {
  /** Time to become true, ms. Default: `within` of the config, 5000. */
  within?: number;
  /** Time it must then hold, ms. Default: 0. */
  stays?: number;
}

/** The function the user called: stack frames above it are not shown. */
export type Caller = (...args: never) => unknown;

export type SourceKind = 'rows' | 'entries' | 'messages' | 'secrets';

export interface AnySource {
  readonly [SOURCE]: { readonly kind: SourceKind };
}

/**
 * Rows: of a table or of a query. Lazy: it may be made at the top of a file; it reads when a matcher or one of
 * its methods does. It is not awaitable; `.all()` gives its rows.
 */
export interface RowSource<Row extends object = Record<string, unknown>> extends AnySource {
  readonly [SOURCE]: RowObserver;
  /** All rows, at once. */
  all(): Promise<Row[]>;
  /** How many rows there are. */
  count(): Promise<number>;
  /**
   * Waits for a row that matches and returns it; throws at once when the time is up.
   *
   * @throws QaError QA_WAIT_FAILED
   */
  waitFor(expected: Partial<Row> | Record<string, unknown>, options?: WaitOptions): Promise<Row>;
}

export type Expected = Readonly<Record<string, unknown>>;
export type Values = Readonly<Record<string, unknown>>;

/** What can be looked at again and again: rows, an entry. */
export interface StateObserver {
  /** How a test names it: `qa.db.table('orders')`. */
  readonly label: string;
  /** Where it looks, redacted: `table orders of qa.db (postgres://app@127.0.0.1:5432/shop)`. */
  where(): string;
  /** A command to look for oneself, with its values filled in, redacted. */
  command(expected: Expected): string;
  /**
   * From when it resolves, `changed` is called after each change of what is observed (more often does no harm), until
   * `signal` aborts. It resolves to false where the system cannot tell: then it is polled. Without it, too.
   */
  watch?(changed: () => void, signal: AbortSignal): Promise<boolean>;
}

/** What a system tells the matchers about its rows. All of it reads; nothing is cached between calls. */
export interface RowObserver extends StateObserver {
  readonly kind: 'rows';
  /** Whether rows come in an order of their own (a query with ORDER BY may, a table does not). */
  readonly ordered: boolean;
  /**
   * Throws QaError QA_MISUSE where `expected` can never match: an unknown column (with the nearest one), `undefined`.
   * Waits for nothing: a table that does not exist yet is an error of `find`.
   */
  check(expected: Expected, signal: AbortSignal): Promise<void>;
  /**
   * One look: rows that can match `expected`, equality parts pushed down, at most `limit`. Parts that cannot be
   * pushed down are the matcher's to judge: with `accept` only the rows it takes are returned and counted, and the
   * look reads on, page by page, until `limit` of them are found or no row is left.
   */
  find(expected: Expected, options: FindOptions): Promise<Found>;
  /** How many rows there are, at most counted up to `atMost`. */
  count(options: { signal: AbortSignal; atMost?: number }): Promise<number>;
  /**
   * For a failure: rows nearest to `expected` first, ranked by the server by how many equality parts they fulfil,
   * at most `limit`; with the number of all rows and, a column, how many rows fulfil that part.
   */
  explain(expected: Expected, options: { limit: number; signal: AbortSignal }): Promise<Explained>;
  /** Whether a value of the column equals what a test wrote; undefined: ask the generic, deep comparison. */
  equal(column: string, actual: unknown, expected: unknown): boolean | undefined;
}

export interface FindOptions {
  limit: number;
  /** Ends the look: the statement is cancelled in the server. */
  signal: AbortSignal;
  accept?: (row: Values) => boolean;
}

export interface Found {
  rows: Values[];
  /** More rows than `limit` were there. */
  more: boolean;
}

export interface Explained {
  rows: Values[];
  /** All rows; `totalIsFloor` when counting was cut off. */
  total: number;
  totalIsFloor: boolean;
  /** For each column of `expected` that could be counted in the server: how many rows fulfil it. */
  fulfilled: Record<string, number>;
}

export function isSource(value: unknown): value is AnySource {
  return typeof value === 'object' && value !== null && SOURCE in value;
}

export function isRowSource(value: unknown): value is RowSource {
  return isSource(value) && value[SOURCE].kind === 'rows';
}
