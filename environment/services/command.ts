/** A service that the run's keeper starts as a process. */
import { types } from 'node:util';
import { clock, pause } from '../../bindings/core/clock.ts';
import { isQaError, QaError } from '../../bindings/core/errors.ts';
import type { Redactor } from '../../bindings/core/redact.ts';
import { howItEnded } from '../../servers/services/ended.ts';
import { releasePort } from '../../servers/services/ports.ts';
import {
  type Ended,
  fingerprintOf,
  type Printed,
  type Running,
  type ServiceCall,
  type StartAnswer,
} from '../../servers/services/spec.ts';
import type { CommandService } from '../config/services.ts';
import { ask } from './keeper-line.ts';
import type { Plan } from './plan.ts';
import type { ServiceRunner } from './services.ts';
import type { Reads } from './tracked.ts';

export interface CommandOptions {
  plan(): Promise<Plan>;
  ready: CommandService['ready'];
  qa: object;
  redactor: Redactor;
}

/** Somebody else may take a free port between our look and the service's start. */
const PORT_ATTEMPTS = 5;
/** Above the keeper's own limits, whose messages know more, ms. */
const MARGIN = 20_000;
/** Between two calls of `ready`, ms. */
const PAUSE = 25;
/** Between two attempts to start it again at a port that is taken, ms. */
const PORT_PAUSE = 200;

export class CommandRunner implements ServiceRunner {
  readonly name: string;
  readonly #options: CommandOptions;
  #plan: Plan | undefined;
  #running: Running | undefined;

  constructor(name: string, options: CommandOptions) {
    this.name = name;
    this.#options = options;
  }

  get url(): string | undefined {
    return this.#running?.url ?? this.#planned.spec.url;
  }

  get slot(): string {
    return this.#planned.spec.slot;
  }

  get isOfFile(): boolean {
    return this.#planned.spec.isOfFile;
  }

  /** Whether each worker has one of its own. */
  get isOfWorker(): boolean {
    return this.slot !== this.name;
  }

  get reads(): Reads {
    return this.#planned.reads;
  }

  /** Its process; undefined when none runs that could be gone on with. */
  get id(): string | undefined {
    return this.#running?.ended ? undefined : this.#running?.id;
  }

  /** Whether the one that runs is the very one that is wanted now. */
  get isAsPlanned(): boolean {
    return this.#running?.fingerprint === fingerprintOf(this.#planned.spec);
  }

  /** Makes its address known: that of the one which runs, where one does. */
  async prepare(): Promise<void> {
    this.#plan = await this.#options.plan();
    [this.#running] = await this.#ask<Running[]>({ do: 'look', slots: [this.slot] });
  }

  async start(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const { spec } = this.#planned;
      const answer = await this.#begin({ do: 'start', spec });
      if ('running' in answer) {
        this.#running = answer.running;
        // Those of the one that runs are others.
        if (answer.running.url !== spec.url) spec.ports.forEach(releasePort);
        return;
      }
      this.#running = undefined;
      if (attempt === PORT_ATTEMPTS) throw this.#portTaken(spec.ports);
      this.#plan = await this.#options.plan();
    }
  }

  async restart(): Promise<void> {
    await this.#beginAgain({ do: 'restart', slot: this.slot });
  }

  async hasEnded(): Promise<boolean> {
    const [found] = await this.#ask<Running[]>({ do: 'look', slots: [this.slot] });
    return found?.ended !== undefined;
  }

  /** Starts it again where it has ended; returns how, unless a test has done it. */
  async revive(): Promise<string | undefined> {
    const [found] = await this.#ask<Running[]>({ do: 'look', slots: [this.slot] });
    await this.#beginAgain({ do: 'restart', slot: this.slot, onlyEnded: true });
    return found?.ended && !found.ended.onPurpose ? howItEnded(found.ended) : undefined;
  }

  async stop(): Promise<void> {
    await this.#ask({ do: 'stop', slot: this.slot });
    this.#running = undefined;
  }

  async leave(): Promise<void> {
    if (!this.isOfFile) return;
    await this.stop();
    this.#planned.spec.ports.forEach(releasePort);
  }

