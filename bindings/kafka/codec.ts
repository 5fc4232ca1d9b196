/**
 * The contract of a codec: how a key or a value becomes bytes, and back. A codec of one's own is three lines:
 *
 * @example
 * const csv: Codec<string[]> = {
 *   name: 'csv',
 *   encode: (cells) => Buffer.from(cells.join(',')),
 *   decode: (bytes) => bytes.toString().split(','),
 * };
 */
import type { Redactor } from '../core/redact.ts';

export type Part = 'key' | 'value';
export type HeaderValue = Buffer | string | (Buffer | string)[] | undefined;
export type MessageHeaders = Record<string, HeaderValue>;

export interface CodecContext {
  /** Empty where there is no topic: `decode(avro(…), buffer)`. */
  readonly topic: string;
  readonly part: Part;
  /** Of this message. A decoder reads them; an encoder may add some, which are sent with the message. */
  readonly headers: MessageHeaders;
}

/**
 * `Out` is what decoding gives, `In` what encoding takes (often more: a decimal takes numbers and texts).
 * A `null` is a tombstone or a missing key: it never reaches a codec.
 */
export interface Codec<Out = unknown, In = Out> {
  /** For messages: `avro ./payment.avsc`. */
  readonly name: string;
  /** Missing: nothing can be sent with it. What it throws is shown with topic and part. */
  encode?(value: In, context: CodecContext): Buffer | null | Promise<Buffer | null>;
  /** Missing: nothing can be received with it. What it throws makes the message one that could not be decoded. */
  decode?(bytes: Buffer, context: CodecContext): Out | Promise<Out>;
  /** Called once before first use, where a codec must load something. The codec that it gives is then used. */
  prepare?(setup: CodecSetup): Codec<Out, In> | Promise<Codec<Out, In>>;
  /**
   * That `decode` never gives a promise: messages are then decoded only when a matcher looks at them. Without it each
   * is decoded as it comes, so that their order holds.
   */
  readonly isSync?: boolean;
  /** That equal values have equal bytes, and only they: a matcher then finds a key by an index of the bytes. */
  readonly isCanonical?: boolean;
  /** What the user wrote: references in it (`fromEnv`) are resolved before `prepare` reads it from `this`. */
  readonly input?: Readonly<Record<string, unknown>>;
}

export interface CodecSetup {
  /** Absolute path of the folder that relative paths start from: the config's. */
  readonly baseDir: string;
  /** Name of the connection, for errors. */
  readonly connection?: string | undefined;
  /** Told every secret. */
  readonly redactor?: Redactor | undefined;
}

/** Codecs of one topic, as a config declares them. */
export interface TopicCodecs {
  readonly key?: AnyCodec;
  readonly value?: AnyCodec;
}

/** Any codec, whatever it takes. */
export type AnyCodec = Codec<unknown, never>;

/** What decoding with a codec gives. */
export type Decoded<C> = C extends { decode?(...args: never[]): infer R } ? Awaited<R> : never;

/** What encoding with a codec takes. */
export type Encodable<C> = C extends { encode?(value: infer V, context: CodecContext): unknown } ? V : never;
