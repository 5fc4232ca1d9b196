/**
 * Sources of messages: a topic, a stream, a channel. Messages are events: what matters is that one came, not that it
 * is there now. A recorder keeps them; matchers read what it has and are woken by what comes.
 */
import { type AnySource, type Expected, isSource, SOURCE, type Values, type WaitOptions } from './source.ts';

/**
 * From where messages count. `test`: since the test began (its mark, taken at its reset). `file`: since the file's
 * connections opened. A Date: by the messages' own timestamps. Offsets: of each partition, `{ 0: 120 }`.
 */
export type Since = 'test' | 'file' | Date | Readonly<Record<string, number | bigint | string>>;

export interface MessageWaitOptions extends WaitOptions {
  /** Default: `test`. */
  since?: Since;
}

/** Lazy, as all sources are; it records whether or not anybody looks. */
export interface MessageSource<Message = Record<string, unknown>> extends AnySource {
  readonly [SOURCE]: MessageObserver;
  /** All messages since the test began, decoded, in the order of their arrival. */
  messages(): Promise<Message[]>;
  /**
   * Waits for a message that matches and returns it; one that came before counts. Throws at once when the time is up.
   *
   * @throws QaError QA_WAIT_FAILED
   */
  waitFor(expected: Partial<Message> | Record<string, unknown>, options?: MessageWaitOptions): Promise<Message>;
}

/** What a system tells the matchers about its messages. */
export interface MessageObserver {
  readonly kind: 'messages';
  /** How a test names it: `qa.kafka.topic('orders')`. */
  readonly label: string;
  /** What one of them is called there: `message`, `entry`. */
  readonly noun: string;
  /** Names that a partial may have at its top; undefined: any. */
  readonly fields: readonly string[] | undefined;
  /** The one field of messages that are a single value, such as a channel's text: what a test writes is that value. */
  readonly whole?: string;
  /** Where it looks, redacted: `topic orders of qa.kafka (kafka://127.0.0.1:9092)`. */
  where(): string;
  /**
   * Opens a view from `since` on. It resolves when all that had been sent when it was called has been recorded as
   * far as the server tells its end; it does not wait for a topic that is missing.
   *
   * @throws QaError QA_MISUSE for a `since` that cannot be read, QA_CONNECTION_LOST and others
   */
  open(since: Since, signal: AbortSignal): Promise<MessageView>;
  /** A command to look for oneself, redacted; undefined where there is none. */
  command(expected: Expected): string | undefined;
  /**
   * Whether a value, at any depth, equals what a test wrote: 42n of an int64 and 42 are equal, a Decimal equals a
   * number. Undefined: ask the generic, deep comparison.
   */
  equal?(actual: unknown, expected: unknown): boolean | undefined;
}

export interface MessageView {
  /** What has been recorded since the mark, in the order of arrival (and of offsets in each partition). It grows. */
  readonly received: ReceivedList;
  /**
   * Indexes into `received` of those that can match, from an index of keys where `expected` has a key that one can
   * look up; undefined: look at all.
   */
  candidates(expected: Expected, from: number): readonly number[] | undefined;
  /** Calls `listener` each time after `received` has grown, or a notice has come; returns what ends that. */
  subscribe(listener: () => void): () => void;
  /**
   * What the reader of a failure must know: that messages were lost or dropped, that an open transaction hides
   * later ones, that the broker is away. A matcher on a source that lost messages says so whether it passes or not.
   */
  notices(): readonly Notice[];
  /** For a failure: whether the source exists, is empty, and what is near its name. */
  explain(signal: AbortSignal): Promise<string[]>;
  /**
   * Resolves once `group` has worked through all that lay before it when this was called, and the recorder has read
   * to the end taken after that (see the docs of `afterGroup`). Only where the system has consumer groups.
   *
   * @throws QaError QA_WAIT_FAILED for an unknown, empty or rebalancing group, or a partition without a commit,
   * when `signal` aborts: the message says which
   */
  afterGroup?(group: string, signal: AbortSignal): Promise<void>;
}

/** An array is one; a source that keeps raw messages decodes when asked, so that what no matcher looks at costs nothing. */
export interface ReceivedList {
  readonly length: number;
  /** The message of an index, which never changes; undefined where it was dropped to keep memory bounded. */
  at(index: number): Received | undefined;
}

export interface Notice {
  /** `lost`: a matcher must not call silence proven. `hint`: only shown with a failure. */
  kind: 'lost' | 'hint';
  text: string;
}

/** One recorded message. */
export interface Received {
  /** What partials are matched against: key, value, headers, partition, offset, timestamp of a topic. */
  readonly fields: Values;
  /** For texts: `partition 0, offset 12`. */
  readonly at: string;
  /** When it was recorded, ms of the core's clock. */
  readonly seen: number;
  /** Set where it could not be decoded: it matches nothing, and failures show it. */
  readonly undecodable?: { readonly part: string; readonly reason: string; readonly excerpt: string };
}

export function isMessageSource(value: unknown): value is MessageSource {
  return isSource(value) && value[SOURCE].kind === 'messages';
}
