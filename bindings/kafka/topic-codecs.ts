/** The codecs of each topic, ready; what turns a test's message into bytes, and a recorded one into values. */
import type { Scope } from '../core/binding.ts';
import { isQaError } from '../core/errors.ts';
import type { Received } from '../core/messages.ts';
import type { AnyCodec, HeaderValue, MessageHeaders, Part } from './codec.ts';
import { automatic } from './codecs/automatic.ts';
import { text } from './codecs/plain.ts';
import { decodeText, numberWhereSafe } from './decoders/plain.ts';
import { type DecodeError, excerpt } from './failures.ts';
import type { Topics } from './options.ts';
import { prepareCodec, type ReadyCodec } from './ready.ts';
import type { RawMessage } from './topic-log.ts';

type Ready = ReadyCodec<unknown, unknown>;
type Adopt = <T>(value: T) => T;

interface Pair {
  readonly key: Ready;
  readonly value: Ready;
}

/** A message as tests see it. */
export interface KafkaMessage<Key = string, Value = unknown> {
  readonly key: Key | null;
  /** null is a tombstone. */
  readonly value: Value | null;
  /** Text where the bytes are UTF-8, else bytes; a list where a key is repeated. */
  readonly headers: Readonly<Record<string, Header | readonly Header[]>>;
  readonly partition: number;
  /** A number where it is exact (below 2^53), else a bigint. */
  readonly offset: number | bigint;
  readonly timestamp: Date;
}

export type Header = string | Buffer;

export class TopicCodecs {
  readonly #declared: ReadonlyMap<string, Pair>;
  readonly #others: Pair;
  readonly #adopt: Adopt;
  readonly #made = new Map<string, TopicCodec>();

  private constructor(declared: ReadonlyMap<string, Pair>, others: Pair, adopt: Adopt) {
    this.#declared = declared;
    this.#others = others;
    this.#adopt = adopt;
  }

  /** @throws QaError QA_MESSAGE_SCHEMA, QA_DRIVER_MISSING, QA_CONFIG */
  static async prepare(topics: Topics, scope: Scope): Promise<TopicCodecs> {
    const { baseDir, connection, redactor } = scope;
    const ready = (codec: AnyCodec) =>
      prepareCodec(codec as never, { baseDir, connection, redactor }) as Promise<unknown> as Promise<Ready>;
    const others = { key: await ready(text()), value: await ready(automatic()) };
    const declared = await Promise.all(
      Object.entries(topics).map(async ([name, { key, value }]) => {
        const [ofKey, ofValue] = await Promise.all([
          key === undefined ? others.key : ready(key),
          value === undefined ? others.value : ready(value),
        ]);
        return [name, { key: ofKey, value: ofValue }] as const;
      }),
    );
    return new TopicCodecs(new Map(declared), others, scope.adopt);
  }

