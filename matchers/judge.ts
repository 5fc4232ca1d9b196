/**
 * What a match is: pure, without waiting and without text. *Partial* means what `toMatchObject` means: objects
 * are partial at any depth, arrays match by length and element, asymmetric matchers work anywhere.
 */
import { iterableEquality, equals as jestEquals, subsetEquality, type Tester } from '@jest/expect-utils';
import type { Expected, Values } from '../bindings/core/source.ts';

export interface Equality {
  /** Whether a column equals what a test wrote; undefined: compare generically. */
  column?(column: string, actual: unknown, expected: unknown): boolean | undefined;
  /** The runner's custom equality testers. */
  testers?: readonly Tester[];
}

export interface Difference {
  /** `status`, `address.city`, `items[1].sku` */
  path: string;
  /** The column it lies in. */
  column: string;
  expected: unknown;
  /** ABSENT where there is no such key. */
  actual: unknown;
}

export const ABSENT: unique symbol = Symbol('absent');

export interface Verdict {
  pass: boolean;
  /** The first row that matches, else the one that differs least; undefined when there is none. */
  closest: Values | undefined;
  /** Where `closest` differs. */
  diff: Difference[];
}

export interface JudgeOptions {
  equals: Equality;
  /** How much it counts that a column differs. Default: 1. */
  weight?: (column: string) => number;
}

/** Judges rows against one partial. */
export function judge(
  observed: readonly Values[],
  expected: Expected,
  { equals, weight = () => 1 }: JudgeOptions,
): Verdict {
  let best: Verdict = { pass: false, closest: undefined, diff: [] };
  let least = Number.POSITIVE_INFINITY;
  for (const row of observed) {
    const diff = differences(row, expected, equals);
    if (diff.length === 0) return { pass: true, closest: row, diff };
    const distance = [...new Set(diff.map((d) => d.column))].reduce((sum, column) => sum + weight(column), 0);
    if (distance < least) {
      best = { pass: false, closest: row, diff };
      least = distance;
    }
  }
  return best;
}

/** Every place where `row` is not what `expected` says; none when it matches. */
export function differences(row: Values, expected: Expected, equality: Equality): Difference[] {
  return Object.entries(expected).flatMap(([column, wanted]) => {
    if (!Object.hasOwn(row, column)) return [{ path: column, column, expected: wanted, actual: ABSENT }];
    return fieldDifferences(column, row[column], wanted, equality);
  });
}

function fieldDifferences(column: string, actual: unknown, wanted: unknown, equality: Equality): Difference[] {
  const known = isAsymmetric(wanted) ? undefined : equality.column?.(column, actual, wanted);
  if (known === true) return [];
  const testers = [...(equality.testers ?? []), iterableEquality, subsetEquality] as Tester[];
  if (known === undefined && jestEquals(actual, wanted, testers)) return [];
  const whole = [{ path: column, column, expected: wanted, actual }];
  const parts = descend(column, actual, wanted, testers).map((part) => ({ ...part, column }));
  return parts.length > 0 ? parts : whole;
}

type Part = Omit<Difference, 'column'>;

/** The smallest differing parts of two values that are not equal. */
function descend(path: string, actual: unknown, wanted: unknown, testers: Tester[]): Part[] {
  const whole = [{ path, expected: wanted, actual }];
  if (Array.isArray(wanted)) {
    if (!Array.isArray(actual) || actual.length !== wanted.length) return whole;
    return wanted.flatMap((item, index) => inner(`${path}[${index}]`, actual[index], item, testers));
  }
  if (!isPlainObject(wanted) || !isPlainObject(actual)) return whole;
  return Object.entries(wanted).flatMap(([key, item]) => {
    const at = /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
    if (!Object.hasOwn(actual, key)) return [{ path: at, expected: item, actual: ABSENT }];
    return inner(at, actual[key], item, testers);
  });
}

function inner(path: string, actual: unknown, wanted: unknown, testers: Tester[]): Part[] {
  return jestEquals(actual, wanted, testers) ? [] : descend(path, actual, wanted, testers);
}

interface Asymmetric {
  asymmetricMatch(other: unknown): boolean;
  toAsymmetricMatcher?(): string;
}

/** Jest's, Vitest's and hand-written matchers (`expect.any(…)`), whichever copy made them. */
export function isAsymmetric(value: unknown): value is Asymmetric {
  return (
    typeof value === 'object' && value !== null && typeof (value as Partial<Asymmetric>).asymmetricMatch === 'function'
  );
}

/** An object literal, of this realm or another. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isAsymmetric(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
