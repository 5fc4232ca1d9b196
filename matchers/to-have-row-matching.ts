/** `expect(source).toHaveRowMatching({ id: 'o-1' })`: some row matches the partial. */
import type { Expected, Explained, RowObserver, Values } from '../bindings/core/source.ts';
import { candidates } from './candidates.ts';
import type { Expectation, Report, ReportContext } from './expectation.ts';
import { type Equality, judge } from './judge.ts';
import { closestSection, nearState, rejections, rowLine } from './nearest.ts';
import { plural, print } from './print.ts';
import type { MatcherOptions } from './types.ts';

interface Seen {
  row: Values | undefined;
  /** Rows that match, as far as they were read. */
  matching: number;
  /** More candidates are there than may be read: that none matches is not known. */
  isCapped: boolean;
}

/** Rows near to the expected one that are read to explain a failure. */
const NEAREST = 20;

export function rowMatching(
  observer: RowObserver,
  expected: Expected,
  options: MatcherOptions,
  { equality, isNot }: { equality: Equality; isNot: boolean },
  matcher: 'toHaveRowMatching' | 'waitFor' = 'toHaveRowMatching',
): Expectation<Seen> {
  const find = candidates(observer, (rows) => judge(rows, expected, { equals: equality }).pass);
  return {
    matcher,
    args: print(expected, 300),
    observer,
    options,
    partials: [expected],

    async look(signal) {
      const { rows, isCapped } = await find(expected, signal);
      const { pass, closest } = judge(rows, expected, { equals: equality });
      if (!isNot) return { pass, seen: { row: pass ? closest : undefined, matching: Number(pass), isCapped } };
      const matching = rows.filter((row) => judge([row], expected, { equals: equality }).pass).length;
      const state = `${plural(matching, 'row matches', 'rows match')}`;
      return { pass: pass || isCapped, seen: { row: closest, matching, isCapped: isCapped && !pass }, state };
    },

    async sample(signal) {
      const explained = await observer.explain(expected, { limit: 1, signal });
      return nearState(explained, judge(explained.rows, expected, { equals: equality }), expected);
    },

    report: (context) => (isNot ? stillThere(context) : missing(context)),
  };

  async function missing({ seen, paint, signal }: ReportContext<Seen>): Promise<Report> {
    const explained: Explained = await observer.explain(expected, { limit: NEAREST, signal });
    const verdict = judge(explained.rows, expected, { equals: equality });
    const late = verdict.pass ? ' in time; one does by now' : '';
    const capped = seen?.isCapped ? tooMany(NONE_READ) : [];
    return {
      headline: `No row matched${late}`,
      sections: [
        { label: 'Saw', lines: [...rejections(explained, expected, equality), ...capped] },
        ...closestSection(verdict, expected, paint),
      ],
      actual: verdict.closest,
      expected,
    };
  }

  async function stillThere({ seen, paint, signal }: ReportContext<Seen>): Promise<Report> {
    if (seen?.isCapped) {
      return {
        headline: 'It cannot be told that no row matches',
        sections: [{ label: 'Saw', lines: tooMany(NONE_READ) }],
      };
    }
    const { rows, more } = await observer.find(expected, { limit: NEAREST, signal });
    const matching = rows.filter((row) => judge([row], expected, { equals: equality }).pass);
    const lines = matching.slice(0, 3).map((row) => paint.received(rowLine(row, expected)));
    if (matching.length > 3) lines.push(paint.dim(`… and ${more ? 'at least ' : ''}${matching.length - 3} more`));
    const gone = matching.length === 0 ? ' in time; by now none does' : '';
    return {
      headline: gone
        ? `A row still matched${gone}`
        : `${plural(matching.length, 'row')}${more ? ' and more' : ''} still ${matching.length === 1 ? 'matches' : 'match'}`,
      sections: [{ label: 'Saw', lines: lines }],
      actual: matching[0],
      expected,
    };
  }
}

const NONE_READ = 'none of those read matches';

function tooMany(found: string): string[] {
  return [
    `(more rows than can be read fulfil what the server can compare; ${found}.`,
    ' Add a column with a plain value, so that the server can narrow them down)',
  ];
}
