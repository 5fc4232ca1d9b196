/** Values of any type: collections, tuples, user-defined types and vectors, down to single values. */
import { scalar } from './scalars.ts';
import type { Type } from './type.ts';

/** What the driver has read, as a test sees it: lists, objects and plain values, no class of the driver. */
export function plain(type: Type, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (type.kind) {
    case 'scalar':
      return scalar(type.name).plain(value);
    case 'list':
    case 'set':
    case 'vector':
      return itemsOf(value).map((item) => plain(type.of, item));
    case 'tuple':
      return itemsOf(value).map((item, index) => plain(type.of[index]!, item));
    case 'map':
      return plainMap(type, value);
    case 'udt':
      return Object.fromEntries(
        type.fields.map(({ name, type: part }) => [name, plain(part, (value as Record<string, unknown>)[name])]),
      );
  }
}

/**
 * Whether a plain value equals what a test wrote. Objects are partial, lists and tuples go by order, sets do not.
 * undefined: an asymmetric matcher inside must be asked.
 */
export function same(type: Type, actual: unknown, expected: unknown): boolean {
  if (isAsymmetric(expected)) return expected.asymmetricMatch(actual);
  if (expected === undefined) return false;
  if (actual === null) return expected === null || isEmptyOf(type, expected);
  if (expected === null) return false;
  switch (type.kind) {
    case 'scalar': {
      const { canonical } = scalar(type.name);
      const wanted = canonical(expected);
      return wanted !== undefined && wanted === canonical(actual);
    }
    case 'list':
    case 'vector':
      return sameList(actual, expected, () => type.of);
    case 'tuple':
      return sameList(actual, expected, (index) => type.of[index]);
    case 'set':
      return sameSet(type.of, actual as unknown[], expected);
    case 'map':
      return sameMap(type, actual, expected);
    case 'udt':
      return (
        isObject(expected) &&
        Object.entries(expected).every(([name, wanted]) => {
          const field = type.fields.find((each) => each.name === name);
          return field !== undefined && same(field.type, (actual as Record<string, unknown>)[name] ?? null, wanted);
        })
      );
  }
}

/** `expect.any(…)` and its like, of any runner. */
export function isAsymmetric(value: unknown): value is { asymmetricMatch(actual: unknown): boolean } {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { asymmetricMatch?: unknown }).asymmetricMatch === 'function'
  );
}

/** Lists, sets, typed arrays, and the driver's tuples and vectors. */
export function itemsOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  const { elements } = value as { elements?: unknown };
  if (Array.isArray(elements)) return elements;
  return isIterable(value) ? [...value] : [];
}

type MapType = Extract<Type, { kind: 'map' }>;

/** The driver gives an object, whose keys are texts, or a Map. */
export function entriesOf(value: unknown): [unknown, unknown][] {
  return isIterable(value) ? [...(value as Map<unknown, unknown>)] : Object.entries(value as object);
}

/** An object where its keys are single values that have a text, else a Map. */
function plainMap({ key, value }: MapType, read: unknown): unknown {
  const entries = entriesOf(read).map(([k, v]) => [plainKey(key, k), plain(value, v)] as const);
  return hasTextKeys(key) ? Object.fromEntries(entries) : new Map(entries);
}

/** As an object's key a value of the driver is a text already. */
function plainKey(type: Type, key: unknown): unknown {
  if (!hasTextKeys(type)) return plain(type, key);
  if (type.kind !== 'scalar' || typeof key === 'string') return key;
  const value = plain(type, key);
  return value instanceof Date ? value.toISOString() : String(value);
}

function hasTextKeys(type: Type): boolean {
  return type.kind === 'scalar' && !['blob', 'boolean'].includes(type.name);
}

function sameMap({ key, value }: MapType, actual: unknown, expected: unknown): boolean {
  if (!isObject(expected)) return false;
  const found = entriesOf(actual);
  const wanted = entriesOf(expected);
  // A Map says all that is there, an object a part of it.
  if (isIterable(expected) && wanted.length !== found.length) return false;
  return wanted.every(([k, v]) => found.some(([fk, fv]) => sameKey(key, fk, k) && same(value, fv, v)));
}

/** Keys of objects are texts, also those of numbers and dates. */
function sameKey(type: Type, actual: unknown, expected: unknown): boolean {
  if (same(type, actual, expected)) return true;
  if (type.kind !== 'scalar' || typeof actual !== 'string' || isAsymmetric(expected)) return false;
  const { canonical } = scalar(type.name);
  const forms = (written: unknown) => canonical(written) ?? canonical(Number(written)) ?? canonical(String(written));
  const wanted = forms(expected);
  return wanted !== undefined && wanted === forms(actual);
}

function sameList(actual: unknown, expected: unknown, typeAt: (index: number) => Type | undefined): boolean {
  if (typeof expected !== 'object' || expected === null) return false;
  const [found, wanted] = [itemsOf(actual), itemsOf(expected)];
  const isList = Array.isArray(expected) || isIterable(expected) || 'elements' in expected;
  if (!isList || found.length !== wanted.length) return false;
  return wanted.every((item, index) => {
    const type = typeAt(index);
    return type !== undefined && same(type, found[index] ?? null, item);
  });
}

/** Each of the expected ones takes another of the found ones. */
function sameSet(type: Type, actual: readonly unknown[], expected: unknown): boolean {
  if (!Array.isArray(expected) && !isIterable(expected)) return false;
  const wanted = itemsOf(expected);
  const free = [...actual];
  if (wanted.length !== free.length) return false;
  // Plain ones first: an asymmetric matcher takes what they leave.
  const order = [...wanted.filter((item) => !isAsymmetric(item)), ...wanted.filter(isAsymmetric)];
  return order.every((item) => {
    const at = free.findIndex((each) => same(type, each, item));
    if (at >= 0) free.splice(at, 1);
    return at >= 0;
  });
}

/** Cassandra stores an empty collection that is not frozen as none. */
function isEmptyOf(type: Type, expected: unknown): boolean {
  if (type.kind !== 'list' && type.kind !== 'set' && type.kind !== 'map') return false;
  if (type.frozen || typeof expected !== 'object' || expected === null) return false;
  const isOfKind = type.kind === 'map' ? !Array.isArray(expected) : Array.isArray(expected) || isIterable(expected);
  return isOfKind && entriesOf(expected).length === 0;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