  kill(signal: string, until: AbortSignal | undefined): Promise<Ended | null> {
    return this.#ask({ do: 'kill', slot: this.slot, signal }, until);
  }

  output(since: number, most: number): Promise<Printed> {
    return this.#ask({ do: 'output', slot: this.slot, since, most });
  }

  get #planned(): Plan {
    if (!this.#plan) throw new Error(`${this.name} is not planned.`);
    return this.#plan;
  }

  #ask<T>(call: ServiceCall, signal?: AbortSignal): Promise<T> {
    return ask<T>(call, { name: this.name, redactor: this.#options.redactor, signal });
  }

  /** At the same address, which tests may have noted: its port may be held for a while. */
  async #beginAgain(call: ServiceCall & { do: 'restart' }): Promise<void> {
    const { startTimeout, ports } = this.#planned.spec;
    const end = clock().now() + startTimeout;
    for (;;) {
      const answer = await this.#begin(call);
      if ('running' in answer) {
        this.#running = answer.running;
        return;
      }
      if (clock().now() > end) throw this.#portLost(ports);
      await pause(PORT_PAUSE);
    }
  }

  /** Starts it, and says whether it is ready where that is a function's to say. */
  async #begin(call: ServiceCall & { do: 'start' | 'restart' }): Promise<StartAnswer> {
    const { startTimeout } = this.#planned.spec;
    const options = { name: this.name, redactor: this.#options.redactor, patience: startTimeout + MARGIN };
    const answer = await ask<StartAnswer>(call, options);
    if (!('judge' in answer)) return answer;
    this.#running = answer.judge;
    const { id, slot } = answer.judge;
    const over = new AbortController();
    const judging = judge(this.#options, startTimeout, over.signal);
    const ended = this.#untilEnded(id, over.signal);
    const trouble = await Promise.race([judging, ended]);
    over.abort();
    return ask<StartAnswer>({ do: 'judged', slot, id, ...(trouble === undefined ? {} : { trouble }) }, options);
  }

  /** Fulfilled when the process ends while its function still waits for it. */
  async #untilEnded(id: string, signal: AbortSignal): Promise<undefined> {
    while (!signal.aborted) {
      const [found] = await this.#ask<Running[]>({ do: 'look', slots: [this.slot] });
      if (found?.id !== id || found.ended) return undefined;
      await pause(PAUSE * 4);
    }
    return undefined;
  }

  #portLost(ports: readonly number[]): QaError {
    return new QaError('QA_SERVICE_START', {
      what: `The service \`${this.name}\` could not be started again: another process has taken its port (${ports.join(', ')})`,
      mend: 'End that process, or run the file again: it gets another port then',
    });
  }

  #portTaken(ports: readonly number[]): QaError {
    return new QaError('QA_SERVICE_START', {
      what: `The service \`${this.name}\` found its ports taken, ${PORT_ATTEMPTS} times, the last time ${ports.join(', ')}`,
      mend: 'See whether it listens on the ports that `qa.port()` gave it, and not twice on one',
    });
  }
}

/** Undefined: it is ready. A text: why it never will be. */
async function judge(
  { ready, qa }: CommandOptions,
  startTimeout: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const end = clock().now() + startTimeout;
  let last = 'it returned nothing that is true';
  while (!signal.aborted) {
    try {
      if (await (ready as (qa: object) => unknown)(qa)) return undefined;
      last = 'it returned nothing that is true';
    } catch (error) {
      if (isMistake(error)) return String(error);
      last = types.isNativeError(error) ? causes(error) : String(error);
    }
    if (clock().now() > end) return `after ${startTimeout} ms: ${last}`;
    await pause(PAUSE);
  }
  return undefined;
}

/** Of the function's author: it would throw the same for ever. What fetch throws is a TypeError with a cause. */
function isMistake(error: unknown): boolean {
  if (isQaError(error)) return error.code === 'QA_MISUSE' || error.code === 'QA_CONFIG';
  if (!types.isNativeError(error)) return false;
  return /^(Reference|Syntax)Error$/.test(error.name) || (error.name === 'TypeError' && error.cause === undefined);
}

function causes(error: Error): string {
  return types.isNativeError(error.cause) ? `${error.message}: ${error.cause.message}` : error.message;
}
