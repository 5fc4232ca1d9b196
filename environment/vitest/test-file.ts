/** Maps what Vitest's runner does with one test file onto the life of a test file. */
import { type RunnerTask, type RunnerTestCase, type RunnerTestFile, type RunnerTestSuite, TestRunner } from 'vitest';
import type { FileRun } from '../file-run.ts';
import { notice } from '../notice.ts';
import { append, closingTrouble, readable } from '../readable.ts';
import type { SuiteNode, TestNode } from '../tags/select.ts';
import { groupOf, parentOf } from './groups.ts';
import { wrapHooks } from './hooks.ts';
import { disown, own } from './owners.ts';
import { report, unexpected } from './report.ts';

/** What a test and its hooks share. */
export interface TestScope {
  /** False for `test.fails`: what fails must be thrown. */
  soft: boolean;
  concurrent: boolean;
}

type Around = ReturnType<typeof TestRunner.getSuiteHooks>['aroundEach'][number];

const AROUND_TIMEOUT: unique symbol = Symbol.for('VITEST_AROUND_TIMEOUT') as never;

export class TestFile {
  readonly fileRun: FileRun;
  readonly #file: RunnerTestFile;
  readonly #hookTimeout: number;
  /** Describes (or the file) whose tests cannot run, with the reason. */
  readonly #blocked = new Map<RunnerTask, unknown>();
  /** How many errors a test had when its last attempt began. */
  readonly #attempts = new WeakMap<RunnerTask, number>();
  #selected = 0;

  constructor(file: RunnerTestFile, fileRun: FileRun, hookTimeout: number) {
    this.#file = file;
    this.fileRun = fileRun;
    this.#hookTimeout = hookTimeout;
  }

