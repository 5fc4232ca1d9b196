/** Runs hooks in a context of ours. Vitest keeps what belongs to a hook (timeouts, frames) in symbols on its function. */

import type { RunnerTestCase, RunnerTestSuite } from 'vitest';
import { TestRunner } from 'vitest';
import type { FileRun } from '../file-run.ts';
import { own } from './owners.ts';
import { report, together } from './report.ts';
import type { TestScope } from './test-file.ts';

type Hook = (...args: never[]) => unknown;
type SuiteHooks = ReturnType<typeof TestRunner.getSuiteHooks>;

const CLEANUP_TIMEOUT: unique symbol = Symbol.for('VITEST_CLEANUP_TIMEOUT') as never;

export interface HookContext {
  fileRun: FileRun;
  /** What a hook of a test shares with the test. */
  scopeOf(test: RunnerTestCase): TestScope;
  /** Whether a describe runs among others. */
  isConcurrent(suite: RunnerTestSuite): boolean;
  hookTimeout: number;
}

/** Replaces the hooks of a describe or file in place. */
export function wrapHooks(suite: RunnerTestSuite, context: HookContext): void {
  const hooks: SuiteHooks = TestRunner.getSuiteHooks(suite);
  replace(hooks.beforeEach, (hook) => ofTest(hook, 'beforeEach', 0, suite, context));
  replace(hooks.afterEach, (hook) => ofTest(hook, 'afterEach', 0, suite, context));
  replace(hooks.aroundEach, (hook) => ofTest(hook, 'aroundEach', 1, suite, context));
  replace(hooks.beforeAll, (hook) => ofSuite(hook, 'beforeAll', suite, context));
  replace(hooks.afterAll, (hook) => ofSuite(hook, 'afterAll', suite, context));
  replace(hooks.aroundAll, (hook) => ofSuite(hook, 'aroundAll', suite, context));
}

function replace<H>(hooks: H[], wrap: (hook: Hook) => Hook): void {
  for (const [index, hook] of hooks.entries()) hooks[index] = wrap(hook as Hook) as H;
}

/** @param position of the test's context among the hook's arguments */
function ofTest(hook: Hook, type: string, position: number, suite: RunnerTestSuite, context: HookContext): Hook {
  return alike(hook, (...args) => {
    const test = (args[position] as unknown as { task: RunnerTestCase }).task;
    const { fileRun, scopeOf } = context;
    const { soft, concurrent } = scopeOf(test);
    const call = (kind: string, timeout: number, run: () => unknown): unknown => {
      const active = fileRun.active(
        { test, suite },
        {
          kind: 'hook',
          name: nameOf(kind, suite),
          timeout,
          soft,
          concurrent,
          fail: (error) => report(test, error),
        },
      );
      own(active, test);
      return fileRun.run(active, run);
    };
    return withCleanup(
      call(type, timeoutOf(hook, type, context), () => hook(...args)),
      (cleanup) => () => call(`cleanup of ${type}`, context.hookTimeout, cleanup),
    );
  });
}

function ofSuite(hook: Hook, type: string, suite: RunnerTestSuite, context: HookContext): Hook {
  return alike(hook, async (...args) => {
    const { fileRun } = context;
    const call = (kind: string, timeout: number, run: () => unknown, holder: RunnerTestSuite): unknown => {
      const active = fileRun.active(
        { suite },
        {
          kind: 'hook',
          name: nameOf(kind, suite),
          timeout,
          soft: true,
          concurrent: context.isConcurrent(suite),
          fail: (error) => report(holder, error),
        },
      );
      own(active, holder);
      return fileRun.run(active, run);
    };
    // What fails in a beforeAll ends the describe, but not before the hook's end. Of the rest nothing is left out.
    const holder = type === 'beforeAll' ? standIn(suite) : suite;
    const failures = () => (holder === suite ? [] : noted(holder));
    let result: unknown;
    try {
      result = await call(type, timeoutOf(hook, type, context), () => hook(...args), holder);
    } catch (error) {
      throw together([...failures(), error]);
    }
    if (failures().length > 0) throw together(failures());
    return typeof result === 'function'
      ? () => call('cleanup of beforeAll', context.hookTimeout, result as () => unknown, suite)
      : result;
  });
}

/** Takes failures in the place of a describe, whose own result must not fail yet. */
function standIn(suite: RunnerTestSuite): RunnerTestSuite {
  return Object.create(suite, { result: { value: undefined, writable: true } }) as RunnerTestSuite;
}

/** Vitest has written their diffs already: it must not compare the texts of both sides once more. */
function noted({ result }: RunnerTestSuite): unknown[] {
  return (result?.errors ?? []).map((error) => Object.assign(error, { showDiff: false }));
}

function nameOf(type: string, suite: RunnerTestSuite): string {
  return `${type} of ${suite.fullTestName || 'the file'}`;
}

/** The runner's own time limit of a hook; Vitest tells it for those that may return a cleanup only. */
function timeoutOf(hook: Hook, type: string, { hookTimeout }: HookContext): number {
  // Limits of setup and teardown are apart there; the test between them counts for neither.
  if (type.startsWith('around')) return Number.POSITIVE_INFINITY;
  const own = (hook as { [CLEANUP_TIMEOUT]?: unknown })[CLEANUP_TIMEOUT];
  return typeof own === 'number' ? own : hookTimeout;
}

async function withCleanup(running: unknown, wrap: (cleanup: () => unknown) => () => unknown): Promise<unknown> {
  const result = await running;
  return typeof result === 'function' ? wrap(result as () => unknown) : result;
}

function alike(original: Hook, wrapped: Hook): Hook {
  for (const key of Object.getOwnPropertySymbols(original)) {
    Object.defineProperty(wrapped, key, Object.getOwnPropertyDescriptor(original, key) as PropertyDescriptor);
  }
  return wrapped;
}
