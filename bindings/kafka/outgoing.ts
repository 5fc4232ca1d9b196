/** What a test wants to send, checked and turned into bytes. */
import { QaError } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import type { MessageHeaders } from './codec.ts';
import type { Outgoing } from './producers.ts';
import type { Header, TopicCodec } from './topic-codecs.ts';

export interface SendMessage<Key = unknown, Value = unknown> {
  /** Default: none. */
  readonly key?: Key | null;
  /** null: a tombstone. */
  readonly value: Value | null;
  /** A list sends the key several times. */
  readonly headers?: Readonly<Record<string, Header | readonly Header[]>>;
  /** Default: by the key, as other clients do. */
  readonly partition?: number;
  /** Default: now. Numbers are ms since 1970. */
  readonly timestamp?: Date | number;
}

const KEYS = ['key', 'value', 'headers', 'partition', 'timestamp'] as const satisfies (keyof SendMessage)[];

/** @throws QaError QA_MISUSE, QA_ENCODE, QA_REGISTRY */
export async function encodeMessage(codec: TopicCodec, message: unknown, connection: string): Promise<Outgoing> {
  const { key = null, value, headers = {}, partition, timestamp } = checked(codec.topic, message, connection);
  // Codecs may add headers, for which the test's own object is no place.
  const given = Object.fromEntries(Object.entries(headers).map(([name, of]) => [name, asHeader(of)]));
  const all: MessageHeaders = { ...given };
  return {
    key: await codec.encode('key', key, all),
    value: await codec.encode('value', value, all),
    headers: all as Outgoing['headers'],
    ...(partition !== undefined && { partition }),
    ...(timestamp !== undefined && { timestamp: String(Number(timestamp)) }),
  };
}

function asHeader(value: Header | readonly Header[]): Header | Header[] {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map((one) => asHeader(one) as Header) : Buffer.from(value as Uint8Array);
}

function checked(topic: string, message: unknown, connection: string): SendMessage {
  const fail = (what: string, mend: string): QaError =>
    new QaError('QA_MISUSE', { what: `A message for \`${topic}\` ${what}`, mend, connection });
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw fail(
      `must be an object, but is ${message === null ? 'null' : Array.isArray(message) ? 'a list' : `a ${typeof message}`}`,
      "Write `{ key: 'o-1', value: { … } }`; several go by `sendAll([…])`",
    );
  }
  for (const name of Object.keys(message)) {
    if ((KEYS as readonly string[]).includes(name)) continue;
    throw fail(`has \`${name}\`, which no message has`, didYouMean(name, KEYS));
  }
  const { value, headers, partition, timestamp } = message as Partial<SendMessage>;
  if (value === undefined) throw fail('has no `value`', 'Give one; a tombstone is `value: null`');
  if (headers !== undefined && !isRecordOfHeaders(headers))
    throw fail(
      'has `headers` that are no object of texts, Buffers, or lists of them',
      "Write `headers: { trace: 't-1', tag: ['a', 'b'] }`",
    );
  if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0))
    throw fail('has a `partition` that is no whole number from 0', 'Correct it, or leave it out');
  if (timestamp !== undefined && !Number.isFinite(Number(timestamp)))
    throw fail('has a `timestamp` that is neither a Date nor a number of ms since 1970', 'Correct it, or leave it out');
  return message as SendMessage;
}

function isRecordOfHeaders(headers: unknown): boolean {
  const isHeader = (value: unknown) => typeof value === 'string' || ArrayBuffer.isView(value);
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return false;
  return Object.values(headers).every((value) => isHeader(value) || (Array.isArray(value) && value.every(isHeader)));
}