  /** After collection, before anybody is told what was collected. */
  collected(): void {
    if (this.#file.result?.state === 'fail') return;
    try {
      this.#selected = this.fileRun.select(nodeOf(this.#file));
    } catch (error) {
      report(this.#file, error);
      return;
    }
    skipEmpty(this.#file);
    const { fileRun } = this;
    const context = {
      fileRun,
      hookTimeout: this.#hookTimeout,
      scopeOf: (test: RunnerTestCase) => scopeOf(test),
      isConcurrent: (suite: RunnerTestSuite) => groupOf(suite) !== undefined,
    };
    for (const suite of suitesOf(this.#file)) wrapHooks(suite, context);
    // Around everything, aroundEach hooks of the user too: what they write must not be reset.
    TestRunner.getSuiteHooks(this.#file).aroundEach.unshift(
      Object.assign(((run, { task }) => this.#attempt(task, run)) as Around, { [AROUND_TIMEOUT]: 0 }),
    );
  }

  async open(): Promise<void> {
    if (this.#selected === 0 || this.#file.result?.state === 'fail') return;
    try {
      await this.fileRun.open();
    } catch (error) {
      this.#block(this.#file, error);
    }
  }

  async suiteStart(suite: RunnerTestSuite): Promise<void> {
    if (suite.mode === 'skip' || suite.mode === 'todo' || suite.result?.state === 'fail' || this.#reason(suite)) return;
    if (this.fileRun.kept !== undefined) return dropSuiteHooks(suite);
    const { beforeAll, aroundAll } = TestRunner.getSuiteHooks(suite);
    try {
      await this.fileRun.suiteStart(suite, {
        parent: suite === this.#file ? undefined : parentOf(suite),
        hasBeforeAll: beforeAll.length + aroundAll.length > 0,
        group: groupOf(suite),
      });
    } catch (error) {
      this.#block(suite, error);
    }
  }

  suiteEnd(suite: RunnerTestSuite): void {
    this.#redact(suite);
    const first = suite.result?.state === 'fail' ? suite.result.errors?.[0] : undefined;
    if (first && !this.#reason(suite)) append(first, this.fileRun.describeFailure(suite));
    this.fileRun.suiteEnd(suite);
  }

  /** Runs the function of a test. */
  runTest(test: RunnerTestCase, run: () => unknown): unknown {
    return this.#run(test, { kind: 'test', name: test.fullTestName, timeout: test.timeout }, run);
  }

  /** When its function has settled: what it registered for its end runs in its name too. */
  wrapCallbacks(test: RunnerTestCase): void {
    const callbacks = test as { [name in 'onFinished' | 'onFailed']?: ((context: unknown) => unknown)[] };
    for (const [key, hook] of [
      ['onFinished', 'onTestFinished'],
      ['onFailed', 'onTestFailed'],
    ] as const) {
      const name = `${hook} of ${test.fullTestName}`;
      for (const [index, callback] of callbacks[key]?.entries() ?? []) {
        callbacks[key]![index] = (context) =>
          this.#run(test, { kind: 'hook', name, timeout: this.#hookTimeout }, () => callback(context));
      }
    }
  }

  /** When all attempts of a test are over. */
  async testDone(test: RunnerTestCase): Promise<void> {
    this.#redact(test);
    const errors = test.result?.errors ?? [];
    const first = errors[this.#attempts.get(test) ?? 0];
    const failed = test.result?.state === 'fail';
    disown(test);
    this.fileRun.testEnd(test, failed);
    if (!failed || !first || this.#reason(test)) return;
    await this.fileRun.gather(test);
    append(first, this.fileRun.describeFailure(test));
  }

  /** Before anything of a test: with QA_KEEP=1 the first failed one was the file's last. */
  skipWhenKept(test: RunnerTestCase): void {
    const { kept } = this.fileRun;
    if (kept === undefined || !willRun(test)) return;
    test.mode = 'skip';
    // `note` is what `context.skip('…')` sets: reporters show it.
    test.result = Object.assign({ state: 'skip' as const }, { note: kept });
  }

  async close(): Promise<void> {
    try {
      await this.fileRun.close();
    } catch (error) {
      // The tests have their results; a connection that does not close cleanly must not undo them.
      notice(closingTrouble(error));
    }
  }

  /**
   * Before anybody is told: Vitest has made plain data of the errors, with diffs of its own. In place, since it keeps
   * them for each attempt too.
   */
  #redact({ result }: RunnerTask): void {
    for (const error of result?.errors ?? []) {
      const shown = this.fileRun.redacted(error) as Record<string, unknown>;
      if (shown === (error as unknown)) continue;
      // What was thrown was no error.
      for (const key of Object.keys(error)) if (!(key in shown)) Reflect.deleteProperty(error, key);
      Object.assign(error, shown);
    }
  }

  #run(
    test: RunnerTestCase,
    what: { kind: 'test' | 'hook'; name: string; timeout: number },
    run: () => unknown,
  ): unknown {
    const fail = (error: Error) => report(test, error);
    const active = this.fileRun.active({ test, suite: parentOf(test) }, { ...what, ...scopeOf(test), fail });
    own(active, test);
    return this.fileRun.run(active, run);
  }

  async #attempt(test: RunnerTestCase, run: () => Promise<void>): Promise<void> {
    this.#attempts.set(test, test.result?.errors?.length ?? 0);
    const reason = this.#reason(test);
    if (reason) throw reason.error;
    try {
      await this.fileRun.testStart(test, { suite: parentOf(test), group: groupOf(test), name: test.fullTestName });
    } catch (error) {
      throw unexpected(readable(error));
    }
    await run();
  }

  /** Fails the tests below with one error, and keeps hooks there from running. */
  #block(suite: RunnerTestSuite, error: unknown): void {
    this.#blocked.set(suite, unexpected(readable(error)));
    dropSuiteHooks(suite);
  }

  #reason(task: RunnerTask): { error: unknown } | undefined {
    if (this.#blocked.size === 0) return undefined;
    for (let at: RunnerTask = task; ; at = parentOf(at)) {
      if (this.#blocked.has(at)) return { error: this.#blocked.get(at) };
      if (at === at.file) return undefined;
    }
  }
}

function scopeOf(test: RunnerTestCase): TestScope {
  return {
    soft: !test.fails,
    concurrent: groupOf(test) !== undefined,
  };
}

function nodeOf(suite: RunnerTestSuite): SuiteNode {
  return {
    kind: 'suite',
    // A file's name is its path, not a title.
    title: suite === suite.file ? '' : suite.name,
    tags: suite.tags ?? [],
    children: suite.tasks.map((task): SuiteNode | TestNode =>
      task.type === 'suite'
        ? nodeOf(task)
        : {
            kind: 'test',
            title: task.name,
            tags: task.tags ?? [],
            willRun: willRun(task),
            skip: () => {
              if (willRun(task)) task.mode = 'skip';
            },
          },
    ),
  };
}

/** As Vitest does for its own filters: hooks of a describe with nothing to run do not run. */
function skipEmpty(suite: RunnerTestSuite): void {
  for (const task of suite.tasks) if (task.type === 'suite') skipEmpty(task);
  if (willRun(suite) && suite.tasks.length > 0 && !suite.tasks.some(willRun)) suite.mode = 'skip';
}

function willRun({ mode }: RunnerTask): boolean {
  return mode === 'run' || mode === 'queued';
}

function dropSuiteHooks(suite: RunnerTestSuite): void {
  for (const inner of suitesOf(suite)) {
    const { beforeAll, afterAll, aroundAll } = TestRunner.getSuiteHooks(inner);
    for (const hooks of [beforeAll, afterAll, aroundAll]) hooks.length = 0;
  }
}

function* suitesOf(suite: RunnerTestSuite): Generator<RunnerTestSuite> {
  yield suite;
  for (const task of suite.tasks) if (task.type === 'suite') yield* suitesOf(task);
}
