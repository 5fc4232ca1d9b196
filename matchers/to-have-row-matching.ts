/** `expect(source).toHaveRowMatching({ id: 'o-1' })`: some row matches the partial. */
import type { Expected, RowObserver, Values } from '../bindings/core/source.ts';
import type { Expectation, Report, ReportContext } from './expectation.ts';
import { differences, type Equality, judge } from './judge.ts';
import { closestSection, nearState, rejections, rowLine } from './nearest.ts';
import { plural, print } from './print.ts';
import type { MatcherOptions } from './types.ts';

/** Rows near to the expected one that are read to explain a failure. */
const NEAREST = 20;
/** Matching rows that a failing `.not` counts. */
const COUNTED = 20;

/** What it sees is the row that matches. */
export function rowMatching(
  observer: RowObserver,
  expected: Expected,
  options: MatcherOptions,
  { equality, isNot }: { equality: Equality; isNot: boolean },
  matcher: 'toHaveRowMatching' | 'waitFor' = 'toHaveRowMatching',
): Expectation<Values | undefined> {
  const accept = (row: Values) => differences(row, expected, equality).length === 0;
  return {
    matcher,
    args: print(expected, 300),
    observer,
    options,
    partials: [expected],

    async look(signal) {
      const { rows, more } = await observer.find(expected, { limit: isNot ? COUNTED : 1, signal, accept });
      const pass = rows.length > 0;
      if (!isNot) return { pass, seen: rows[0] };
      const count = `${more ? 'at least ' : ''}${plural(rows.length, 'row matches', 'rows match')}`;
      return { pass, seen: rows[0], state: count };
    },

    async sample(signal) {
      const explained = await observer.explain(expected, { limit: 1, signal });
      return nearState(explained, judge(explained.rows, expected, { equals: equality }), expected);
    },

    report: (context) => (isNot ? stillThere(context) : missing(context)),
  };

  async function missing({ paint, signal }: ReportContext<unknown>): Promise<Report> {
    const explained = await observer.explain(expected, { limit: NEAREST, signal });
    const verdict = judge(explained.rows, expected, { equals: equality });
    return {
      headline: verdict.pass ? 'No row matched in time; one does by now' : 'No row matched',
      sections: [
        { label: 'Saw', lines: rejections(explained, expected, equality) },
        ...closestSection(verdict, expected, paint),
      ],
      actual: verdict.closest,
      expected,
    };
  }

  async function stillThere({ paint, signal }: ReportContext<unknown>): Promise<Report> {
    const { rows, more } = await observer.find(expected, { limit: COUNTED, signal, accept });
    const lines = rows.slice(0, 3).map((row) => paint.received(rowLine(row, expected)));
    if (rows.length > 3) lines.push(paint.dim(`… and ${more ? 'at least ' : ''}${rows.length - 3} more`));
    const count = `${more ? 'At least ' : ''}${plural(rows.length, 'row still matches', 'rows still match')}`;
    return {
      headline: rows.length === 0 ? 'A row matched until the time was up; by now none does' : count,
      sections: [{ label: 'Saw', lines }],
      actual: rows[0],
      expected,
    };
  }
}
