/** Values of bins: when one equals what a test wrote, and which ones a record can hold. */
import { isDeepStrictEqual, types } from 'node:util';

/**
 * Whether a value, at any depth, equals what a test wrote: whole numbers, bigints and doubles by value, bytes by
 * content, a Map like the object that it comes back as, GeoJSON by meaning; objects in part. Undefined: not as far as
 * is known here.
 */
export function same(actual: unknown, expected: unknown): true | undefined {
  return equal(actual, expected) || undefined;
}

function equal(actual: unknown, expected: unknown): boolean {
  if (isAsymmetric(expected)) return expected.asymmetricMatch(actual);
  const number = numeric(expected);
  if (number !== undefined) {
    const own = numeric(actual);
    // biome-ignore lint/suspicious/noDoubleEquals: 42 and 42n are equal, 0 and -0 too
    return own !== undefined && (own == number || (Number.isNaN(own) && Number.isNaN(number)));
  }
  if (types.isUint8Array(expected)) return types.isUint8Array(actual) && Buffer.compare(actual, expected) === 0;
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) && actual.length === expected.length && expected.every((item, i) => equal(actual[i], item))
    );
  }
  if (types.isMap(expected)) {
    if (!isObject(actual) || Object.keys(actual).length !== expected.size) return false;
    return Array.from(expected).every(([key, value]) => has(actual, String(key)) && equal(actual[String(key)], value));
  }
  if (isGeoJson(expected)) return typeof actual === 'string' && isDeepStrictEqual(parsed(actual), expected.value());
  if (isPlain(expected)) {
    return (
      isObject(actual) &&
      Object.entries(expected).every(([key, value]) => has(actual, key) && equal(actual[key], value))
    );
  }
  return isDeepStrictEqual(actual, expected);
}

/** Why a value cannot be written, with the path where it lies; undefined: it can. */
export function unwritable(value: unknown, path: string): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return undefined;
  if (typeof value === 'bigint') {
    return BigInt.asIntN(64, value) === value ? undefined : `\`${path}\` is larger than the 64 bits of an integer`;
  }
  if (numeric(value) !== undefined || types.isUint8Array(value) || isGeoJson(value)) return undefined;
  // The client would write an empty map for any of these.
  if (types.isDate(value))
    return `\`${path}\` is a Date, which Aerospike has not: write value.toISOString() or value.getTime()`;
  if (types.isSet(value)) return `\`${path}\` is a Set, which Aerospike has not: write a list, [...value]`;
  if (Array.isArray(value)) return first(value.map((item, i) => unwritable(item, `${path}[${i}]`)));
  if (types.isMap(value)) return first(Array.from(value, ([key, item]) => unwritable(item, `${path}.${String(key)}`)));
  if (isPlain(value)) return first(Object.entries(value).map(([key, item]) => unwritable(item, `${path}.${key}`)));
  return `\`${path}\` is ${value === undefined ? 'undefined' : `of a kind (${kindOf(value)}) that no bin can hold`}`;
}

function first(reasons: readonly (string | undefined)[]): string | undefined {
  return reasons.find((reason) => reason !== undefined);
}

function kindOf(value: unknown): string {
  return typeof value === 'object' ? (value?.constructor?.name ?? 'object') : typeof value;
}

/** The client's `Double` too: it says that a whole number is to be stored as one. */
function numeric(value: unknown): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  const double = isObject(value) && kindOf(value) === 'Double' ? value.Double : undefined;
  return typeof double === 'number' ? double : undefined;
}

function isGeoJson(value: unknown): value is { value(): unknown } {
  return isObject(value) && kindOf(value) === 'GeoJSON' && typeof value.value === 'function';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isAsymmetric(value: unknown): value is { asymmetricMatch(actual: unknown): boolean } {
  return isObject(value) && typeof value.asymmetricMatch === 'function';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** An object literal, of this realm or another. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function has(value: object, key: string): boolean {
  return Object.hasOwn(value, key);
}
