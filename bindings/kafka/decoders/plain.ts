/** Text, bytes, uuid and numbers, as Kafka's own deserializers read them. */
import { UUID } from '../encoders/plain.ts';

/** Fatal: bytes that are no UTF-8 are an error, not question marks. A byte order mark belongs to the text. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function decodeText(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new Error('the bytes are no UTF-8', { cause });
  }
}

export function decodeBytes(bytes: Buffer): Buffer {
  return bytes;
}

export function decodeUuid(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  if (!UUID.test(text)) throw new Error('the bytes are not the text of a UUID');
  return text;
}

export function decodeInt16(bytes: Buffer): number {
  return exactly(bytes, 2, 'int16').readInt16BE();
}

export function decodeInt32(bytes: Buffer): number {
  return exactly(bytes, 4, 'int32').readInt32BE();
}

export function decodeInt64(bytes: Buffer): number | bigint {
  return numberWhereSafe(exactly(bytes, 8, 'int64').readBigInt64BE());
}

export function decodeFloat(bytes: Buffer): number {
  return exactly(bytes, 4, 'float').readFloatBE();
}

export function decodeDouble(bytes: Buffer): number {
  return exactly(bytes, 8, 'double').readDoubleBE();
}

/** An int64 is a number wherever a number holds it exactly. */
export function numberWhereSafe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function exactly(bytes: Buffer, length: number, type: string): Buffer {
  if (bytes.length !== length) throw new Error(`${type} has ${length} bytes, but these are ${bytes.length}`);
  return bytes;
}
