/**
 * One test file, as both runners see it: what an adapter must call, and when. The order is the same everywhere:
 * select → open → for each suite: suiteStart, its beforeAll hooks, for each test: testStart, beforeEach, the test,
 * afterEach, testEnd; afterAll hooks, suiteEnd → close.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { relative } from 'node:path';
import { QaError } from '../bindings/core/errors.ts';
import { redactError } from '../bindings/core/redact-value.ts';
import type { MatcherDefaults, Runtime } from '../bindings/core/runtime.ts';
import { didYouMean } from '../bindings/core/suggest.ts';
import { isThenable } from '../bindings/core/thenable.ts';
import { claimPort } from '../servers/services/ports.ts';
import { machineTime } from '../servers/services/spec.ts';
import type { LoadedConfig } from './config/load.ts';
import { isRunKept, keepRun, keeps } from './keep.ts';
import { Journal } from './log/journal.ts';
import { notice } from './notice.ts';
import type { QaBase } from './qa.ts';
import { ActiveFunction, type RunningOptions } from './running.ts';
import { Services } from './services/services.ts';
import { Session } from './session.ts';
import { makeState, StateScope, stateEvidence } from './state.ts';
import { Steps } from './steps.ts';
import { type SuiteNode, selectTests, skipAll, tagRules } from './tags/select.ts';
import { type Evidence, formatEvidence, type Witness } from './witness.ts';

export interface FileRunOptions {
  runner: 'jest' | 'vitest';
  config: LoadedConfig;
  /** Id of the run, short. */
  run: string;
  /** Number of this worker, from 1. */
  worker: string;
  /** How many workers run side by side. */
  workers: number;
  /** What the docblock of the file says. */
  docblock: Docblock;
  /** Absolute path of the test file. */
  file: string;
  /** Moves a value into the tests' realm. */
  adopt: <T>(value: T) => T;
  /** Whether the runner runs the tests again when files change. Default: false. */
  isWatching?: boolean;
  /** The runner's own object of the describe (or file) that is being collected, for `qa.afterReset`. */
  collecting(): object | undefined;
}

export interface Docblock {
  /** `@tags smoke` */
  tags: readonly string[];
  /** `@qa db shop`: connections to open and services to start instead of all. */
  connections: readonly string[] | undefined;
}

/** A describe, or the file itself, under the runner's own object for it. */
interface Suite {
  key: object;
  parent: Suite | undefined;
  state: StateScope;
  hasBeforeAll: boolean;
  /** Its beforeAll hooks have run, but what they wrote is not yet the baseline. */
  baselinePending: boolean;
  hasBaseline: boolean;
}

export class FileRun {
  readonly runtime: Runtime;
  readonly #options: FileRunOptions;
  readonly #session: Session;
  readonly #current = new AsyncLocalStorage<ActiveFunction>();
  readonly #fileState = new StateScope();
  readonly #suites = new WeakMap<object, Suite>();
  readonly #tests = new WeakMap<object, StateScope>();
  /** The describe in which a scope's function runs. */
  readonly #suiteOf = new WeakMap<StateScope, Suite>();
  readonly #inHooks = new AsyncLocalStorage<true>();
  readonly #groups = new WeakMap<object, Promise<void>>();
  /** By the runner's object of the describe or file that registered them. */
  readonly #afterReset = new WeakMap<object, (() => unknown)[]>();
  readonly #services: Services;
  /** When what a scope's function is to see of services begins. */
  readonly #began = new WeakMap<StateScope, number>();
  /** In the order in which a failure shows what they know. */
  readonly #witnesses: readonly Witness[];
  readonly #journal: Journal;
  readonly #steps: Steps;
  /** Something may have been written since the last reset or baseline. */
  #touched = false;
  /** How many describes have one now. */
  #baselines = 0;
  /** Resets and baselines one after another. */
  #queue: Promise<unknown> = Promise.resolve();
  #isOpen = false;
  #kept: string | undefined;
  #keeping: Promise<void> | undefined;

