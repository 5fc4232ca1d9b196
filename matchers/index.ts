/** The seam between the matchers and a runner: called once a test file, by the runner's setup file. */
import { runtime } from '../bindings/core/runtime.ts';
import { type RawMatcher, rowMatcher } from './matcher.ts';
import { kindOf, misuse, optionsOf, partialRow } from './misuse.ts';
import { softOf } from './soft.ts';
import { rowCount } from './to-have-row-count.ts';
import { rowMatching } from './to-have-row-matching.ts';
import { rowsMatching } from './to-have-rows-matching.ts';
import type { MatcherName } from './types.ts';
import { waitForRow } from './wait-for.ts';

export type {
  AsymmetricLike,
  MatcherName,
  MatcherOptions,
  Matching,
  MatchingRow,
  QaMatchers,
  RowsOptions,
} from './types.ts';

/** The part of a runner's `expect` that is needed. */
export interface ExpectLike {
  (actual: unknown, message?: never): unknown;
  extend(matchers: Record<string, RawMatcher>): void;
}

/**
 * Adds the matchers to `expect`, gives sources their `waitFor`, and in Jest adds `expect.soft`.
 *
 * @throws QaError QA_NO_ENVIRONMENT where the file runs without our environment
 */
export function installMatchers({ expect }: { expect: ExpectLike }): void {
  const record = runtime();
  expect.extend(MATCHERS);
  record.waitFor = waitForRow;
  if (record.runner === 'jest') Object.assign(expect, { soft: softOf(expect) });
}

/** Every matcher; the type makes the list complete. */
export const MATCHERS = {
  toHaveRowMatching: rowMatcher('toHaveRowMatching', (observer, [expected, options], context) =>
    rowMatching(
      observer,
      partialRow(expected, 'toHaveRowMatching', 'the expected row'),
      optionsOf(options, 'toHaveRowMatching'),
      context,
    ),
  ),

  toHaveRowsMatching: rowMatcher('toHaveRowsMatching', (observer, [expected, options], context) => {
    const name = 'toHaveRowsMatching';
    if (!Array.isArray(expected)) {
      throw misuse(
        `${name}() takes a list of partial rows, but got ${kindOf(expected)}`,
        'Write `[{ column: value }, …]`; for one row use `toHaveRowMatching`',
      );
    }
    if (expected.length === 0) {
      throw misuse(`${name}() got an empty list, which is always true`, 'For "no rows" use `toHaveRowCount(0)`');
    }
    const partials = expected.map((partial, index) => partialRow(partial, name, `expected[${index}]`));
    const given = optionsOf(options, name, ['exactly', 'inOrder']);
    if (given.inOrder && !observer.ordered) {
      throw misuse(
        `${name}(): \`inOrder\` needs rows that have an order, which ${observer.label} has not`,
        "Use a query that orders them: `qa.db.rows('select … order by …')`",
      );
    }
    return rowsMatching(observer, partials, given, context);
  }),

  toHaveRowCount: rowMatcher('toHaveRowCount', (observer, [count, options]) => {
    if (typeof count !== 'number' || !Number.isInteger(count) || count < 0) {
      throw misuse(
        `toHaveRowCount() takes a whole number, 0 or more, but got ${kindOf(count)}`,
        'Write `toHaveRowCount(2)`',
      );
    }
    return rowCount(observer, count, optionsOf(options, 'toHaveRowCount'));
  }),
} satisfies Record<MatcherName, RawMatcher>;
