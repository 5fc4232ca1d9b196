/** The matchers as tests see them, checked against the row type of the source. */
import type { EntrySource, EntryWaitOptions } from '../bindings/core/entries.ts';
import type { MessageSource, Since } from '../bindings/core/messages.ts';
import type { SecretConditions, SecretSource } from '../bindings/core/secrets.ts';
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

export interface MessageOptions extends MatcherOptions {
  /** From where messages count. Default: `'test'`, all since the test began. */
  since?: Since;
  /**
   * With `.not` or `exactly`: instead of a fixed time, until these consumer groups, one after the other, have worked
   * through all that lay before them. Sound where a group produces before it commits (not behind an outbox).
   */
  afterGroup?: string | readonly string[];
}

export interface MessagesOptions extends MessageOptions {
  /** And no other message came so far; with `stays` or `afterGroup` also none later. Default: false. */
  exactly?: boolean;
  /** In the order of arrival; between partitions the broker promises none. Default: false. */
  inOrder?: boolean;
}

export interface SecretOptions extends MatcherOptions {
  /** And its data has no other key. Default: false. */
  exactly?: boolean;
}

export interface EntryOptions extends MatcherOptions, EntryWaitOptions {}

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

/** What the first argument may be for a source of messages. */
export type MessageOf<T> =
  T extends MessageSource<infer Message>
    ? unknown extends Message
      ? unknown
      : Message extends object
        ? MatchingRow<Message>
        : Matching<Message>
    : never;

/** Matchers of sources of messages. All wait: await them. */
export interface MessageMatchers<T> {
  /**
   * A message that matches came since the test began, or comes within `within` ms (default 5000). With `.not`: none
   * came and none comes for `stays` ms (default 1000), or until `afterGroup` is done.
   *
   * @throws QaError QA_MISUSE at once for an empty partial, `undefined`, an unknown field
   * @example
   * await expect(channel).toReceiveMessage({ value: { id: 'o-1' } });
   */
  toReceiveMessage(expected: MessageOf<T>, options?: MessageOptions): Promise<void>;
  /**
   * Each partial matches a message of its own; `exactly`: and no other came; `inOrder`: in this order.
   *
   * @throws QaError QA_MISUSE at once, also for `.not` with `exactly`
   * @example
   * await expect(channel).toReceiveMessages([{ key: 'a' }, { key: 'b' }], { inOrder: true });
   */
  toReceiveMessages(expected: readonly MessageOf<T>[], options?: MessagesOptions): Promise<void>;
  /**
   * `toReceiveMessage`, by its name on topics.
   *
   * @throws QaError QA_MISUSE
   * @example
   * await expect(qa.kafka.topic('orders')).toReceiveKafkaMessage({ key: 'o-1', value: { total: 42 } });
   */
  toReceiveKafkaMessage(expected: MessageOf<T>, options?: MessageOptions): Promise<void>;
  /**
   * `toReceiveMessages`, by its name on topics.
   *
   * @throws QaError QA_MISUSE
   * @example
   * await expect(qa.kafka.topic('orders')).toReceiveKafkaMessages([{ key: 'a' }, { key: 'b' }], { exactly: true });
   */
  toReceiveKafkaMessages(expected: readonly MessageOf<T>[], options?: MessagesOptions): Promise<void>;
}

/** What a test may write for an entry of type `Value`; where that is not known, anything. */
export type MatchingEntry<Value> = unknown extends Value
  ? unknown
  :
      | AsymmetricLike
      | (Value extends Uint8Array | readonly unknown[]
          ? Matching<Value>
          : Value extends object
            ? MatchingRow<Value>
            : Value);

/** What the first argument may be for a source of an entry. */
export type EntryOf<T> = T extends EntrySource<infer Value> ? MatchingEntry<Value> : never;

/** Matchers of entries: a key, a record. They wait: await them. */
export interface EntryMatchers<T> {
  /**
   * The entry is there, its value matches, and so do `ttl` and `generation` where they are given: within `within` ms
   * (default 5000), then for `stays` ms (default 0). Objects are partial at any depth, lists match by length and item,
   * sets in any order, anything else exactly. With `.not`: until it is gone or another;
   * `.not.toHaveEntry(expect.anything())` until it is gone.
   *
   * @throws QaError QA_MISUSE at once for an empty object, `undefined`, an unknown option
   * @example
   * await expect(qa.cache.key('order:o-1')).toHaveEntry({ total: '42' });
   * await expect(qa.cache.key('session:7')).toHaveEntry({ id: 7 }, { as: 'json', ttl: { atMost: 60_000 } });
   */
  toHaveEntry(expected: EntryOf<T>, options?: EntryOptions): Promise<void>;
}

/** What the first argument may be for a source of a secret. */
export type SecretOf<T> =
  T extends SecretSource<infer Data>
    ? Pick<SecretConditions, 'version'> & { data?: MatchingRow<Data> | AsymmetricLike }
    : never;

/** Matchers of secrets. They wait: await them. */
export interface SecretMatchers<T> {
  /**
   * The secret is there, in this version, and its data matches the partial: within `within` ms (default 5000), then for
   * `stays` ms (default 0). With `.not`: until it is gone or another. Values are compared truly and never shown: a
   * failure names keys, versions, types and lengths.
   *
   * @throws QaError QA_MISUSE at once for an empty expectation, `undefined`, a version where the store keeps none
   * @example
   * await expect(qa.vault.secret('secret/data/shop/rotated')).toHaveSecret({ version: 3, data: { user: 'qa' } });
   */
  toHaveSecret(expected: SecretOf<T>, options?: SecretOptions): Promise<void>;
}

/** Every matcher of this package. */
export interface QaMatchers<T> extends RowMatchers<T>, EntryMatchers<T>, MessageMatchers<T>, SecretMatchers<T> {}

export type MatcherName = keyof QaMatchers<unknown>;

/** Second argument of `test` and `describe`. */
export interface TestOptions {
  /** Tags; those of the describes around it are inherited. */
  tags?: string | readonly string[];
  /** Ms. */
  timeout?: number;
}
