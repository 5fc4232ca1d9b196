/** Text, bytes, uuid and numbers, as Kafka's own serializers write them: big-endian, of fixed length. */
import { types } from 'node:util';
import type { CodecContext } from '../codec.ts';
import { Mismatch } from '../mismatch.ts';

type Encoder<T> = (value: T, context: CodecContext) => Buffer;

export const encodeText: Encoder<string> = (value, { part }) => {
  if (typeof value !== 'string') throw new Mismatch(part, 'a string', value);
  if (/\p{Surrogate}/u.test(value))
    throw new Mismatch(part, 'a string that UTF-8 can hold (half a surrogate pair is in it)', value);
  return Buffer.from(value, 'utf8');
};

export const encodeBytes: Encoder<Uint8Array> = (value, { part }) => {
  if (!types.isUint8Array(value)) throw new Mismatch(part, 'a Buffer or Uint8Array', value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
};

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** As the UUIDSerializer: the text, 36 bytes, in lower case. */
export const encodeUuid: Encoder<string> = (value, { part }) => {
  if (typeof value !== 'string' || !UUID.test(value)) throw new Mismatch(part, 'a UUID', value);
  return Buffer.from(value.toLowerCase(), 'latin1');
};

export const encodeInt16: Encoder<number> = (value, { part }) => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(whole(value, part, 'int16', -(2 ** 15), 2 ** 15 - 1));
  return bytes;
};

export const encodeInt32: Encoder<number> = (value, { part }) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(whole(value, part, 'int32', -(2 ** 31), 2 ** 31 - 1));
  return bytes;
};

export const encodeInt64: Encoder<number | bigint> = (value, { part }) => {
  const big = toInt64(value);
  if (big === undefined) throw new Mismatch(part, 'int64 (beyond 2^53 as a bigint)', value);
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(big);
  return bytes;
};

export const encodeFloat: Encoder<number> = (value, { part }) => {
  if (typeof value !== 'number') throw new Mismatch(part, 'float', value);
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return bytes;
};

export const encodeDouble: Encoder<number> = (value, { part }) => {
  if (typeof value !== 'number') throw new Mismatch(part, 'double', value);
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
};

/** The value as a 64-bit integer, where it is exactly one. */
export function toInt64(value: unknown): bigint | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value;
  return undefined;
}

function whole(value: number, path: string, type: string, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new Mismatch(path, `${type} (a whole number from ${min} to ${max})`, value);
  }
  return value;
}
