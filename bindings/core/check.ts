/**
 * Checks options and gives them their types: each check tells in words what it expects, so that a wrong value
 * ends in one sentence with path and expectation. Values are never printed: they may be secrets.
 */
import { QaError } from './errors.ts';
import { didYouMean } from './suggest.ts';

export interface Check<T> {
  (value: unknown, path: string): T;
  /** What it takes, in words: `a whole number from 1`. */
  readonly expected: string;
  readonly optional?: boolean;
}

export interface OptionalCheck<T> extends Check<T | undefined> {
  readonly optional: true;
}

type Shape = Readonly<Record<string, Check<unknown>>>;
type OptionalKeys<S extends Shape> = { [K in keyof S]: S[K] extends OptionalCheck<unknown> ? K : never }[keyof S];
export type Checked<C> = C extends Check<infer T> ? T : never;
export type CheckedShape<S extends Shape> = { [K in Exclude<keyof S, OptionalKeys<S>>]: Checked<S[K]> } & {
  [K in OptionalKeys<S>]?: Exclude<Checked<S[K]>, undefined>;
};

export const string: Check<string> = check('a string', (value) => typeof value === 'string');
export const nonEmpty: Check<string> = check(
  'a non-empty string',
  (value) => typeof value === 'string' && value !== '',
);
export const boolean: Check<boolean> = check('true or false', (value) => typeof value === 'boolean');
export const anyFunction: Check<(...args: never[]) => unknown> = check(
  'a function',
  (value) => typeof value === 'function',
);

/** A whole number in a range, both ends included. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Check<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  return check(
    `a whole number ${range}`,
    (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  );
}

/** Milliseconds; the upper end is what a timer can hold. */
export function milliseconds(min = 0): Check<number> {
  return check(
    `a number of milliseconds from ${min}`,
    (value) => typeof value === 'number' && value >= min && value <= 2 ** 31 - 1,
  );
}

/** One of some words; a near miss is named. */
export function oneOf<const W extends string>(...words: W[]): Check<W> {
  const expected = words.map((word) => `'${word}'`).join(' or ');
  return named(expected, (value, path) => {
    if (words.includes(value as W)) return value as W;
    throw wrong(path, expected, value, typeof value === 'string' ? didYouMean(value, words) : undefined);
  });
}

/** Whatever `guard` accepts. */
export function check<T>(expected: string, guard: (value: unknown) => boolean): Check<T> {
  return named(expected, (value, path) => {
    if (guard(value)) return value as T;
    throw wrong(path, expected, value);
  });
}

/** The key may be missing or undefined. */
export function optional<T>(of: Check<T>): OptionalCheck<T> {
  const result = (value: unknown, path: string) => (value === undefined ? undefined : of(value, path));
  return Object.assign(result, { expected: of.expected, optional: true as const });
}

export function list<T>(of: Check<T>): Check<T[]> {
  const expected = `a list, each item ${of.expected}`;
  return named(expected, (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, expected, value);
    return value.map((item, i) => of(item, `${path}[${i}]`));
  });
}

/** An object with free keys. */
export function record<T>(of: Check<T>): Check<Record<string, T>> {
  const expected = 'an object';
  return named(expected, (value, path) => {
    if (!isObject(value)) throw wrong(path, expected, value);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, of(item, `${path}.${key}`)]));
  });
}

/** The first check that accepts wins; an object is judged by the last one that takes objects, to name its key. */
export function either<A, B>(a: Check<A>, b: Check<B>): Check<A | B> {
  const expected = `${a.expected} or ${b.expected}`;
  return named(expected, (value, path) => {
    try {
      return a(value, path);
    } catch (error) {
      if (isObject(value) && b.expected.startsWith('an object')) return b(value, path);
      if (isObject(value) && a.expected.startsWith('an object')) throw error;
      try {
        return b(value, path);
      } catch {
        throw wrong(path, expected, value);
      }
    }
  });
}

/** An object with these keys and no other; keys that are undefined are left out. */
export function object<S extends Shape>(shape: S): Check<CheckedShape<S>> {
  const known = Object.keys(shape);
  const expected = `an object with ${known.map((key) => `\`${key}\``).join(', ')}`;
  return named(expected, (value, path) => {
    if (!isObject(value)) throw wrong(path, 'an object', value);
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue;
      throw new QaError('QA_CONFIG', { what: `\`${path}.${key}\` is not an option`, mend: didYouMean(key, known) });
    }
    const entries = known.flatMap((key) => {
      const item = shape[key]!;
      const given = value[key];
      if (given === undefined && item.optional) return [];
      if (given === undefined) {
        throw new QaError('QA_CONFIG', { what: `\`${path}.${key}\` is missing`, mend: `Give ${item.expected}` });
      }
      return [[key, item(given, `${path}.${key}`)]];
    });
    return Object.fromEntries(entries) as CheckedShape<S>;
  });
}

function named<T>(expected: string, run: (value: unknown, path: string) => T): Check<T> {
  return Object.assign((value: unknown, path: string) => run(value, path), { expected });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(path: string, expected: string, value: unknown, hint?: string): QaError {
  return new QaError('QA_CONFIG', {
    what: `\`${path}\` is ${kindOf(value)}, but must be ${expected}.${hint ? ` ${hint}` : ''}`,
    mend: `Give ${expected}`,
  });
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  if (value === '') return 'an empty string';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return `${value}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
