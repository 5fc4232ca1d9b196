/**
 * Turns a function that prepares an expectation into a matcher for `expect.extend`: checks misuse at once, waits,
 * and reports softly or hard.
 */
import type { Tester } from '@jest/expect-utils';
import type { EntryObserver } from '../bindings/core/entries.ts';
import { isQaError } from '../bindings/core/errors.ts';
import type { MessageObserver } from '../bindings/core/messages.ts';
import { type Running, runtime } from '../bindings/core/runtime.ts';
import type { SecretObserver } from '../bindings/core/secrets.ts';
import type { RowObserver } from '../bindings/core/source.ts';
import { callsite, framed } from './callsite.ts';
import type { Expectation, MatcherContext } from './expectation.ts';
import { tracked } from './handled.ts';
import type { Equality } from './judge.ts';
import { type MessageExpectation, sourceEquality } from './message-expectation.ts';
import { rowsOf } from './misuse.ts';
import { entryOf } from './misuse-entries.ts';
import { messagesOf } from './misuse-messages.ts';
import { secretOf } from './misuse-secrets.ts';
import { paintOf, type RunnerUtils } from './paint.ts';
import { isPolled } from './polling.ts';
import { traced } from './traced.ts';
import type { MatcherName } from './types.ts';
import { type Outcome, type WaitContext, wait } from './wait.ts';
import { waitForMessages } from './wait-messages.ts';

/** What both runners give a matcher as `this`. */
export interface MatcherThis {
  readonly isNot?: boolean;
  readonly utils?: RunnerUtils;
  readonly customTesters?: readonly Tester[];
  /** Vitest: chai's assertion; carries the message of `expect(value, message)`. */
  readonly assertion?: { readonly __flags?: { readonly message?: unknown } };
}

export interface MatcherResult {
  pass: boolean;
  message: () => string;
  actual?: unknown;
  expected?: unknown;
}

export type RawMatcher = (this: MatcherThis, received: unknown, ...args: unknown[]) => PromiseLike<MatcherResult>;

/** What differs between kinds of sources: who observes, when values are equal, how one waits. */
interface Kind<Observer extends { readonly label: string }, Expects> {
  observerOf(received: unknown, matcher: string): Observer;
  equality(observer: Observer, testers: readonly Tester[]): Equality;
  wait(expectation: Expects, context: WaitContext): Promise<Outcome<unknown>>;
}

type Prepare<Observer, Expects> = (observer: Observer, args: readonly unknown[], context: MatcherContext) => Expects;

/** How often each runner derives a promise from a matcher's before the user gets it. */
const DERIVATIONS = { jest: 2, vitest: 1 } as const;

export function rowMatcher(name: MatcherName, prepare: Prepare<RowObserver, Expectation<unknown>>): RawMatcher {
  return matcherOf(ROWS, name, prepare);
}

export function entryMatcher(name: MatcherName, prepare: Prepare<EntryObserver, Expectation<unknown>>): RawMatcher {
  return matcherOf(ENTRIES, name, prepare);
}

export function messageMatcher(
  name: MatcherName,
  prepare: Prepare<MessageObserver, MessageExpectation<unknown>>,
): RawMatcher {
  return matcherOf(MESSAGES, name, prepare);
}

export function secretMatcher(name: MatcherName, prepare: Prepare<SecretObserver, Expectation<unknown>>): RawMatcher {
  return matcherOf(SECRETS, name, prepare);
}

const ROWS: Kind<RowObserver, Expectation<unknown>> = {
  observerOf: rowsOf,
  equality: (observer, testers) => ({
    column: (at, actual, expected) => observer.equal(at, actual, expected),
    testers,
  }),
  wait,
};

const ENTRIES: Kind<EntryObserver, Expectation<unknown>> = {
  observerOf: entryOf,
  equality: sourceEquality,
  wait,
};

const MESSAGES: Kind<MessageObserver, MessageExpectation<unknown>> = {
  observerOf: messagesOf,
  equality: sourceEquality,
  wait: waitForMessages,
};

const SECRETS: Kind<SecretObserver, Expectation<unknown>> = {
  observerOf: secretOf,
  equality: (_, testers) => ({ testers }),
  wait,
};

function matcherOf<
  Observer extends { readonly label: string },
  Expects extends { readonly args: string; readonly options: { readonly soft?: boolean } },
>(kind: Kind<Observer, Expects>, name: MatcherName, prepare: Prepare<Observer, Expects>): RawMatcher {
  return function matcher(this: MatcherThis, received, ...args) {
    const site = callsite(matcher);
    const { current, defaults, runner } = runtime();
    // Inside of `expect.poll` it is one look, whose failure is that of the try.
    const isTry = isPolled();
    const running = isTry ? undefined : current.call(runtime());
    const isNot = this.isNot === true;
    const paint = paintOf(this.utils);
    let observer: Observer;
    let expectation: Expects;
    try {
      observer = kind.observerOf(received, name);
      const equality = kind.equality(observer, this.customTesters ?? []);
      expectation = prepare(observer, args, { isNot, paint, equality });
    } catch (error) {
      // Thrown, not rejected: so it fails the test whether or not the call is awaited.
      throw isQaError(error) ? framed(error, site) : error;
    }
    const isSoft = running?.soft === true && (expectation.options.soft ?? defaults.soft);
    const { label: source } = observer;
    const waiting = { matcher: name, source, isNot, args: () => expectation.args };
    const pending = {
      label: `expect(${source})${isNot ? '.not' : ''}.${name}(…)`,
      error: undefined as Error | undefined,
      get stack() {
        return site.frames;
      },
    };
    const work = (async (): Promise<MatcherResult> => {
      let outcome: Outcome<unknown>;
      try {
        outcome = await traced(waiting, () => kind.wait(expectation, { isNot, running, paint, isTry }));
      } catch (error) {
        pending.error = error as Error;
        throw isQaError(error) ? framed(error, site) : error;
      }
      if (outcome.ok) return passing(isNot);
      const error = framed(failure(outcome, name, isNot, prefix(this)), site);
      if (isSoft) {
        (running as Running).fail(error);
        return passing(isNot);
      }
      pending.error = error;
      // Jest counts only what is returned as an assertion; Vitest would lose the frames of the call.
      if (runner === 'vitest') throw error;
      const { actual, expected } = outcome;
      return { pass: isNot, message: () => error.message, actual, expected };
    })();

    return tracked(work, { running, pending, derivations: DERIVATIONS[runner] });
  };
}

function passing(isNot: boolean): MatcherResult {
  return { pass: !isNot, message: () => '' };
}

function failure(
  { text, actual, expected, cause }: Outcome<unknown>,
  name: string,
  isNot: boolean,
  prefix: string,
): Error {
  const message = prefix + text;
  const error = new Error(message, cause === undefined ? undefined : { cause });
  const hidden = {
    matcherResult: { name, pass: isNot, message, actual, expected },
    // Vitest would print a second, longer diff below ours.
    showDiff: false,
  };
  for (const [key, value] of Object.entries(hidden)) {
    Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
  }
  return error;
}

/** `expect(value, 'after the retry')` in Vitest. */
function prefix({ assertion }: MatcherThis): string {
  const own = assertion?.__flags?.message;
  return typeof own === 'string' && own !== '' ? `${own}: ` : '';
}
