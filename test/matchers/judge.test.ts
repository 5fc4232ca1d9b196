/** The pure parts: what matches, who is paired with whom, what a wait remembers. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { History } from '../../matchers/history.ts';
import { differences, judge } from '../../matchers/judge.ts';
import { pair, pairInOrder } from '../../matchers/pairing.ts';

const equals = {};
const matches = (row: Record<string, unknown>, partial: Record<string, unknown>) =>
  judge([row], partial, { equals }).pass;

test('partial means what toMatchObject means', () => {
  const value = fc.letrec((tie) => ({
    leaf: fc.oneof(
      fc.integer({ min: 0, max: 2 }),
      fc.constantFrom('a', 'b', null, true),
      fc.date({ min: new Date(0), max: new Date(2), noInvalidDate: true }),
    ),
    any: fc.oneof(
      { depthSize: 'small' },
      tie('leaf'),
      fc.array(tie('any'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('x', 'y'), tie('any'), { noNullPrototype: true }),
    ),
  })).any;
  const row = fc.dictionary(fc.constantFrom('p', 'q', 'r'), value, { noNullPrototype: true });
  fc.assert(
    fc.property(row, row, (actual, partial) => {
      let wanted = true;
      try {
        expect(actual).toMatchObject(partial);
      } catch {
        wanted = false;
      }
      expect(matches(actual, partial)).toBe(wanted);
    }),
    { numRuns: 2000 },
  );
});

test('asymmetric matchers at any depth, and an absent key never matches one', () => {
  const row = { id: 'o-1', meta: { tags: ['a', 'b'], at: new Date(0) } };
  expect(matches(row, { id: expect.stringMatching(/^o-/) })).toBe(true);
  expect(matches(row, { meta: { tags: [expect.any(String), 'b'], at: expect.any(Date) } })).toBe(true);
  expect(matches(row, { meta: expect.objectContaining({ tags: expect.arrayContaining(['b']) }) })).toBe(true);
  expect(matches(row, { meta: { tags: expect.not.arrayContaining(['b']) } })).toBe(false);
  expect(matches(row, { gone: expect.not.stringContaining('x') })).toBe(false);
  expect(matches(row, { id: { asymmetricMatch: (other: unknown) => other === 'o-1' } })).toBe(true);
});

test("a column's own equality goes before the generic one", () => {
  const column = (name: string, actual: unknown, expected: unknown) =>
    name === 'total' ? Number(actual) === Number(expected) : undefined;
  expect(differences({ total: '42.00', n: 1 }, { total: 42, n: 1 }, { column })).toEqual([]);
  expect(differences({ total: '42.00' }, { total: 43 }, { column })).toMatchObject([
    { path: 'total', actual: '42.00' },
  ]);
  expect(differences({ total: '42.00' }, { total: expect.any(String) }, { column })).toEqual([]);
});

test('the closest is the row with the fewest differing columns, the first of equals', () => {
  const rows = [
    { a: 1, b: 0, c: { d: 0, e: 0 } },
    { a: 1, b: 2, c: { d: 0, e: 0 } },
    { a: 0, b: 2, c: { d: 3, e: 4 } },
  ];
  const { pass, closest, diff } = judge(rows, { a: 1, b: 2, c: { d: 3, e: 4 } }, { equals });
  expect({ pass, closest }).toEqual({ pass: false, closest: rows[1] });
  expect(diff.map((d) => d.path)).toEqual(['c.d', 'c.e']);
});

test('each partial takes a row of its own, whatever the order', () => {
  const can = [new Set([0, 1]), new Set([0]), new Set([1, 2])];
  expect(pair(3, 3, (p, r) => can[p]!.has(r)).rowOf).toEqual([1, 0, 2]);
  expect(pair(2, 1, () => true)).toEqual({ rowOf: [0, undefined], unclaimed: [] });
  expect(pair(1, 3, (_, r) => r === 1)).toEqual({ rowOf: [1], unclaimed: [0, 2] });
});

test('a pairing is as large as any (against all permutations)', () => {
  const grid = fc.array(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), { minLength: 4, maxLength: 4 });
  const largest = (can: boolean[][], p: number, taken: number): number =>
    p === can.length
      ? 0
      : Math.max(
          largest(can, p + 1, taken),
          ...can[p]!.map((ok, r) => (ok && !(taken & (1 << r)) ? 1 + largest(can, p + 1, taken | (1 << r)) : 0)),
        );
  fc.assert(
    fc.property(grid, (can) => {
      const { rowOf } = pair(4, 4, (p, r) => can[p]![r]!);
      const found = rowOf.filter((r) => r !== undefined);
      expect(new Set(found).size).toBe(found.length);
      expect(rowOf.every((r, p) => r === undefined || can[p]![r])).toBe(true);
      expect(found.length).toBe(largest(can, 0, 0));
    }),
  );
});

test('in order: a subsequence', () => {
  const rows = ['a', 'b', 'a', 'c'];
  const wanted = (list: string[]) => pairInOrder(list.length, rows.length, (p, r) => list[p] === rows[r]);
  expect(wanted(['a', 'a', 'c'])).toEqual({ rowOf: [0, 2, 3], unclaimed: [1] });
  expect(wanted(['b', 'b']).rowOf).toEqual([1, undefined]);
  expect(wanted(['c', 'a']).rowOf).toEqual([3, undefined]);
});

test('a history keeps its ends, in bounded memory', () => {
  const history = new History();
  expect(history.lines()).toEqual([]);
  for (let n = 0; n < 1000; n += 1) history.note(n * 10, `state ${Math.floor(n / 10)}`);
  expect(history.lines()).toEqual([
    'state 0 until 100 ms',
    'state 1 from 100 ms',
    'state 2 from 200 ms',
    'state 3 from 300 ms',
    '(92 more changes)',
    'state 96 from 9.6 s',
    'state 97 from 9.7 s',
    'state 98 from 9.8 s',
    'state 99 since 9.9 s',
  ]);
});
