/** Maps the events of jest-circus onto the life of a test file. */
import type { FileRun } from '../file-run.ts';
import { readable } from '../readable.ts';
import type { ActiveFunction } from '../running.ts';
import type { SuiteNode, TestNode } from '../tags/select.ts';
import { type Evidence, formatEvidence } from '../witness.ts';
import {
  type CircusDescribe,
  type CircusEvent,
  type CircusFailure,
  type CircusHook,
  type CircusState,
  type CircusTest,
  describesOf,
  fullName,
  runsHooks,
  testsOf,
  willRun,
} from './circus.ts';
import type { Collector } from './collect.ts';
import { explain, redactAll, SoftFailures } from './failures.ts';
import { wrapFunction } from './functions.ts';

export interface LifecycleOptions {
  fileRun: FileRun;
  collector: Collector;
  /** How often Jest will retry a failed test of this file. */
  retries(): number;
  /** Called when tests of the file are selected and will run, before anything opens. */
  onSelected(): void;
  /** Called with what a failed attempt of a test left, before its first failure is given its evidence. */
  onFailed(failures: readonly CircusFailure[], evidence: readonly Evidence[]): Promise<void>;
}

export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #attempts = new WeakMap<CircusTest, SoftFailures>();
  readonly #hooks = new WeakMap<CircusHook, SoftFailures>();
  readonly #groups = new WeakMap<CircusTest, object>();
  /** Describes whose hooks and tests must not run, because what comes before them failed. */
  readonly #blockedSuites = new WeakSet<CircusDescribe>();
  readonly #blockedTests = new WeakSet<CircusTest>();
  #notOpen = false;

  constructor(options: LifecycleOptions) {
    this.#options = options;
  }

  async handle(event: CircusEvent, state: CircusState): Promise<void> {
    const { fileRun } = this.#options;
    switch (event.name) {
      case 'run_start':
        return this.#runStart(state);
      case 'run_describe_start':
        return this.#suiteStart(event.describeBlock, state);
      case 'run_describe_finish':
        return fileRun.suiteEnd(event.describeBlock);
      case 'concurrent_tests_start': {
        const group = {};
        for (const test of event.tests) this.#groups.set(test, group);
        return;
      }
      case 'concurrent_tests_end':
        // Retries that come now run one after another.
        for (const test of event.tests) this.#groups.delete(test);
        return;
      case 'hook_success':
      case 'hook_failure':
        return this.#hookEnd(event.hook, state);
      case 'test_start':
        return this.#testStart(event.test, state);
      case 'test_fn_failure':
        // An environment below ours (Allure's) reads them now.
        return redactAll(event.test.errors, (error) => fileRun.redacted(error));
      case 'test_done':
        return this.#testDone(event.test, state);
      case 'run_finish':
        return redactAll(state.unhandledErrors, (error) => fileRun.redacted(error));
    }
  }

  /** Soft failures of the test's attempt so far, as they may be shown. */
  softFailures(test: CircusTest): Error[] {
    const errors = this.#attempts.get(test)?.errors ?? [];
    return errors.map((error) => this.#options.fileRun.redacted(error) as Error);
  }

  async #runStart(state: CircusState): Promise<void> {
    const { fileRun, onSelected } = this.#options;
    const root = state.rootDescribeBlock;
    for (const describe of describesOf(root)) {
      for (const hook of describe.hooks) this.#wrapHook(hook, state);
      for (const child of describe.children) if (child.type === 'test') this.#wrapTest(child, state);
    }
    try {
      const selected = fileRun.select(this.#nodeOf(root, state));
      if (selected > 0) onSelected();
      // Jest runs the beforeAll hooks of a describe that holds nothing but todos.
      const hasHooks = () => [...describesOf(root)].some((suite) => hasBeforeAll(suite, state));
      if (selected > 0 || hasHooks()) await fileRun.open();
    } catch (error) {
      this.#notOpen = true;
      this.#block(root, error, state);
    }
  }

  async #suiteStart(describe: CircusDescribe, state: CircusState): Promise<void> {
    const { parent } = describe;
    if (parent && this.#blockedSuites.has(parent)) {
      this.#blockedSuites.add(describe);
      return;
    }
    if (this.#notOpen) return;
    // A retry of the describe starts anew.
    this.#blockedSuites.delete(describe);
    const options = { parent, hasBeforeAll: hasBeforeAll(describe, state), group: undefined };
    try {
      await this.#options.fileRun.suiteStart(describe, options);
    } catch (error) {
      this.#block(describe, error, state);
    }
  }

  async #testStart(test: CircusTest, state: CircusState): Promise<void> {
    this.#attempts.set(test, new SoftFailures());
    if (!willRun(test, state)) return;
    const { fileRun } = this.#options;
    const start = { suite: test.parent, name: fullName(test) };
    if (test.errors.length > 0) return fileRun.testEnter(test, start);
    this.#blockedTests.delete(test);
    try {
      await fileRun.testStart(test, { ...start, group: this.#groups.get(test) });
    } catch (error) {
      this.#blockedTests.add(test);
      test.errors.push(readable(error));
    }
  }

  async #testDone(test: CircusTest, state: CircusState): Promise<void> {
    const { fileRun, retries, onFailed } = this.#options;
    this.#attempts.get(test)?.moveInto(test.errors);
    redactAll(test.errors, (error) => fileRun.redacted(error));
    const failed = test.errors.length > 0;
    if (failed && !this.#isBlocked(test)) {
      await fileRun.gather(test);
      const evidence = fileRun.evidence(test);
      await onFailed(test.errors, evidence);
      explain(test.errors, formatEvidence(evidence));
    }
    const isFinal = !failed || test.invocations > retries();
    if (!isFinal) return;
    fileRun.testEnd(test, failed);
    if (fileRun.kept) {
      for (const other of testsOf(state.rootDescribeBlock)) if (!other.status) other.mode = 'skip';
    }
  }

  /** Fails all tests of the describe that would run with one error, and keeps its hooks from running. */
  #block(describe: CircusDescribe, error: unknown, state: CircusState): void {
    readable(error);
    this.#blockedSuites.add(describe);
    for (const test of testsOf(describe)) {
      if (!willRun(test, state)) continue;
      this.#blockedTests.add(test);
      test.errors.push(error);
    }
    if (![...testsOf(describe)].some((test) => willRun(test, state))) state.unhandledErrors.push(error);
  }

  #isBlocked(test: CircusTest): boolean {
    return this.#blockedTests.has(test);
  }

  /** A beforeAll hook fails all tests of its describe, an afterAll hook the file: so do its soft failures. */
  #hookEnd(hook: CircusHook, state: CircusState): void {
    const errors = this.#hooks.get(hook)?.take() ?? [];
    if (errors.length === 0) return;
    if (hook.type === 'beforeAll') for (const test of testsOf(hook.parent)) test.errors.push(...errors);
    else state.unhandledErrors.push(...errors);
  }

  #wrapTest(test: CircusTest, state: CircusState): void {
    const { fileRun, collector } = this.#options;
    for (let at: CircusTest | CircusDescribe | undefined = test; at && !test.timeout; at = at.parent)
      test.timeout = collector.optionsOf(at).timeout;
    test.fn = wrapFunction(test.fn, {
      begin: () => {
        const attempt = this.#attempts.get(test);
        return fileRun.active(
          { test, suite: test.parent },
          {
            kind: 'test',
            name: fullName(test),
            timeout: test.timeout || state.testTimeout,
            soft: !test.failing,
            concurrent: this.#groups.has(test),
            fail: (error) => attempt?.add(error, test.errors.length),
          },
        );
      },
      within: (active, call) => fileRun.within(active, call),
      end: () => undefined,
    });
  }

  #wrapHook(hook: CircusHook, state: CircusState): void {
    const { fileRun } = this.#options;
    const { parent, type } = hook;
    const isEach = type === 'beforeEach' || type === 'afterEach';
    hook.fn = wrapFunction(hook.fn, {
      begin: (): ActiveFunction | undefined => {
        // Jest runs no beforeEach and afterEach hooks for concurrent tests: the running test is the hook's.
        const test = isEach ? (state.currentlyRunningTest ?? undefined) : undefined;
        if (test ? this.#isBlocked(test) : this.#blockedSuites.has(parent)) return undefined;
        const failures = test ? this.#attempts.get(test) : new SoftFailures();
        if (!test && failures) this.#hooks.set(hook, failures);
        return fileRun.active(test ? { test, suite: test.parent } : { suite: parent }, {
          kind: 'hook',
          name: `${type} of ${fullName(parent) || 'the file'}`,
          timeout: hook.timeout || state.testTimeout,
          soft: test ? !test.failing : true,
          concurrent: false,
          fail: (error) => failures?.add(error, test?.errors.length ?? 0),
        });
      },
      within: (active, call) => fileRun.within(active, call),
      end: () => {
        if (!isEach) this.#hookEnd(hook, state);
      },
    });
  }

  #nodeOf(describe: CircusDescribe, state: CircusState): SuiteNode {
    const { collector } = this.#options;
    return {
      kind: 'suite',
      // The root's name is Jest's own.
      title: describe.parent ? describe.name : '',
      tags: collector.optionsOf(describe).tags,
      children: describe.children.map((child): SuiteNode | TestNode =>
        child.type === 'describeBlock'
          ? this.#nodeOf(child, state)
          : {
              kind: 'test',
              title: child.name,
              tags: collector.optionsOf(child).tags,
              willRun: willRun(child, state),
              skip: () => {
                child.mode = 'skip';
              },
            },
      ),
    };
  }
}

function hasBeforeAll(describe: CircusDescribe, state: CircusState): boolean {
  return describe.hooks.some((hook) => hook.type === 'beforeAll') && runsHooks(describe, state);
}
