/** `expect(source).toHaveRowMatching({ id: 'o-1' })`: some row matches the partial. */
import type { Expected, RowObserver, Values } from '../bindings/core/source.ts';
import type { Expectation, Report, ReportContext } from './expectation.ts';
import { finder } from './finder.ts';
import { differences, type Equality, type Verdict } from './judge.ts';
import { closestOf, closestSection, nearState, rejections, rowLine } from './nearest.ts';
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
  const find = finder(observer, expected, accept);
  return {
    matcher,
    get args() {
      return print(expected, 300);
    },
    observer,
    options,
    partials: [expected],

    async look(signal) {
      const { rows, more } = await find(isNot ? COUNTED : 1, signal);
      const pass = rows.length > 0;
      if (!isNot) return { pass, seen: rows[0] };
      const count = `${more ? 'at least ' : ''}${plural(rows.length, 'row matches', 'rows match')}`;
      return { pass, seen: rows[0], state: count };
    },

    async sample(signal) {
      const explained = await observer.explain(expected, { limit: 3, signal });
      return nearState(explained, closestOf(explained, expected, equality), expected);
    },

    report: (context) => (isNot ? stillThere(context) : missing(context)),
  };

  async function missing({ paint, signal }: ReportContext<unknown>): Promise<Report> {
    const explained = await observer.explain(expected, { limit: NEAREST, signal });
    const verdict = closestOf(explained, expected, equality);
    return {
      headline: verdict.pass ? 'No row matched in time; one does by now' : 'No row matched',
      sections: [
        { label: 'Saw', lines: rejections(explained, expected, equality) },
        ...closestSection(verdict, expected, paint, { isOnly: explained.total === 1 }),
      ],
      actual: verdict.closest,
      expected,
      lookFor: alike(verdict, expected),
    };
  }

  async function stillThere({ paint, signal }: ReportContext<unknown>): Promise<Report> {
    const { rows, more } = await find(COUNTED, signal);
    const lines = rows.slice(0, 3).map((row) => paint.received(rowLine(row, expected)));
    if (rows.length > 3) lines.push(paint.dim(`… and ${more ? 'at least ' : ''}${rows.length - 3} more`));
    const count = `${more ? 'At least ' : ''}${plural(rows.length, 'row still matches', 'rows still match')}`;
    return {
      headline: rows.length === 0 ? 'A row matched until the time was up; by now none does' : count,
      sections: [{ label: 'Saw', lines }],
      actual: rows[0],
      expected,
      lookFor: expected,
    };
  }
}

/** The columns in which the closest row is as expected: who looks for those finds it. */
function alike({ diff }: Verdict, expected: Expected): Expected {
  const differing = new Set(diff.map(({ column }) => column));
  return Object.fromEntries(Object.entries(expected).filter(([column]) => !differing.has(column)));
}
