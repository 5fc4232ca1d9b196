/** `expect(source).toHaveRowCount(2)`: the source has so many rows. */
import type { RowObserver } from '../bindings/core/source.ts';
import type { Expectation, Report, ReportContext } from './expectation.ts';
import { rowLine } from './nearest.ts';
import { plural, printCount } from './print.ts';
import type { MatcherOptions } from './types.ts';

/** A failure counts on up to here; beyond it says "at least". */
const COUNTED = 100_000;
/** Rows shown, when so few are there that they help. */
const SHOWN = 5;

export function rowCount(observer: RowObserver, wanted: number, options: MatcherOptions): Expectation<number> {
  return {
    matcher: 'toHaveRowCount',
    args: String(wanted),
    observer,
    options,
    partials: [],
    async look(signal) {
      // One more than wanted tells all there is to know.
      const count = await observer.count({ signal, atMost: wanted + 1 });
      const state =
        count > wanted ? `more than ${plural(wanted, 'row')}` : count === 0 ? 'no rows' : plural(count, 'row');
      return { pass: count === wanted, seen: count, state };
    },
    report,
  };

  async function report({ isNot, paint, signal }: ReportContext<number>): Promise<Report> {
    const count = await observer.count({ signal, atMost: Math.max(COUNTED, wanted + 1) });
    const floor = count >= COUNTED && count > wanted ? 'at least ' : '';
    const lines: string[] = [];
    if (count > 0) {
      const { rows } = await observer.find({}, { limit: SHOWN, signal });
      lines.push(...rows.map((row) => paint.received(rowLine(row))));
      if (count > rows.length) lines.push(paint.dim(`… and ${floor}${printCount(count - rows.length)} more`));
    }
    const found = count === wanted ? `${plural(count, 'row')} by now, but not in time` : floor + plural(count, 'row');
    const headline = isNot
      ? `Expected another number than ${paint.expected(printCount(wanted))}`
      : `Expected ${paint.expected(plural(wanted, 'row'))}, found ${paint.received(found)}`;
    return { headline, sections: [{ label: 'Saw', lines }], actual: count, expected: wanted };
  }
}
