/** Whether an entry is as expected, and where it is not: pure, without waiting. */
import { inspect } from 'node:util';
import type { Bounds, Entry, EntryConditions } from '../bindings/core/entries.ts';
import { type Difference, differences, type Equality, isAsymmetric, isPlainObject } from './judge.ts';
import { pair } from './pairing.ts';
import { printCount, printMs } from './print.ts';

export interface EntryVerdict {
  pass: boolean;
  /** Where the value differs, and what else is not as asked for. */
  diff: Difference[];
  /** Of values without an order: expected items that are not there. */
  missing: unknown[];
  /** … and those that are there, but not expected. */
  unexpected: unknown[];
}

export function judgeEntry(
  entry: Entry,
  expected: unknown,
  { ttl, generation }: Pick<EntryConditions, 'ttl' | 'generation'>,
  equality: Equality,
): EntryVerdict {
  const items = itemsOf(expected);
  const value = items !== undefined && entry.list !== undefined ? entry.list : entry.value;
  const sets = entry.unordered && items !== undefined && Array.isArray(value) && compareSets(value, items, equality);
  const { missing, unexpected } = sets || { missing: [], unexpected: [] };
  const diff = [
    ...(sets ? [] : valueDifferences(entry, value, items ?? expected, equality)),
    ...(ttl === undefined ? [] : ttlDifference(entry.ttl, ttl)),
    ...(generation === undefined ? [] : generationDifference(entry.generation, generation)),
  ];
  return { pass: diff.length + missing.length + unexpected.length === 0, diff, missing, unexpected };
}

/** A list or a Set of expected items. */
function itemsOf(expected: unknown): readonly unknown[] | undefined {
  if (Array.isArray(expected)) return expected;
  return Object.prototype.toString.call(expected) === '[object Set]' ? [...(expected as Set<unknown>)] : undefined;
}

function valueDifferences(entry: Entry, value: unknown, expected: unknown, equality: Equality): Difference[] {
  if (isPlainObject(expected) && isPlainObject(value)) return differences(value, expected, equality);
  const found = differences({ value }, { value: expected }, equality);
  const other = isAsymmetric(expected) && found.length > 0 ? entry.list : undefined;
  return other === undefined ? found : differences({ value: other }, { value: expected }, equality);
}

function compareSets(value: readonly unknown[], items: readonly unknown[], equality: Equality) {
  const matches = (p: number, r: number) => differences({ item: value[r] }, { item: items[p] }, equality).length === 0;
  const { rowOf, unclaimed } = pair(items.length, value.length, matches);
  return {
    missing: items.filter((_, index) => rowOf[index] === undefined),
    unexpected: unclaimed.map((index) => value[index]),
  };
}

function ttlDifference(ttl: number | null | undefined, wanted: Bounds | 'none'): Difference[] {
  const actual = said(ttl == null ? 'it never expires' : `expires in ${printMs(ttl)}`);
  if (wanted === 'none') return ttl == null ? [] : [fact('ttl', said('none: it never expires'), actual)];
  const isWithin = ttl == null ? wanted.atMost === undefined : within(ttl, wanted);
  return isWithin ? [] : [fact('ttl', said(bounds(wanted, printMs)), actual)];
}

function generationDifference(generation: number | undefined, wanted: number | Bounds): Difference[] {
  const limits = typeof wanted === 'number' ? { atLeast: wanted, atMost: wanted } : wanted;
  if (generation !== undefined && within(generation, limits)) return [];
  const text = typeof wanted === 'number' ? printCount(wanted) : bounds(wanted, printCount);
  return [fact('generation', said(text), said(generation === undefined ? 'not known' : printCount(generation)))];
}

export function within(value: number, { atLeast = 0, atMost = Number.POSITIVE_INFINITY }: Bounds): boolean {
  return value >= atLeast && value <= atMost;
}

export function bounds({ atLeast, atMost }: Bounds, print: (value: number) => string): string {
  return [
    ...(atLeast === undefined ? [] : [`at least ${print(atLeast)}`]),
    ...(atMost === undefined ? [] : [`at most ${print(atMost)}`]),
  ].join(', ');
}

function fact(name: string, expected: unknown, actual: unknown): Difference {
  return { path: name, column: name, expected, actual };
}

/** Prints as the text itself, without quotes. */
class Said {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  [inspect.custom](): string {
    return this.#text;
  }
}

function said(text: string): Said {
  return new Said(text);
}
