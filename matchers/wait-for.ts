/** `source.waitFor(expected)`: the same wait as a matcher's, but it returns what matched and throws when the time is up. */
import { type EntryObserver, isEntrySource } from '../bindings/core/entries.ts';
import { isQaError, QaError } from '../bindings/core/errors.ts';
import { isMessageSource, type MessageObserver } from '../bindings/core/messages.ts';
import { runtime } from '../bindings/core/runtime.ts';
import { isSecretSource, type SecretObserver } from '../bindings/core/secrets.ts';
import { type AnySource, type Caller, type RowObserver, SOURCE, type WaitOptions } from '../bindings/core/source.ts';
import { callsite, framed } from './callsite.ts';
import { sourceEquality, written } from './message-expectation.ts';
import { optionsOf, partialRow, rowsOf } from './misuse.ts';
import { entryOptions, expectedEntry } from './misuse-entries.ts';
import { messageOptions, partialMessage } from './misuse-messages.ts';
import { expectedSecret } from './misuse-secrets.ts';
import { paintOf } from './paint.ts';
import { entryMatching } from './to-have-entry.ts';
import { rowMatching } from './to-have-row-matching.ts';
import { secretMatching } from './to-have-secret.ts';
import { messageMatching } from './to-receive-message.ts';
import { traced } from './traced.ts';
import { type Outcome, type WaitContext, wait } from './wait.ts';
import { waitForMessages } from './wait-messages.ts';

/** @throws QaError QA_WAIT_FAILED, QA_MISUSE */
export async function waitForRow(
  source: AnySource,
  expected: unknown,
  options: WaitOptions | undefined,
  caller: Caller,
): Promise<unknown> {
  const site = callsite(caller);
  try {
    const { label, expectation, run } = isMessageSource(source)
      ? forMessage(source[SOURCE], expected, options)
      : isEntrySource(source)
        ? forEntry(source[SOURCE], expected, options)
        : isSecretSource(source)
          ? forSecret(source[SOURCE], expected, options)
          : forRow(rowsOf(source, 'waitFor'), expected, options);
    const running = runtime().current();
    const settled = running?.track({
      label: `${label}.waitFor(…)`,
      get stack() {
        return site.frames;
      },
    });
    try {
      const waiting = { matcher: 'waitFor', source: label, isNot: false, args: () => expectation.args };
      const { ok, seen, text, cause } = await traced(waiting, () =>
        run({ isNot: false, running, paint: paintOf(undefined) }),
      );
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

interface Wait {
  label: string;
  expectation: { readonly args: string };
  run(context: WaitContext): Promise<Outcome<unknown>>;
}

function forRow(observer: RowObserver, expected: unknown, options: WaitOptions | undefined): Wait {
  const partial = partialRow(expected, 'waitFor', 'the expected row');
  const equality = {
    column: (at: string, actual: unknown, wanted: unknown) => observer.equal(at, actual, wanted),
  };
  const waitOptions = optionsOf(options, 'waitFor');
  const expectation = rowMatching(observer, partial, waitOptions, { equality, isNot: false }, 'waitFor');
  return { label: observer.label, expectation, run: (context) => wait(expectation, context) };
}

/** It returns the value. */
function forEntry(observer: EntryObserver, expected: unknown, options: WaitOptions | undefined): Wait {
  const value = expectedEntry(observer, expected, 'waitFor');
  const given = entryOptions(observer, options, 'waitFor');
  const equality = sourceEquality(observer, []);
  const expectation = entryMatching(observer, value, given, { equality }, 'waitFor');
  return {
    label: observer.label,
    expectation,
    async run(context) {
      const outcome = await wait(expectation, context);
      return { ...outcome, seen: outcome.seen?.value };
    },
  };
}

/** It returns the data. */
function forSecret(observer: SecretObserver, expected: unknown, options: WaitOptions | undefined): Wait {
  const wanted = expectedSecret(observer, expected, 'waitFor');
  const given = optionsOf(options, 'waitFor', ['exactly']);
  const expectation = secretMatching(observer, wanted, given, { equality: {} }, 'waitFor');
  return {
    label: observer.label,
    expectation,
    async run(context) {
      const outcome = await wait(expectation, context);
      return { ...outcome, seen: outcome.seen?.there ? outcome.seen.data : undefined };
    },
  };
}

/** It returns the message's fields, or the one value that it is. */
function forMessage(observer: MessageObserver, expected: unknown, options: WaitOptions | undefined): Wait {
  const partial = partialMessage(observer, expected, 'waitFor', `the expected ${observer.noun}`);
  const given = messageOptions(options, 'waitFor', { isNot: false });
  const equality = sourceEquality(observer, []);
  const expectation = messageMatching(observer, partial, given, { equality }, 'waitFor');
  return {
    label: observer.label,
    expectation,
    async run(context) {
      const outcome = await waitForMessages(expectation, context);
      return { ...outcome, seen: outcome.seen && written(observer, outcome.seen.fields) };
    },
  };
}
