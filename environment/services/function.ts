/** A service that a function of the config starts in this process, for one file. */
import { types } from 'node:util';
import { isQaError, QaError } from '../../bindings/core/errors.ts';
import type { FunctionService, StartedService } from '../config/services.ts';
import { Deadline } from '../deadline.ts';
import type { ServiceRunner } from './services.ts';

const START_TIMEOUT = 60_000;
/** ms */
const STOP_TIMEOUT = 10_000;

export class FunctionRunner implements ServiceRunner {
  readonly #name: string;
  readonly #definition: FunctionService;
  readonly #qa: object;
  readonly #stopTimeout: number;
  #started: StartedService | undefined;

  constructor(name: string, definition: FunctionService, qa: object, stopTimeout: number = STOP_TIMEOUT) {
    this.#name = name;
    this.#definition = definition;
    this.#qa = qa;
    this.#stopTimeout = stopTimeout;
  }

  get url(): string | undefined {
    return this.#started?.url;
  }

  async start(): Promise<void> {
    const { start, startTimeout = START_TIMEOUT } = this.#definition;
    const deadline = new Deadline(startTimeout);
    try {
      const starting = Promise.resolve(start(this.#qa as never));
      const started = await deadline.bound(starting, () => {
        // Nobody will use it: what comes of it late is stopped, and who would hear that this failed is told of the time.
        starting.then((late) => late?.stop?.()).catch(() => undefined);
        return new QaError('QA_SERVICE_START', {
          what: `The service \`${this.#name}\` was not started after ${startTimeout} ms: its function \`start\` has not returned`,
          mend: `Give it more time with \`startTimeout\`, or see what it waits for`,
        });
      });
      if (typeof started !== 'object' || started === null) throw this.#failed('returned no object');
      this.#started = started;
    } catch (error) {
      throw isQaError(error) ? error : this.#failed(`failed: ${messageOf(error)}`, error);
    } finally {
      deadline.clear();
    }
  }

  async restart(): Promise<void> {
    await this.leave();
    await this.start();
  }

  /** @throws QaError QA_TIMEOUT when its function `stop` does not return, which would hold the runner for ever */
  async leave(): Promise<void> {
    const started = this.#started;
    this.#started = undefined;
    if (!started?.stop) return;
    const deadline = new Deadline(this.#stopTimeout);
    try {
      await deadline.bound(Promise.resolve(started.stop()), () => this.#notStopped());
    } finally {
      deadline.clear();
    }
  }

  #notStopped(): QaError {
    return new QaError('QA_TIMEOUT', {
      what: `The function \`stop\` of the service \`${this.#name}\` has not returned after ${this.#stopTimeout} ms`,
      mend: 'See what it waits for: open connections keep a server from closing',
    });
  }

  #failed(what: string, cause?: unknown): QaError {
    return new QaError('QA_SERVICE_START', {
      what: `The function \`services.${this.#name}.start\` ${what}`,
      mend:
        cause === undefined
          ? 'Return `{ url, stop }` from it'
          : 'Mend what it throws; its own stack is the cause of this error',
      cause,
    });
  }
}

function messageOf(error: unknown): string {
  return types.isNativeError(error) ? error.message : String(error);
}