  constructor(options: FileRunOptions) {
    this.#options = options;
    const { config } = options;
    const { run, worker } = options;
    this.#journal = new Journal({
      base: { run, worker, file: relative(config.baseDir, options.file).replaceAll('\\', '/') },
      baseDir: config.baseDir,
      log: config.log,
      redact: (text) => this.runtime.redact(text),
      current: () => this.#current.getStore(),
      step: () => this.#steps.path(),
    });
    this.#steps = new Steps({ journal: this.#journal, current: () => this.#current.getStore() });
    this.#session = new Session({
      config,
      journal: () => Journal.live ?? this.#journal,
      namespace: { run, worker },
      workers: options.workers,
      adopt: options.adopt,
      waitFor: (source, expected, waitOptions, caller) => this.#waitFor(source, expected, waitOptions, caller),
    });
    this.#services = new Services({
      config,
      session: this.#session,
      runner: options.runner,
      worker: options.worker,
      isWatching: options.isWatching ?? false,
      qa: () => this.runtime.qa,
      adopt: options.adopt,
      since: () => this.#began.get(this.#current.getStore()?.state ?? this.#fileState) ?? 0,
    });
    this.#began.set(this.#fileState, machineTime());
    this.#witnesses = [
      { about: (key) => this.#about(key, (state) => stateEvidence(state, this.runtime.redact)) },
      { about: (key) => this.#about(key, (state) => this.#steps.about(state)) },
      ...this.#services.witnesses,
      { about: (key) => this.#about(key, (state) => this.#journal.about(state)) },
    ];
    const defaults: MatcherDefaults = { soft: config.soft ?? true, within: config.within ?? 5000 };
    this.runtime = {
      runner: options.runner,
      qa: this.#makeQa(),
      defaults,
      // What runs after the end (the teardown of a fixture, a timer) is nobody's: its matchers throw where they fail.
      current: () => {
        const active = this.#current.getStore();
        return active?.isSettled ? undefined : active;
      },
      redact: (text) => this.#session.redactor.redact(text),
      trace: (operation, run) => this.#journal.operation(operation, run, { isWhole: true }),
    };
  }

  /**
   * Skips the tests that QA_TAGS does not select.
   *
   * @returns how many are left to run: with none, do not open
   * @throws QaError QA_TAG
   */
  select(root: SuiteNode): number {
    if (keeps() && isRunKept()) {
      notice('QA_KEEP=1 and a test failed: the files that had not begun are skipped');
      return skipAll(root);
    }
    const rules = tagRules(this.#options.config.tags, process.env.QA_TAGS);
    return selectTests(root, this.#options.docblock.tags, rules);
  }

  /** Opens the file's connections, and starts its services. @throws QaError QA_OPEN_FAILED, QA_SERVICE_START and others */
  async open(): Promise<void> {
    const connections = this.#session.names;
    const services = this.#services.names;
    const names = this.#options.docblock.connections ?? [...connections, ...services];
    for (const name of names) {
      if (!connections.includes(name) && !services.includes(name)) {
        throw new QaError('QA_CONFIG', {
          what: `The docblock's \`@qa\` line names \`${name}\`, but the config has no such connection or service. ${didYouMean(name, [...connections, ...services])}`,
          mend: 'Correct the `@qa` line',
        });
      }
    }
    this.#isOpen = true;
    await this.#session.open(names.filter((name) => connections.includes(name)));
    const isReset = await this.#services.open(names.filter((name) => services.includes(name)));
    // What an earlier file of this worker left is undone before anything of this one runs.
    this.#touched = !isReset;
  }

  /**
   * Before the beforeAll hooks of a describe (or of the file, whose `parent` is undefined) run.
   *
   * @throws QaError of the reset; the describe's tests must then fail with it
   */
  async suiteStart(key: object, { parent, hasBeforeAll, group }: SuiteStart): Promise<void> {
    const outer = parent === undefined ? undefined : this.#suites.get(parent);
    const suite: Suite = {
      key,
      parent: outer,
      state: outer ? new StateScope(outer.state) : this.#fileState,
      hasBeforeAll,
      baselinePending: false,
      hasBaseline: false,
    };
    this.#suites.set(key, suite);
    this.#suiteOf.set(suite.state, suite);
    if (!this.#isOpen || this.#kept !== undefined || !hasBeforeAll) return;
    if (group) return this.#prepareGroup(group, outer);
    await this.#serially(async () => {
      await this.#settleBaselines(outer);
      await this.#reviveServices();
      await this.#resetIfTouched();
    });
    suite.baselinePending = true;
    this.#touched = true;
  }

  /**
   * Before the beforeEach hooks of a test, and again before each retry.
   *
   * @param group the runner's object for the group of concurrent tests that it belongs to
   * @throws QaError of the reset or of a hook; the test must then fail with it
   */
  async testStart(key: object, start: TestStart): Promise<void> {
    this.testEnter(key, start);
    if (!this.#isOpen || this.#kept !== undefined) return;
    const suite = this.#suites.get(start.suite);
    return start.group ? this.#prepareGroup(start.group, suite) : this.#prepare(suite);
  }

  /** The same for a test that will not run, because a beforeAll hook failed: it is only made known. */
  testEnter(key: object, { suite: suiteKey, name }: Omit<TestStart, 'group'>): void {
    const suite = this.#suites.get(suiteKey);
    const state = new StateScope(suite?.state ?? this.#fileState);
    this.#tests.set(key, state);
    this.#began.set(state, machineTime());
    if (suite) this.#suiteOf.set(state, suite);
    this.#journal.begin(state, name);
    for (const witness of this.#witnesses) witness.testStart?.(key);
  }

  /**
   * After the afterEach hooks of a test that will not be retried. With QA_KEEP=1 the first failed one ends all
   * resetting, and `kept` says why the remaining tests must be skipped; the servers then outlive the run.
   */
  testEnd(_key: object, failed: boolean): void {
    if (!failed || this.#kept !== undefined || !keeps()) return;
    this.#kept = 'QA_KEEP=1 and a test failed: what it left is kept, so no other test of this file may run';
    notice(this.#kept);
    this.#keeping = keepRun();
  }

  /** At the end of a failed test, before `evidence`. */
  async gather(key: object): Promise<void> {
    await Promise.all(this.#witnesses.map((witness) => witness.gather?.(key)));
  }

  /** Why the remaining tests of the file must be skipped; undefined when they need not. */
  get kept(): string | undefined {
    return this.#kept;
  }

  /** What belongs to a failed test beside its failures, redacted. */
  evidence(key: object): Evidence[] {
    const all = this.#witnesses.map((witness) => witness.about(key)).filter((evidence) => evidence !== undefined);
    return all.map(({ title, text }) => ({ title, text: this.runtime.redact(text) }));
  }

  /** A failure as it may be shown: the error itself, in which nothing shows a secret. */
  redacted(error: unknown): unknown {
    return redactError(error, this.#session.redactor);
  }

  /** The same as the text that stands below a failed test's first error; empty when there is none. */
  describeFailure(key: object): string {
    return formatEvidence(this.evidence(key));
  }

  /** After the afterAll hooks of a describe. */
  suiteEnd(key: object): void {
    const suite = this.#suites.get(key);
    if (!suite) return;
    if (suite.hasBaseline) {
      this.#session.popBaseline();
      this.#baselines -= 1;
      this.#touched = true;
    }
    suite.baselinePending = false;
    suite.hasBaseline = false;
  }

  /** Runs a test's or hook's function so that matchers and `qa.state` know whose they are. */
  run<T>(active: ActiveFunction, call: () => T): T {
    return this.within(active, () => {
      let result: T;
      try {
        result = call();
      } catch (error) {
        active.settle();
        throw error;
      }
      if (isThenable(result)) {
        return result.then(
          (value) => {
            active.settle();
            return value;
          },
          (error) => {
            active.settle();
            throw error;
          },
        ) as T;
      }
      active.settle();
      return result;
    });
  }

  /** Names the step in which a soft failure came up in its text. */
  inStep<E extends { message: string; stack?: string | undefined }>(error: E): E {
    return this.#steps.mark(error);
  }

  /** The function in whose context the caller runs, also after its end. */
  origin(): ActiveFunction | undefined {
    return this.#current.getStore();
  }

  /** Runs a part of it; the caller must call `active.settle()` when the whole has settled. */
  within<T>(active: ActiveFunction, call: () => T): T {
    return this.#current.run(active, call);
  }

  /** @param owner the runner's object of the test, or of the describe for its beforeAll and afterAll */
  active(
    owner: { test?: object | undefined; suite?: object | undefined },
    options: Omit<RunningOptions, 'state'>,
  ): ActiveFunction {
    const state =
      (owner.test && this.#tests.get(owner.test)) ??
      (owner.suite && this.#suites.get(owner.suite)?.state) ??
      this.#fileState;
    const fail = (error: Error) => options.fail(this.#steps.mark(error));
    return new ActiveFunction({ ...options, state, fail });
  }

  /** Closes all connections; also after half an opening. Never hangs. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#queue.catch(() => undefined);
    try {
      await this.#keeping;
      await this.#services.close({ isKept: this.#kept !== undefined, isAtBase: this.#baselines === 0 });
    } catch (error) {
      throw this.redacted(error);
    } finally {
      await this.#session.close().catch((error) => {
        throw this.redacted(error);
      });
    }
  }

  /** Once, before the first hook or test of the group. */
  #prepareGroup(group: object, suite: Suite | undefined): Promise<void> {
    let prepared = this.#groups.get(group);
    if (!prepared) {
      prepared = this.#prepare(suite);
      this.#groups.set(group, prepared);
    }
    return prepared;
  }

  #prepare(suite: Suite | undefined): Promise<void> {
    return this.#serially(async () => {
      await this.#settleBaselines(suite);
      await this.#reviveServices();
      await this.#resetIfTouched();
      // Also what a hook that then fails has written.
      this.#touched = true;
      await this.#runAfterReset(suite);
    });
  }

  /** Baselines from the outermost inwards: each holds what its own beforeAll hooks wrote. */
  async #settleBaselines(suite: Suite | undefined): Promise<void> {
    if (!suite) return;
    await this.#settleBaselines(suite.parent);
    if (!suite.baselinePending) return;
    await this.#session.pushBaseline();
    suite.baselinePending = false;
    suite.hasBaseline = true;
    this.#baselines += 1;
    this.#touched = false;
  }

  /** One that a test has ended, or that died, must not make the next test fail. What it writes at its start is undone. */
  async #reviveServices(): Promise<void> {
    const ended = await this.#services.ended();
    if (ended.length === 0) return;
    await this.#session.reset();
    await this.#services.revive(ended);
    this.#touched = true;
  }

  async #resetIfTouched(): Promise<void> {
    if (!this.#touched) return;
    await this.#session.reset();
    this.#touched = false;
  }

  /** The config's hook, then the file's, then those of the describes from the outermost inwards. */
  async #runAfterReset(suite: Suite | undefined): Promise<void> {
    const { afterReset } = this.#options.config;
    const hooks: (() => unknown)[] = [];
    for (let at = suite; at; at = at.parent) hooks.unshift(...(this.#afterReset.get(at.key) ?? []));
    if (afterReset) hooks.unshift(() => afterReset(this.runtime.qa as never));
    await this.#inHooks.run(true, async () => {
      for (const hook of hooks) await hook();
    });
  }

  /** What is known of a test, or of a describe that failed as a whole. */
  #about(key: object, tell: (state: StateScope) => Evidence | undefined): Evidence | undefined {
    const state = this.#tests.get(key) ?? this.#suites.get(key)?.state;
    return state && tell(state);
  }

  #serially<T>(run: () => Promise<T>): Promise<T> {
    const next = this.#queue.then(run, run);
    this.#queue = next.catch(() => undefined);
    return next;
  }

  #waitFor: Runtime['waitFor'] & object = (source, expected, options, caller) => {
    const { waitFor } = this.runtime;
    if (waitFor) return waitFor(source, expected, options, caller);
    throw new QaError('QA_NO_ENVIRONMENT', {
      what: 'The matchers of @qa/jest-preset are not loaded, and waitFor runs through them',
      mend: "In Jest use `preset: '@qa/jest-preset'`, in Vitest the plugin `qaPreset()`",
    });
  };

  #makeQa(): object {
    const { run, worker } = this.#options;
    const started = Date.now().toString(36);
    let count = 0;
    const journal = this.#journal;
    const base: QaBase = {
      get log() {
        return journal.logger;
      },
      step: this.#steps.run,
      state: makeState(() => this.#current.getStore()?.state ?? this.#fileState),
      unique: (prefix = 'qa') => {
        count += 1;
        return `${prefix}-${run}-w${worker}-${started}-${count}`;
      },
      reset: () => this.#resetNow(),
      afterReset: (hook) => {
        const key = this.#options.collecting();
        if (!key) {
          throw new QaError('QA_MISUSE', {
            what: 'qa.afterReset() was called while tests run',
            mend: 'Call it at the top of a file or directly in a describe',
          });
        }
        const hooks = this.#afterReset.get(key) ?? [];
        hooks.push(hook);
        this.#afterReset.set(key, hooks);
      },
      service: (name) => this.#services.handle(name),
      port: claimPort,
      run: { id: run, worker },
    };
    return Object.assign(base, this.#session.handles());
  }

  async #resetNow(): Promise<void> {
    if (this.#current.getStore()?.concurrent) {
      throw new QaError('QA_MISUSE', {
        what: 'qa.reset() was called inside a group of concurrent tests, where it would destroy what the others test',
        mend: 'Call it in a test that is not concurrent; before the group a reset runs by itself',
      });
    }
    if (this.#inHooks.getStore()) {
      throw new QaError('QA_MISUSE', {
        what: 'qa.reset() was called in an afterReset hook, which runs because of a reset',
        mend: 'Take it out of the hook',
      });
    }
    const state = this.#current.getStore()?.state;
    await this.#serially(async () => {
      await this.#session.reset();
      await this.#runAfterReset(state && this.#suiteOf.get(state));
    });
  }
}

export interface SuiteStart {
  /** The runner's object of the enclosing describe or file; undefined for the file. */
  parent: object | undefined;
  hasBeforeAll: boolean;
  /** The runner's object for the group of concurrent tests that it belongs to: nothing is reset inside. */
  group?: object | undefined;
}

export interface TestStart {
  suite: object;
  /** Full name. */
  name: string;
  group: object | undefined;
}
