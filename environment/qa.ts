/** The parts of `qa` that are there whatever the config names. */
import type { Logger } from 'pino';
import type { ServiceHandle } from './services/handle.ts';
import type { State } from './state.ts';

/** `Service`: the names of the config's services. */
export interface QaBase<Service extends string = string> {
  /** What tests hand on to each other. */
  readonly state: State;
  /**
   * An id that is unique across tests, workers and runs, and names them: `order-k3f9x2-w1-m4c7-1`.
   * Use it for keys in systems that are shared.
   */
  unique(prefix?: string): string;
  /**
   * Brings every target that is ours back to the baseline and runs the afterReset hooks, as happens before each test.
   *
   * @throws QaError QA_MISUSE inside a group of concurrent tests, or in an afterReset hook
   */
  reset(): Promise<void>;
  /**
   * Registers a function that runs after each reset, before `beforeEach`: for the whole file at its top, for a
   * describe inside it.
   */
  afterReset(hook: () => unknown): void;
  /**
   * A logger of pino's. Its lines, and those of the connections, are shown below a test that fails; with `QA_LOG=debug`
   * they stream to stderr, with `log: { file }` in the config all go to a file.
   *
   * @example
   * qa.log.info({ orderId }, 'paying');
   */
  readonly log: Logger;
  /**
   * Runs a part of a test, or of a hook, by its name, and gives what it returns; parts may have parts. A test that fails
   * shows which failed and how long each took, a soft failure names its own, and the log has a line of each.
   *
   * @throws QaError QA_MISUSE without a name or a function, and outside of tests and hooks; what `run` throws
   * @example
   * const order = await qa.step('pay the order', async () => { … });
   */
  step<T>(name: string, run: () => T): T;
  /**
   * A service under test, which the config names.
   *
   * @throws QaError QA_MISUSE for a name that the config lacks
   */
  service(name: Service): ServiceHandle;
  /**
   * A free port that nobody else of this run gets.
   *
   * @throws QaError QA_SERVICE_START when none is free
   */
  port(): number;
  /** Who this is: the run and the worker. */
  readonly run: { readonly id: string; readonly worker: string };
}

/** Names that a connection cannot have: `qa` uses them itself, now or in a later version. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'state',
  'unique',
  'reset',
  'afterReset',
  'run',
  'log',
  'step',
  'service',
  'port',
  'config',
  'then',
  'constructor',
  'toString',
  'toJSON',
  'inspect',
  '__proto__',
]);
