/** A value that does not fit its schema: where, what was wanted, what was there. */
import { inspect, types } from 'node:util';

export class Mismatch extends Error {
  /** `value.items[2].price` */
  readonly path: string;
  readonly expected: string;

  constructor(path: string, expected: string, got: unknown, hint?: string) {
    super(`${path}: expected ${expected}, got ${show(got)}${hint ? `. ${hint}` : ''}`);
    this.path = path;
    this.expected = expected;
  }
}

/** A property that the schema does not have: mostly a slip of the pen, and lost if it were let through. */
export function unknownField(path: string, holder: string, hint: string): Mismatch {
  const mismatch = new Mismatch(path, `a field of ${holder}`, undefined);
  mismatch.message = `${path}: ${holder} has no such field. ${hint}`;
  return mismatch;
}

/** Path of a property or an item: `value.items[2]`, `value['a b']`. */
export function at(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `${path}.${key}` : `${path}[${inspect(key)}]`;
}

/** A value in few words. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string' && value.length > 60)
    return `${inspect(value.slice(0, 60))}… (${value.length} characters)`;
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? 'an invalid Date' : `the Date ${value.toISOString()}`;
  if (types.isUint8Array(value)) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'function') return 'a function';
  return inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 60 });
}

/** An object whose properties are data: no list, bytes, Date or Map. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !(types.isDate(value) || types.isUint8Array(value) || types.isMap(value) || types.isSet(value));
}
