/**
 * Turns a function that prepares an expectation into a matcher for `expect.extend`: checks misuse at once, waits,
 * and reports softly or hard.
 */
import type { Tester } from '@jest/expect-utils';
import { isQaError } from '../bindings/core/errors.ts';
import { type Running, runtime } from '../bindings/core/runtime.ts';
import type { RowObserver } from '../bindings/core/source.ts';
import { callsite, framed } from './callsite.ts';
import type { Expectation, MatcherContext } from './expectation.ts';
import { Handled } from './handled.ts';
import { rowsOf } from './misuse.ts';
import { paintOf, type RunnerUtils } from './paint.ts';
import type { MatcherName } from './types.ts';
import { type Outcome, wait } from './wait.ts';

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

type Prepare = (observer: RowObserver, args: readonly unknown[], context: MatcherContext) => Expectation<unknown>;

/** How often each runner derives a promise from a matcher's before the user gets it. */
const DERIVATIONS = { jest: 2, vitest: 1 } as const;

export function rowMatcher(name: MatcherName, prepare: Prepare): RawMatcher {
  return function matcher(this: MatcherThis, received, ...args) {
    const site = callsite(matcher);
    const { current, defaults, runner } = runtime();
    const running = current.call(runtime());
    const isNot = this.isNot === true;
    const paint = paintOf(this.utils);
    let observer: RowObserver;
    let expectation: Expectation<unknown>;
    try {
      observer = rowsOf(received, name);
      const column = (at: string, actual: unknown, expected: unknown) => observer.equal(at, actual, expected);
      expectation = prepare(observer, args, { isNot, paint, equality: { column, testers: this.customTesters ?? [] } });
    } catch (error) {
      // Thrown, not rejected: so it fails the test whether or not the call is awaited.
      throw isQaError(error) ? framed(error, site) : error;
    }
    const isSoft = running?.soft === true && (expectation.options.soft ?? defaults.soft);
    const pending = {
      label: `expect(${observer.label})${isNot ? '.not' : ''}.${name}(…)`,
      error: undefined as Error | undefined,
      get stack() {
        return site.frames;
      },
    };
    const settled = running?.track(pending);

    const work = (async (): Promise<MatcherResult> => {
      let outcome: Outcome<unknown>;
      try {
        outcome = await wait(expectation, { isNot, running, paint });
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

    const promise = Handled.of(work, DERIVATIONS[runner]);
    if (settled) {
      // A hard failure that nobody looks at must not get lost: the matcher stays pending, and so fails its test.
      const finish = () => (pending.error === undefined ? settled() : promise.whenObserved(settled));
      work.then(finish, finish);
    }
    return promise;
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
