import type { Codec } from '../codec.ts';
import * as decoders from '../decoders/plain.ts';
import * as encoders from '../encoders/plain.ts';

/** UTF-8 text, as Kafka's StringSerializer writes it. Bytes that are no UTF-8 cannot be decoded. */
export function text(): Codec<string> {
  return { name: 'text', isSync: true, isCanonical: true, encode: encoders.encodeText, decode: decoders.decodeText };
}

/** The bytes as they are. */
export function bytes(): Codec<Buffer, Uint8Array> {
  return { name: 'bytes', isSync: true, isCanonical: true, encode: encoders.encodeBytes, decode: decoders.decodeBytes };
}

/** A UUID as Kafka's UUIDSerializer writes it: its text, in lower case. */
export function uuid(): Codec<string> {
  return { name: 'uuid', isSync: true, encode: encoders.encodeUuid, decode: decoders.decodeUuid };
}

/** 2 bytes, as Kafka's ShortSerializer writes them. */
export function int16(): Codec<number> {
  return { name: 'int16', isSync: true, isCanonical: true, encode: encoders.encodeInt16, decode: decoders.decodeInt16 };
}

/** 4 bytes, as Kafka's IntegerSerializer writes them. */
export function int32(): Codec<number> {
  return { name: 'int32', isSync: true, isCanonical: true, encode: encoders.encodeInt32, decode: decoders.decodeInt32 };
}

/** 8 bytes, as Kafka's LongSerializer writes them: a number where it is exact (below 2^53), else a bigint. */
export function int64(): Codec<number | bigint> {
  return { name: 'int64', isSync: true, isCanonical: true, encode: encoders.encodeInt64, decode: decoders.decodeInt64 };
}

/** 4 bytes, as Kafka's FloatSerializer writes them. */
export function float(): Codec<number> {
  return { name: 'float', isSync: true, encode: encoders.encodeFloat, decode: decoders.decodeFloat };
}

/** 8 bytes, as Kafka's DoubleSerializer writes them. */
export function double(): Codec<number> {
  return { name: 'double', isSync: true, encode: encoders.encodeDouble, decode: decoders.decodeDouble };
}
