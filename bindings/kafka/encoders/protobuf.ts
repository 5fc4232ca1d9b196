/** Values to Protobuf: checked field by field, so that a failure names its path and nothing is dropped in silence. */
import { types } from 'node:util';
import type { Enum, Field, Type } from 'protobufjs';
import { didYouMean } from '../../core/suggest.ts';
import { at, isPlainObject, Mismatch, unknownField } from '../mismatch.ts';
import { toInt64 } from './plain.ts';

/** Messages that stand for one value, by full name. */
export const WRAPPERS = /^\.google\.protobuf\.(Double|Float|U?Int64|U?Int32|Bool|String|Bytes)Value$/;
export const TIMESTAMP = '.google.protobuf.Timestamp';

/**
 * The value as protobufjs encodes it.
 *
 * @throws Mismatch
 */
export function toProto(type: Type, value: unknown, path: string): object {
  if (type.fullName === TIMESTAMP && (types.isDate(value) || typeof value === 'string'))
    return toTimestamp(value, path);
  if (WRAPPERS.test(type.fullName)) return { value: toItem(type.fields.value!, value, path) };
  const name = type.fullName.slice(1);
  if (!isPlainObject(value)) throw new Mismatch(path, `message ${name}`, value);
  const known = new Map(type.fieldsArray.map((field) => [field.name, field]));
  const raw: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const field = known.get(key);
    if (!field) throw unknownField(at(path, key), `message ${name}`, didYouMean(key, [...known.keys()]));
    // Protobuf has no null: a field that is null is not there.
    if (item !== null) raw[key] = toField(field, item, at(path, key));
  }
  for (const field of type.fieldsArray) {
    if (field.required && raw[field.name] === undefined)
      throw new Mismatch(at(path, field.name), typeName(field), undefined);
  }
  for (const { name: oneof, oneof: members } of type.oneofsArray) {
    const set = members.filter((member) => raw[member] !== undefined);
    if (set.length > 1) throw new Mismatch(path, `one of \`${oneof}\` at most`, set.join(' and '));
  }
  return raw;
}

function toField(field: Field, value: unknown, path: string): unknown {
  field.resolve();
  if (field.map) {
    const entries = types.isMap(value) ? [...value] : isPlainObject(value) ? Object.entries(value) : undefined;
    if (!entries) throw new Mismatch(path, 'map', value);
    return Object.fromEntries(entries.map(([key, item]) => [String(key), toItem(field, item, at(path, String(key)))]));
  }
  if (field.repeated) {
    if (!Array.isArray(value)) throw new Mismatch(path, `list of ${typeName(field)}`, value);
    return value.map((item, i) => toItem(field, item, at(path, i)));
  }
  return toItem(field, value, path);
}

function toItem(field: Field, value: unknown, path: string): unknown {
  field.resolve();
  const { resolvedType } = field;
  if (resolvedType && 'fieldsArray' in resolvedType) return toProto(resolvedType, value, path);
  if (resolvedType) return toEnum(resolvedType, value, path);
  const raw = toScalar(field.type, value);
  if (raw === undefined) throw new Mismatch(path, typeName(field), value);
  return raw;
}

function toScalar(type: string, value: unknown): unknown {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'bool':
      return typeof value === 'boolean' ? value : undefined;
    case 'bytes':
      return types.isUint8Array(value) ? value : undefined;
    case 'float':
    case 'double':
      return typeof value === 'number' ? value : undefined;
    case 'int32':
    case 'sint32':
    case 'sfixed32':
      return isWhole(value, -(2 ** 31), 2 ** 31 - 1) ? Number(value) : undefined;
    case 'uint32':
    case 'fixed32':
      return isWhole(value, 0, 2 ** 32 - 1) ? Number(value) : undefined;
    default:
      return toLong(value, type === 'uint64' || type === 'fixed64');
  }
}

/** The halves of a 64-bit integer, which the library takes for its own Long. */
function toLong(value: unknown, unsigned: boolean): object | undefined {
  const whole = unsigned ? toUint64(value) : toInt64(value);
  if (whole === undefined) return undefined;
  return { low: Number(BigInt.asIntN(32, whole)), high: Number(BigInt.asIntN(32, whole >> 32n)), unsigned };
}

function toUint64(value: unknown): bigint | undefined {
  const whole = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  return typeof whole === 'bigint' && BigInt.asUintN(64, whole) === whole ? whole : undefined;
}

function isWhole(value: unknown, min: number, max: number): boolean {
  const isInteger = typeof value === 'bigint' || Number.isInteger(value);
  return isInteger && Number(value) >= min && Number(value) <= max;
}

function toEnum(type: Enum, value: unknown, path: string): number {
  if (typeof value === 'string' && Object.hasOwn(type.values, value)) return type.values[value]!;
  if (isWhole(value, -(2 ** 31), 2 ** 31 - 1)) return Number(value);
  const known = Object.keys(type.values);
  const hint = typeof value === 'string' ? didYouMean(value, known) : `Known: ${known.join(', ')}`;
  throw new Mismatch(path, `enum ${type.fullName.slice(1)}`, value, hint);
}

function toTimestamp(value: Date | string, path: string): object {
  const at = types.isDate(value) ? value.getTime() : Date.parse(value);
  if (Number.isNaN(at)) throw new Mismatch(path, 'a Date (or its ISO text)', value);
  const seconds = Math.floor(at / 1000);
  return { seconds: toLong(seconds, false), nanos: (at - seconds * 1000) * 1_000_000 };
}

function typeName({ resolvedType, type }: Field): string {
  return resolvedType ? resolvedType.fullName.slice(1) : type;
}
