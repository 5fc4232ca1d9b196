/** Jest's environment: opens the connections of a file when its selected tests are known, and closes them. */
import type { Context } from 'node:vm';
import { clock } from '../../bindings/core/clock.ts';
import { lend, type Shared } from '../../bindings/core/shared.ts';
import { loadConfig } from '../config/load.ts';
import { readDocblock } from '../docblock.ts';
import { FileRun } from '../file-run.ts';
import { notice } from '../notice.ts';
import { closingTrouble, readable } from '../readable.ts';
import { attachToAllure, tellSoftFailures } from './allure.ts';
import type { CircusEvent, CircusState } from './circus.ts';
import { Collector } from './collect.ts';
import { lentDrivers } from './drivers.ts';
import { Lifecycle } from './lifecycle.ts';
import { joinRealms } from './realm.ts';
import { markRan, markSelected } from './selection.ts';
import { TEST_TIMEOUT } from './timeout.ts';
import { workersOf } from './workers.ts';

/** What a base environment must have: jest-environment-node and all that extend it or do as it does. */
export interface BaseEnvironment {
  global: object;
  setup(): Promise<void>;
  teardown(): Promise<void>;
  getVmContext(): Context | null;
  handleTestEvent?(event: never, state: never): unknown;
}

export type BaseClass = new (config: never, context: never) => BaseEnvironment;

export interface Additions {
  /** Called once a file with Jest's `expect`, outside of the sandbox. */
  installMatchers(options: { expect: never }): void;
}

interface JestConfig {
  globalConfig: {
    maxWorkers: number;
    testTimeout?: number;
    collectTests?: boolean;
    watch?: boolean;
    watchAll?: boolean;
  };
  projectConfig: ProjectConfig;
}

export interface ProjectConfig {
  rootDir: string;
  automock: boolean;
  setupFiles: readonly string[];
  setupFilesAfterEnv: readonly string[];
  roots: readonly string[];
}

interface JestContext {
  testPath: string;
  docblockPragmas: Record<string, string | string[]>;
}

const RETRY_TIMES = Symbol.for('RETRY_TIMES');

/** A class like `Base` that also is an environment of ours. */
export function makeEnvironment<Base extends BaseClass>(Base: Base, additions: Additions): Base {
  const Extended = Base as unknown as new (config: JestConfig, context: JestContext) => BaseEnvironment;

  class QaEnvironment extends Extended {
    readonly #config: JestConfig;
    readonly #context: JestContext;
    readonly #collector = new Collector();
    readonly #record: Shared = { clock: clock() };
    #fileRun: FileRun | undefined;
    #lifecycle: Lifecycle | undefined;
    #state: CircusState | undefined;

    constructor(config: JestConfig, context: JestContext) {
      super(config, context);
      this.#config = config;
      this.#context = context;
      tellSoftFailures(this, (test) => this.#lifecycle?.softFailures(test) ?? []);
    }

    override async setup(): Promise<void> {
      await super.setup();
      try {
        await this.#begin();
      } catch (error) {
        throw readable(error);
      }
    }

    async #begin(): Promise<void> {
      const { globalConfig, projectConfig } = this.#config;
      const { testPath, docblockPragmas } = this.#context;
      const config = await loadConfig(projectConfig.rootDir);
      const { run, worker, workers } = workersOf(globalConfig);
      const fileRun = new FileRun({
        runner: 'jest',
        config,
        run,
        worker,
        workers,
        docblock: readDocblock(docblockPragmas),
        file: testPath,
        isWatching: (globalConfig.watch ?? false) || (globalConfig.watchAll ?? false),
        adopt: joinRealms(this.getVmContext()),
        collecting: () => (this.#state?.hasStarted === false ? this.#state.currentDescribeBlock : undefined),
      });
      this.#fileRun = fileRun;
      this.#lifecycle = new Lifecycle({
        fileRun,
        collector: this.#collector,
        retries: () => Number.parseInt(String((this.global as Record<symbol, unknown>)[RETRY_TIMES]), 10) || 0,
        onSelected: markSelected,
        onFailed: (failures, evidence) => attachToAllure(this.global, failures, evidence),
      });
      this.#record.runtime = fileRun.runtime;
      this.#record.drivers = lentDrivers(config, projectConfig, testPath);
      // The matchers live outside of the sandbox, where one file runs at a time; what the tests import lives inside.
      lend(globalThis, this.#record);
      lend(this.global, this.#record);
      // An accessor: Jest spoils the values of plain globals when a file ends.
      const { qa } = fileRun.runtime;
      Object.defineProperty(this.global, 'qa', { configurable: true, enumerable: false, get: () => qa });
    }

    override handleTestEvent(event: CircusEvent, state: CircusState): unknown {
      const before = super.handleTestEvent?.(event as never, state as never);
      const after = () => this.#handle(event, state);
      // What happens while a file is collected waits for nobody.
      const isSync = event.name === 'add_test' || event.name === 'start_describe_definition';
      return before instanceof Promise && !isSync ? before.then(after) : after();
    }

    #handle(event: CircusEvent, state: CircusState): unknown {
      this.#state = state;
      const { globalConfig } = this.#config;
      switch (event.name) {
        case 'setup': {
          const { runtimeGlobals } = event;
          if (globalConfig.testTimeout === undefined) state.testTimeout = TEST_TIMEOUT;
          this.#collector.wrapGlobals(runtimeGlobals, this.global as Record<string, unknown>);
          additions.installMatchers({ expect: runtimeGlobals.expect as never });
          this.#fileRun!.runtime.globals = runtimeGlobals;
          return undefined;
        }
        case 'start_describe_definition':
          return this.#collector.onDescribe(state);
        case 'add_test':
          return this.#collector.onTest(event, state);
        case 'run_start':
          markRan();
          return this.#lifecycle?.handle(event, state);
        default:
          return this.#lifecycle?.handle(event, state);
      }
    }

    override async teardown(): Promise<void> {
      try {
        await this.#fileRun?.close();
      } catch (error) {
        // The tests have their results; a connection that does not close cleanly must not undo them.
        notice(closingTrouble(error));
      } finally {
        await super.teardown();
      }
    }
  }
  return QaEnvironment as unknown as Base;
}
