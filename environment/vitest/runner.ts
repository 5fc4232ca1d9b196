/**
 * The class that runs test files in Vitest's workers. It is Vitest's own runner with our life of a test file in
 * it, so that the user's environment (node, jsdom, happy-dom) stays what it is.
 */
import { readFile } from 'node:fs/promises';
import { expect, type RunnerTask, type RunnerTestFile, type RunnerTestSuite, TestRunner } from 'vitest';
import type { Runtime } from '../../bindings/core/runtime.ts';
import { shared } from '../../bindings/core/shared.ts';
import { currentRun } from '../../servers/run.ts';
import { type ConfigImporter, loadConfig } from '../config/load.ts';
import { parseDocblock } from '../docblock.ts';
import { type Docblock, FileRun } from '../file-run.ts';
import { readable } from '../readable.ts';
import { limit, ownerOf } from './owners.ts';
import { PROVIDED, type Provided } from './provided.ts';
import { TestFile } from './test-file.ts';

type Source = Parameters<TestRunner['importFile']>[1];

export class QaRunner extends TestRunner {
  readonly #files = new Map<RunnerTestFile, Promise<TestFile>>();
  readonly #ready = new Map<RunnerTestFile, TestFile>();
  #isCollecting = false;
  #tellsSelection = false;
  #deadline: Deadline | undefined;
  declare onCollected?: (files: RunnerTestFile[]) => unknown;

  /** Called for each file, once there is a runtime and before any code of the user runs. */
  protected equip(_runtime: Runtime): void {}

  /** Vitest notes here when the time of a function that it has just begun is up; of some hooks it tells nowhere else. */
  set _deadline(deadline: Deadline | undefined) {
    this.#deadline = deadline;
    if (typeof deadline?.endTime === 'number') limit(shared().runtime?.current(), deadline.endTime);
  }

  get _deadline(): Deadline | undefined {
    return this.#deadline;
  }

  async onBeforeCollect(_paths: string[]): Promise<void> {
    await this.#closeAll();
    this.#isCollecting = true;
    this.#selectBeforeTelling();
  }

  override async importFile(path: string, source: Source): Promise<unknown> {
    await this.#begin(TestRunner.getCurrentSuite().file as RunnerTestFile);
    return super.importFile(path, source);
  }

  async onBeforeRunFiles(_files: RunnerTestFile[]): Promise<void> {
    for (const file of this.#ready.values()) await file.open();
  }

  override async onBeforeRunSuite(suite: RunnerTestSuite): Promise<void> {
    await super.onBeforeRunSuite(suite);
    await this.#fileOf(suite)?.suiteStart(suite);
  }

  override async onBeforeRunTask(test: RunnerTask): Promise<void> {
    if (test.type === 'test') this.#fileOf(test)?.skipWhenKept(test);
    await super.onBeforeRunTask(test);
  }

  async runTask(test: RunnerTask & { type: 'test' }): Promise<void> {
    const run = TestRunner.getTestFn(test);
    if (!run) throw new Error('Test function is not found.');
    await (this.#fileOf(test)?.runTest(test, run) ?? run());
  }

  onTaskFinished(test: RunnerTask & { type: 'test' }): void {
    this.#fileOf(test)?.wrapCallbacks(test);
  }

  override async onAfterRunTask(test: RunnerTask): Promise<void> {
    if (test.type === 'test') await this.#fileOf(test)?.testDone(test);
    super.onAfterRunTask(test);
  }

  override async onAfterRunSuite(suite: RunnerTestSuite): Promise<void> {
    const file = this.#fileOf(suite);
    file?.suiteEnd(suite);
    await super.onAfterRunSuite(suite);
  }

  override async onAfterRunFiles(files: RunnerTestFile[]): Promise<void> {
    await this.#closeAll();
    super.onAfterRunFiles(files);
  }

  /** Vitest tells its main process what was collected, and in which mode: our selection must come before. */
  #selectBeforeTelling(): void {
    if (this.#tellsSelection) return;
    this.#tellsSelection = true;
    const tell = this.onCollected;
    this.onCollected = async (files) => {
      this.#isCollecting = false;
      for (const file of this.#ready.values()) file.collected();
      await tell?.call(this, files);
    };
  }

  /** @throws QaError of the config: the file then fails with it, and the next one may do better */
  #begin(file: RunnerTestFile): Promise<TestFile> {
    let begun = this.#files.get(file);
    if (!begun) {
      begun = this.#make(file).catch((error) => {
        throw readable(error);
      });
      this.#files.set(file, begun);
    }
    return begun;
  }

