/**
 * Sources of entries: what a store keeps under one key or as one record. An entry is there or not, and has a value;
 * some stores know when it expires, or how often it was written.
 */
import { type AnySource, isSource, SOURCE, type StateObserver, type WaitOptions } from './source.ts';

/** A number, or bounds of it, both ends included. */
export interface Bounds {
  atLeast?: number;
  atMost?: number;
}

/** What a test may ask of an entry beside its value. */
export interface EntryConditions {
  /**
   * How to read the value: what a source knows is in its docs, such as `json`, `number`, `bytes` of a key of Redis.
   * Default: as the store keeps it.
   */
  as?: string;
  /** Time until it expires, ms; `'none'`: it never does. Default: any. */
  ttl?: Bounds | 'none';
  /** How often it was written, where the store counts that. Default: any. */
  generation?: number | Bounds;
}

export interface EntryWaitOptions extends WaitOptions, EntryConditions {}

/** Lazy, as all sources are: it reads when a matcher or one of its methods does. */
export interface EntrySource<Value = unknown> extends AnySource {
  readonly [SOURCE]: EntryObserver;
  /** The value as it is now; undefined where there is no such entry. */
  get(options?: Pick<EntryConditions, 'as'>): Promise<Value | undefined>;
  /**
   * Waits for a value that matches and returns it; throws at once when the time is up.
   *
   * @throws QaError QA_WAIT_FAILED
   */
  waitFor(expected: unknown, options?: EntryWaitOptions): Promise<Value>;
}

/** What a system tells the matchers about one entry. All of it reads; nothing is cached between calls. */
export interface EntryObserver extends StateObserver {
  readonly kind: 'entries';
  /** What one of them is called there: `key`, `record`. */
  readonly noun: string;
  /** What a part of its value is called: `field`, `bin`. */
  readonly part: string;
  /** What `as` may be; empty where values have one form only. */
  readonly forms: readonly string[];
  /** What is known of an entry beside its value. */
  readonly facts: readonly ('ttl' | 'generation')[];
  /** One look; undefined where there is no such entry. */
  read(options: ReadOptions): Promise<Entry | undefined>;
  /** For a failure: what the reader should know, such as names near to one that is not there. */
  explain(signal: AbortSignal): Promise<string[]>;
  /** Whether a value, at any depth, equals what a test wrote; undefined: ask the generic, deep comparison. */
  equal?(actual: unknown, expected: unknown): boolean | undefined;
  /**
   * Why a value cannot be what a test wrote though it may look alike, and what to write: `'42'` is text, 42 is not.
   * Shown with the failure.
   */
  hint?(entry: Entry, expected: unknown): string | undefined;
}

export interface ReadOptions {
  /** One of `forms`. */
  as: string | undefined;
  /** What a test wrote, as far as it helps to ask for the right thing at once. Undefined: it is not known. */
  expected?: unknown;
  /** Which facts are needed; reading them may cost. */
  facts: readonly ('ttl' | 'generation')[];
  /** Ends the look. */
  signal: AbortSignal;
}

export interface Entry {
  /** What it is there: `hash`, `string`, `record`. */
  readonly type: string;
  readonly value: unknown;
  /** The same as a list, of values that a test may write as an object or as a list (a sorted set). */
  readonly list?: readonly unknown[];
  /** The order of the items says nothing: a set. */
  readonly unordered?: boolean;
  /** How large it is, in words, where that is more than `value` shows: `5,000 items, of which 1,000 were read`. */
  readonly size?: string;
  /** Time until it expires, ms; null: never. Undefined where it was not asked for. */
  readonly ttl?: number | null;
  readonly generation?: number;
  /** Set where it could not be read in the form that was asked for: it matches nothing. */
  readonly unreadable?: string;
}

export function isEntrySource(value: unknown): value is EntrySource {
  return isSource(value) && value[SOURCE].kind === 'entries';
}
