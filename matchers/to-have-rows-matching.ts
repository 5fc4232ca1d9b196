/** `expect(source).toHaveRowsMatching([{ sku: 'a' }, { sku: 'b' }])`: each partial matches a row of its own. */
import type { Expected, RowObserver, Values } from '../bindings/core/source.ts';
import type { Expectation } from './expectation.ts';
import { differences, type Equality } from './judge.ts';
import { type Pairing, pair, pairInOrder } from './pairing.ts';
import { plural, print } from './print.ts';
import { readFor } from './read-many.ts';
import { reportRows } from './report-rows.ts';
import type { RowsOptions } from './types.ts';

export interface SeenRows {
  rows: Values[];
  pairing: Pairing;
  /** Not all rows that could match were read. */
  isCapped: boolean;
}

export function rowsMatching(
  observer: RowObserver,
  partials: readonly Expected[],
  options: RowsOptions,
  { equality, isNot }: { equality: Equality; isNot: boolean },
): Expectation<SeenRows> {
  const { exactly = false, inOrder = false } = options;
  const read = readFor(observer, partials, { all: exactly, inOrder, equality });
  return {
    matcher: 'toHaveRowsMatching',
    get args() {
      return `${print(partials, 300)}${exactly || inOrder ? `, ${print({ ...(exactly && { exactly }), ...(inOrder && { inOrder }) })}` : ''}`;
    },
    observer,
    options,
    partials,
    async look(signal) {
      const { rows, isCapped } = await read(signal);
      const matches = (p: number, r: number) => differences(rows[r]!, partials[p]!, equality).length === 0;
      const pairing = (inOrder ? pairInOrder : pair)(partials.length, rows.length, matches);
      const found = pairing.rowOf.filter((row) => row !== undefined).length;
      const isAll = found === partials.length;
      const pass = isAll && (!exactly || (pairing.unclaimed.length === 0 && !isCapped));
      const extra =
        exactly && pairing.unclaimed.length > 0
          ? `, ${pairing.unclaimed.length}${isCapped ? ' or more' : ''} unexpected`
          : '';
      return {
        // With `.not`, what was not read could still match.
        pass: pass || (isNot && isCapped && !exactly && !isAll),
        seen: { rows, pairing, isCapped },
        state: `${found} of ${plural(partials.length, 'row')} found${extra}`,
      };
    },
    report: (context) =>
      reportRows(
        { noun: 'row', part: 'column', explain: (expected, how) => observer.explain(expected, how) },
        partials,
        { exactly, inOrder, equality },
        context,
      ),
  };
}
