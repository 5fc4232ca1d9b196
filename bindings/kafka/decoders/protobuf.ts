/**
 * Protobuf to values as a test writes them: plain objects, enums by name, 64 bits as a number where it is exact,
 * `Timestamp` a Date, wrappers (`StringValue`) their value. A field without presence shows its default; one with
 * presence (messages, `optional`, `oneof`) that is not set is not there.
 */
import type { Field, Type } from 'protobufjs';
import { TIMESTAMP, WRAPPERS } from '../encoders/protobuf.ts';
import { numberWhereSafe } from './plain.ts';

type Raw = Readonly<Record<string, unknown>>;

export function fromProto(type: Type, raw: Raw): unknown {
  if (type.fullName === TIMESTAMP) return toDate(raw);
  if (WRAPPERS.test(type.fullName)) return fromItem(type.fields.value!, raw.value);
  const value: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    field.resolve();
    const isSet = Object.hasOwn(raw, field.name) && raw[field.name] !== null && raw[field.name] !== undefined;
    if (!isSet && !hasDefault(field)) continue;
    value[field.name] = fromField(field, raw[field.name]);
  }
  return value;
}

function fromField(field: Field, raw: unknown): unknown {
  if (field.map) {
    const entries = Object.entries((raw ?? {}) as Raw);
    return Object.fromEntries(entries.map(([key, item]) => [keyOf(field, key), fromItem(field, item)]));
  }
  if (field.repeated) return ((raw ?? []) as unknown[]).map((item) => fromItem(field, item));
  return fromItem(field, raw);
}

function fromItem(field: Field, raw: unknown): unknown {
  field.resolve();
  const { resolvedType } = field;
  if (resolvedType && 'fieldsArray' in resolvedType) return fromProto(resolvedType, raw as Raw);
  // A number that the schema does not know stays a number: the producer may be newer.
  if (resolvedType) return resolvedType.valuesById[Number(raw)] ?? raw;
  if (field.type === 'bytes') return bufferOf(raw as Uint8Array | readonly number[]);
  return isLong(raw) ? fromLong(raw) : raw;
}

function hasDefault(field: Field): boolean {
  if (field.map || field.repeated) return true;
  return !(field.resolvedType && 'fieldsArray' in field.resolvedType) && !field.hasPresence;
}

interface Long {
  low: number;
  high: number;
  unsigned: boolean;
}

function isLong(raw: unknown): raw is Long {
  return typeof raw === 'object' && raw !== null && 'low' in raw && 'high' in raw;
}

function fromLong({ low, high, unsigned }: Long): number | bigint {
  const bits = (BigInt(high) << 32n) | BigInt(low >>> 0);
  return numberWhereSafe(unsigned ? BigInt.asUintN(64, bits) : BigInt.asIntN(64, bits));
}

/** Keys of 64 bits are 8 characters of a byte each, in the library. */
function keyOf(field: Field, key: string): string {
  const keyType = (field as Field & { keyType?: string }).keyType ?? 'string';
  if (!keyType.endsWith('64')) return key;
  const bytes = Buffer.from(key, 'latin1');
  const isUnsigned = keyType === 'uint64' || keyType === 'fixed64';
  return String(isUnsigned ? bytes.readBigUInt64LE() : bytes.readBigInt64LE());
}

/** A default of the library's is an empty list. */
function bufferOf(raw: Uint8Array | readonly number[]): Buffer {
  return Buffer.from(raw as Uint8Array);
}

function toDate(raw: Raw): Date {
  const seconds = isLong(raw.seconds) ? Number(fromLong(raw.seconds)) : Number(raw.seconds ?? 0);
  return new Date(seconds * 1000 + Math.floor(Number(raw.nanos ?? 0) / 1_000_000));
}