  /** The same codecs, for the realm of another file. */
  for(adopt: Adopt): TopicCodecs {
    return new TopicCodecs(this.#declared, this.#others, adopt);
  }

  of(topic: string): TopicCodec {
    const found = this.#made.get(topic);
    if (found) return found;
    const made = new TopicCodec(topic, this.#declared.get(topic) ?? this.#others, this.#adopt);
    this.#made.set(topic, made);
    return made;
  }
}

export class TopicCodec {
  readonly topic: string;
  readonly #key: Ready;
  readonly #value: Ready;
  readonly #adopt: Adopt;
  /** Decoded messages, as long as the record keeps their bytes. */
  readonly #known = new WeakMap<RawMessage, Received>();

  constructor(topic: string, { key, value }: Pair, adopt: Adopt) {
    this.topic = topic;
    this.#key = key;
    this.#value = value;
    this.#adopt = adopt;
  }

  /** Whether `receive` never gives a promise. */
  get isSync(): boolean {
    return this.#key.isSync && this.#value.isSync;
  }

  encode(part: Part, value: unknown, headers: MessageHeaders): Buffer | null | Promise<Buffer | null> {
    return (part === 'key' ? this.#key : this.#value).encode(value, { topic: this.topic, part, headers });
  }

  /** The bytes that a key has and no other; undefined where there is no such thing. */
  bytesOfKey(key: unknown): Buffer | null | undefined {
    if (key === null) return null;
    if (!this.#key.isCanonical) return undefined;
    try {
      const bytes = this.encode('key', key, {});
      return bytes instanceof Promise ? undefined : bytes;
    } catch {
      // It is no key of this codec: an asymmetric matcher, say, or what can match nothing. All are looked at then.
      return undefined;
    }
  }

  /** Never throws: what cannot be decoded is told by the message itself. */
  receive(raw: RawMessage): Received | Promise<Received> {
    const known = this.#known.get(raw);
    if (known) return known;
    if (raw.unreadable) return unreadable(raw, this.#adopt);
    const headers = { ...raw.headers };
    const key = this.#decode('key', raw.key, headers);
    const value = this.#decode('value', raw.value, headers);
    const keep = (decodedKey: Decoded, decodedValue: Decoded): Received => {
      const received = messageOf(raw, decodedKey, decodedValue, this.#adopt);
      this.#known.set(raw, received);
      return received;
    };
    if (key instanceof Promise || value instanceof Promise)
      return Promise.all([key, value]).then(([first, second]) => keep(first, second));
    return keep(key, value);
  }

  #decode(part: Part, bytes: Buffer | null, headers: MessageHeaders): Decoded | Promise<Decoded> {
    const codec = part === 'key' ? this.#key : this.#value;
    try {
      const value = codec.decode(bytes, { topic: this.topic, part, headers });
      if (!(value instanceof Promise)) return { value };
      return value.then(
        (late) => ({ value: late }),
        (error) => ({ value: bytes, error }),
      );
    } catch (error) {
      return { value: bytes, error };
    }
  }
}

interface Decoded {
  value: unknown;
  error?: unknown;
}

function messageOf(raw: RawMessage, key: Decoded, value: Decoded, adopt: Adopt): Received {
  const { partition, offset, timestamp, seen } = raw;
  const received: Received = {
    fields: adopt({
      key: key.value,
      value: value.value,
      headers: headersOf(raw.headers),
      partition,
      offset: numberWhereSafe(offset),
      timestamp: new Date(timestamp),
    }),
    at: `partition ${partition}, offset ${offset}`,
    seen,
  };
  const part = key.error === undefined ? 'value' : 'key';
  const error = key.error ?? value.error;
  return error === undefined ? received : { ...received, undecodable: { part, ...told(error) } };
}

/** Stands for a whole batch that could not be read. */
function unreadable(raw: RawMessage, adopt: Adopt): Received {
  const { reason, count, bytes } = raw.unreadable!;
  return {
    ...messageOf(raw, { value: null }, { value: null }, adopt),
    undecodable: { part: count === 1 ? 'message' : `batch of ${count} messages`, reason, excerpt: excerpt(bytes) },
  };
}

function told(error: unknown): { reason: string; excerpt: string; error: unknown } {
  if (isQaError(error) && 'hex' in error) {
    const { reason, hex, size, codec } = error as DecodeError;
    return { reason: `could not be decoded as ${codec}: ${reason}`, excerpt: `${hex} (${size} bytes)`, error };
  }
  return { reason: String((error as { message?: unknown }).message ?? error), excerpt: '', error };
}

function headersOf(raw: RawMessage['headers']): Record<string, unknown> {
  const headers: Record<string, unknown> = {};
  for (const name in raw) {
    const value = raw[name];
    headers[name] = Array.isArray(value) ? value.map(readable) : readable(value);
  }
  return headers;
}

function readable(value: HeaderValue): unknown {
  if (!Buffer.isBuffer(value)) return value ?? null;
  try {
    return decodeText(value);
  } catch {
    return value;
  }
}