  async #make(file: RunnerTestFile): Promise<TestFile> {
    const { root, workers, compileCache, isWatching } = this.injectValue(PROVIDED) as Provided;
    if (process.env.NODE_COMPILE_CACHE === compileCache) delete process.env.NODE_COMPILE_CACHE;
    const [config, docblock] = await Promise.all([loadConfig(root, process.env, this.#importer()), docblockOf(file)]);
    this.#inheritTags(file, docblock.tags);
    const fileRun = new FileRun({
      runner: 'vitest',
      config,
      run: currentRun().id,
      worker: process.env.VITEST_POOL_ID ?? '1',
      workers,
      docblock,
      file: file.filepath,
      isWatching,
      // Tests and drivers share one realm.
      adopt: (value) => value,
      collecting: () => (this.#isCollecting ? collectedNow() : undefined),
    });
    shared().runtime = fileRun.runtime;
    Object.assign(globalThis, { qa: fileRun.runtime.qa });
    redactUnhandled(fileRun);
    attributeSoftFailures();
    this.equip(fileRun.runtime);
    const made = new TestFile(file, fileRun, this.config.hookTimeout);
    this.#ready.set(file, made);
    return made;
  }

  /**
   * Through Vitest's own loader: its main process compiles the config once for all workers, and in a pool with vm
   * contexts another loader would leave the context.
   */
  #importer(): ConfigImporter {
    const { moduleRunner } = this as unknown as {
      moduleRunner: { import(file: string): Promise<{ default: unknown }> };
    };
    return async (path) => (await moduleRunner.import(path)).default;
  }

  /** So that Vitest's own filter sees the tags of a docblock too. */
  #inheritTags(file: RunnerTestFile, tags: readonly string[]): void {
    const known = this.config.tags.map(({ name }) => name);
    const accepted = tags.filter((tag) => !this.config.strictTags || known.includes(tag));
    file.tags = [...new Set([...(file.tags ?? []), ...accepted])];
  }

  #fileOf(task: RunnerTask): TestFile | undefined {
    return this.#ready.get(task.file);
  }

  async #closeAll(): Promise<void> {
    const files = [...this.#ready.values()];
    this.#ready.clear();
    this.#files.clear();
    for (const file of files) await file.close();
  }
}

interface Deadline {
  /** On the clock of `performance.now()`. */
  endTime?: number;
}

async function docblockOf({ filepath }: RunnerTestFile): Promise<Docblock> {
  return parseDocblock(await readFile(filepath, 'utf8'));
}

/** The describe, or the file, whose function is being called. */
function collectedNow(): object {
  const { suite, file } = TestRunner.getCurrentSuite();
  return suite ?? file;
}

/** Before Vitest's own listeners tell the main process of an error that nobody caught. */
function redactUnhandled(fileRun: FileRun): void {
  if (running === undefined) {
    const redact = (error: unknown) => void running?.redacted(error);
    process.prependListener('uncaughtException', redact).prependListener('unhandledRejection', redact);
  }
  running = fileRun;
}

const attributed = new WeakSet<object>();
let running: FileRun | undefined;

/**
 * The global `expect.soft` takes the test that was started last for its own, which is wrong among concurrent ones,
 * and refuses hooks of a describe.
 */
function attributeSoftFailures(): void {
  const { soft } = expect;
  if (attributed.has(soft)) return;
  const ours: typeof soft = (...args) => {
    const owner = ownerOf(running?.origin());
    if (!owner) return soft(...args);
    const assertion = expect(...args);
    return (assertion as unknown as Chained<typeof assertion>).withTest(inSteps(owner)).withContext({ soft: true });
  };
  attributed.add(ours);
  expect.soft = ours;
}

type Failed = { message: string; stack?: string };

/** The task as Vitest's `expect.soft` sees it: what it adds to its errors names the step in which it came up. */
function inSteps(task: RunnerTask): RunnerTask {
  const named = (errors: Failed[]) => ({ push: (error: Failed) => errors.push(running?.inStep(error) ?? error) });
  return withGetter(task, 'result', (result) =>
    withGetter(result as { errors?: Failed[] }, 'errors', (errors) => named(errors as Failed[])),
  );
}

function withGetter<T extends object>(target: T, name: keyof T, change: (value: object) => unknown): T {
  return new Proxy(target, {
    get(_, key) {
      const value: unknown = Reflect.get(target, key);
      return key === name && typeof value === 'object' && value !== null ? change(value) : value;
    },
    set: (_, key, value) => Reflect.set(target, key, value),
  });
}

interface Chained<A> {
  withTest(test: RunnerTask): Chained<A>;
  withContext(flags: { soft: boolean }): A;
}
