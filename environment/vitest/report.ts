/** Puts failures into Vitest's results the way Vitest itself does for `expect.soft`: at once, each with its frame. */
import { createExpect, expect, type RunnerTask, type RunnerTestCase } from 'vitest';
import { isQaError } from '../../bindings/core/errors.ts';
import { readable } from '../readable.ts';

const RECORD = '__qaRecord';

expect.extend({
  [RECORD](_received: unknown, error: unknown) {
    throw error;
  },
});

/** Fails `task` (a test, a describe or a file) with `error`; what runs goes on. */
export function report(task: RunnerTask, error: unknown): void {
  // An `expect` of its own: the test's would change what `expect.assertions()` of the global one counts.
  const soft = createExpect(task as RunnerTestCase).soft(undefined) as unknown as Record<string, (e: unknown) => void>;
  soft[RECORD]?.(isQaError(error) && error.code === 'QA_NOT_AWAITED' ? unexpected(error) : readable(error));
}

/** An error that `test.fails` must not take for the failure it waits for. */
export function unexpected<E>(error: E): E {
  if (typeof error === 'object' && error !== null && !('__vitest_test_syntax_error__' in error)) {
    Object.defineProperty(error, '__vitest_test_syntax_error__', { value: true });
  }
  return error;
}

/** One error for several, which Vitest shows one by one. */
export function together(errors: readonly unknown[]): unknown {
  return errors.length === 1 ? errors[0] : new AggregateError(errors, `${errors.length} failures`);
}
