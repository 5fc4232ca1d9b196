/** The seam between the matchers and a runner: called once a test file, by the runner's setup file. */
import { runtime } from '../bindings/core/runtime.ts';
import { entryMatcher, messageMatcher, type RawMatcher, rowMatcher, secretMatcher } from './matcher.ts';
import { kindOf, misuse, optionsOf, partialRow } from './misuse.ts';
import { entryOptions, expectedEntry } from './misuse-entries.ts';
import { messageOptions, partialMessage } from './misuse-messages.ts';
import { expectedSecret } from './misuse-secrets.ts';
import { type PolledExpect, type PollSetup, pollOf } from './poll.ts';
import { softOf } from './soft.ts';
import { entryMatching } from './to-have-entry.ts';
import { rowCount } from './to-have-row-count.ts';
import { rowMatching } from './to-have-row-matching.ts';
import { rowsMatching } from './to-have-rows-matching.ts';
import { secretMatching } from './to-have-secret.ts';
import { messageMatching } from './to-receive-message.ts';
import { messagesMatching } from './to-receive-messages.ts';
import type { MatcherName } from './types.ts';
import { waitForRow } from './wait-for.ts';

export type { PollSetup } from './poll.ts';
export type { PollOptions } from './poll-options.ts';
export type {
  AsymmetricLike,
  EntryMatchers,
  EntryOptions,
  MatcherName,
  MatcherOptions,
  Matching,
  MatchingEntry,
  MatchingRow,
  MessageMatchers,
  MessageOptions,
  MessagesOptions,
  QaMatchers,
  RowsOptions,
  SecretMatchers,
  SecretOptions,
} from './types.ts';

/** The part of a runner's `expect` that is needed. */
export interface ExpectLike {
  (actual: unknown, message?: never): unknown;
  extend(matchers: Record<string, RawMatcher>): void;
}

/**
 * Adds the matchers to `expect`, gives sources their `waitFor`, adds `expect.poll`, and in Jest `expect.soft`.
 *
 * @throws QaError QA_NO_ENVIRONMENT where the file runs without our environment
 */
export function installMatchers({ expect, poll = {} }: { expect: ExpectLike; poll?: PollSetup }): void {
  const record = runtime();
  expect.extend(MATCHERS);
  record.waitFor = waitForRow;
  if (record.runner === 'jest') Object.assign(expect, { soft: softOf(expect) });
  installPoll(expect, poll);
}

/** Gives an `expect` its `poll`, and its `soft` one too. */
export function installPoll(expect: ExpectLike, setup: PollSetup): void {
  const { soft } = expect as unknown as { soft?: object };
  Object.assign(expect, { poll: pollOf(expect as unknown as PolledExpect, setup) });
  if (soft) Object.assign(soft, { poll: pollOf(expect as unknown as PolledExpect, setup, true) });
}

/** One message, by either name. */
function oneMessage(name: MatcherName): RawMatcher {
  return messageMatcher(name, (observer, [expected, options], context) => {
    const partial = partialMessage(observer, expected, name, `the expected ${observer.noun}`);
    return messageMatching(observer, partial, messageOptions(options, name, context), context, name);
  });
}

/** Several messages, by either name. */
function manyMessages(name: MatcherName): RawMatcher {
  return messageMatcher(name, (observer, [expected, options], context) => {
    const partials = listOf(expected, name, {
      write: "[{ key: '…' }, …]",
      single: name.slice(0, -1),
      none: `no ${observer.noun}s`,
      noneMend: `\`.not.${name.slice(0, -1)}(…)\``,
    }).map((partial, index) => partialMessage(observer, partial, name, `expected[${index}]`));
    const { isNot } = context;
    const given = messageOptions(options, name, { switches: ['exactly', 'inOrder'], isNot });
    return messagesMatching(observer, partials, given, context, name);
  });
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
    const partials = listOf(expected, name, {
      write: '[{ column: value }, …]',
      single: 'toHaveRowMatching',
      none: 'no rows',
      noneMend: '`toHaveRowCount(0)`',
    }).map((partial, index) => partialRow(partial, name, `expected[${index}]`));
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

  toHaveEntry: entryMatcher('toHaveEntry', (observer, [expected, options], context) =>
    entryMatching(
      observer,
      expectedEntry(observer, expected, 'toHaveEntry'),
      entryOptions(observer, options, 'toHaveEntry'),
      context,
    ),
  ),

  toHaveSecret: secretMatcher('toHaveSecret', (observer, [expected, options], context) =>
    secretMatching(
      observer,
      expectedSecret(observer, expected, 'toHaveSecret'),
      optionsOf(options, 'toHaveSecret', ['exactly']),
      context,
    ),
  ),

  toReceiveMessage: oneMessage('toReceiveMessage'),
  toReceiveMessages: manyMessages('toReceiveMessages'),
  toReceiveKafkaMessage: oneMessage('toReceiveKafkaMessage'),
  toReceiveKafkaMessages: manyMessages('toReceiveKafkaMessages'),
} satisfies Record<MatcherName, RawMatcher>;

function listOf(
  expected: unknown,
  name: MatcherName,
  { write, single, none, noneMend }: { write: string; single: string; none: string; noneMend: string },
): unknown[] {
  if (!Array.isArray(expected)) {
    const what = none.replace('no ', 'partial ');
    throw misuse(
      `${name}() takes a list of ${what}, but got ${kindOf(expected)}`,
      `Write \`${write}\`; for one ${none.slice(3, -1)} use \`${single}\``,
    );
  }
  if (expected.length > 0) return expected;
  throw misuse(`${name}() got an empty list, which is always true`, `For "${none}" use ${noneMend}`);
}
