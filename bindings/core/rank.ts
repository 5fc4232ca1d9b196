/** Rows nearest to an expectation first, and how many rows fulfil each of its parts. */
import type { Expected, Explained, Values } from './source.ts';

export function rank(
  rows: readonly Values[],
  expected: Expected,
  { equal, limit }: { equal(name: string, row: Values): boolean; limit: number },
): Pick<Explained, 'rows' | 'fulfilled'> {
  const names = Object.keys(expected);
  const hits = rows.map((row) => names.map((name) => equal(name, row)));
  const counts = names.map((_, index) => hits.filter((hit) => hit[index]).length);
  // A part that few rows fulfil tells more than one that many do: the right id before the right status.
  const weights = counts.map((count) => 0.1 + Math.log((rows.length + 1) / (count + 1)));
  const ranked = rows
    .map((row, at) => ({
      row,
      at,
      score: weights.reduce((sum, weight, index) => sum + (hits[at]![index] ? weight : 0), 0),
    }))
    .sort((a, b) => b.score - a.score || a.at - b.at);
  return {
    rows: ranked.slice(0, limit).map(({ row }) => row),
    fulfilled: Object.fromEntries(names.map((name, index) => [name, counts[index]!])),
  };
}
