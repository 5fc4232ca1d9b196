/** `source.waitFor(expected)`: the same wait as a matcher's, but it returns the row and throws when the time is up. */
import { isQaError, QaError } from '../bindings/core/errors.ts';
import { runtime } from '../bindings/core/runtime.ts';
import type { AnySource, Caller, WaitOptions } from '../bindings/core/source.ts';
import { callsite, framed } from './callsite.ts';
import { optionsOf, partialRow, rowsOf } from './misuse.ts';
import { paintOf } from './paint.ts';
import { rowMatching } from './to-have-row-matching.ts';
import { wait } from './wait.ts';

/** @throws QaError QA_WAIT_FAILED, QA_MISUSE */
export async function waitForRow(
  source: AnySource,
  expected: unknown,
  options: WaitOptions | undefined,
  caller: Caller,
): Promise<unknown> {
  const site = callsite(caller);
  try {
    const observer = rowsOf(source, 'waitFor');
    const partial = partialRow(expected, 'waitFor', 'the expected row');
    const equality = {
      column: (at: string, actual: unknown, wanted: unknown) => observer.equal(at, actual, wanted),
    };
    const waitOptions = optionsOf(options, 'waitFor');
    const expectation = rowMatching(observer, partial, waitOptions, { equality, isNot: false }, 'waitFor');
    const running = runtime().current();
    const settled = running?.track({
      label: `${observer.label}.waitFor(…)`,
      get stack() {
        return site.frames;
      },
    });
    try {
      const { ok, seen, text, cause } = await wait(expectation, { isNot: false, running, paint: paintOf(undefined) });
      if (ok) return seen;
      const error = new QaError('QA_WAIT_FAILED', { what: text, mend: '', cause });
      // The text is a failure's, whole as it is; the table of errors must not add sentences to it.
      error.message = text;
      throw error;
    } finally {
      settled?.();
    }
  } catch (error) {
    throw isQaError(error) ? framed(error, site) : error;
  }
}
