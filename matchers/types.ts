/** The matchers as tests see them, checked against the row type of the source. */
import type { RowSource, WaitOptions } from '../bindings/core/source.ts';

export interface MatcherOptions extends WaitOptions {
  /** `false`: a failure stops the test at once. Default: `soft` of the config, `true`. */
  soft?: boolean;
}

export interface RowsOptions extends MatcherOptions {
  /** And no other row is there. Default: false. */
  exactly?: boolean;
  /** Rows come in the order of the partials; needs a source with ORDER BY. Default: false. */
  inOrder?: boolean;
}

/** `expect.any(Number)` and its like. */
export interface AsymmetricLike {
  asymmetricMatch(other: unknown): boolean;
}

/** What a test may write for a value of type `V`. */
export type Matching<V> =
  | AsymmetricLike
  | (V extends Date | Uint8Array
      ? V
      : V extends number | bigint
        ? number | bigint
        : V extends string
          ? string extends V
            ? string | number | bigint // numeric and bigint columns come as text
            : V
          : V extends readonly (infer Item)[]
            ? readonly Matching<Item>[]
            : V extends object
              ? MatchingRow<V>
              : V);

/** A partial row: keys are checked where the row's type is known. */
export type MatchingRow<Row> = { readonly [Column in keyof Row]?: Matching<Row[Column]> };

/** What the first argument may be for a subject of type `T`. */
export type RowOf<T> = T extends RowSource<infer Row> ? MatchingRow<Row> : never;

/** Matchers of sources of rows. All wait: await them. */
export interface RowMatchers<T> {
  /**
   * A row matches the partial: within `within` ms (default 5000), then for `stays` ms (default 0). With `.not`:
   * until no row does.
   *
   * @throws QaError QA_MISUSE at once for an empty partial, `undefined`, an unknown column
   * @example
   * await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1', status: 'PAID' });
   */
  toHaveRowMatching(expected: RowOf<T>, options?: MatcherOptions): Promise<void>;
  /**
   * Each partial matches a row of its own; `exactly`: and no other row is there; `inOrder`: in this order.
   *
   * @throws QaError QA_MISUSE at once, also for `inOrder` on a source without an order
   * @example
   * await expect(qa.db.table('items')).toHaveRowsMatching([{ sku: 'a' }, { sku: 'b' }], { exactly: true });
   */
  toHaveRowsMatching(expected: readonly RowOf<T>[], options?: RowsOptions): Promise<void>;
  /**
   * The source has `count` rows.
   *
   * @example
   * await expect(qa.db.table('orders', { status: 'PAID' })).toHaveRowCount(2);
   */
  toHaveRowCount(count: T extends RowSource<infer _Row> ? number : never, options?: MatcherOptions): Promise<void>;
}

/** Every matcher of this package. */
export interface QaMatchers<T> extends RowMatchers<T> {}

export type MatcherName = keyof QaMatchers<unknown>;

/** Second argument of `test` and `describe`. */
export interface TestOptions {
  /** Tags; those of the describes around it are inherited. */
  tags?: string | readonly string[];
  /** Ms. */
  timeout?: number;
}
