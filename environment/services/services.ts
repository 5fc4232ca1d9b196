/** The services of one test file: planned, started after what they read, looked after, and left as the next file needs them. */
import { QaError } from '../../bindings/core/errors.ts';
import { resolveReferences } from '../../bindings/core/reference.ts';
import { hideSecrets } from '../../bindings/core/secret.ts';
import { claimPort } from '../../servers/services/ports.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { CommandService, Service } from '../config/services.ts';
import { notice } from '../notice.ts';
import type { Session } from '../session.ts';
import { serviceVariable } from '../variables.ts';
import type { Witness } from '../witness.ts';
import { CommandRunner } from './command.ts';
import { DeployedRunner } from './deployed.ts';
import { FunctionRunner } from './function.ts';
import { Ground } from './ground.ts';
import type { ServiceHandle } from './handle.ts';
import { makeHandle, noSuchService } from './make-handle.ts';
import { planOf } from './plan.ts';
import { OutputWitness } from './witness.ts';

/** How one service comes to run, and what can be done with it. */
export interface ServiceRunner {
  /** Where it is, as far as that is known. */
  readonly url: string | undefined;
  start(): Promise<void>;
  restart(): Promise<void>;
  /** At the end of the file. */
  leave(): Promise<void>;
}

export interface ServicesOptions {
  config: LoadedConfig;
  session: Session;
  runner: 'jest' | 'vitest';
  worker: string;
  /** Whether the runner runs the tests again when files change. */
  isWatching: boolean;
  qa(): object;
  adopt: <T>(value: T) => T;
  /** Since when what is printed belongs to the caller. */
  since(): number;
}

export class Services {
  readonly #options: ServicesOptions;
  readonly #definitions: Readonly<Record<string, Service>>;
  readonly #runners = new Map<string, ServiceRunner>();
  readonly #planning = new Map<string, Promise<void>>();
  readonly #starting = new Map<string, Promise<void>>();
  /** Whose plan waits for whose. */
  readonly #waits = new Map<string, string>();
  readonly #ground: Ground;
  readonly witnesses: readonly Witness[];
  /** All have started, and what they wrote is the baseline. */
  #isOpen = false;
  /** Those of this file; undefined before opening. */
  #selected: ReadonlySet<string> | undefined;

  constructor(options: ServicesOptions) {
    this.#options = options;
    this.#definitions = options.config.services ?? {};
    this.#ground = new Ground(options.worker);
    this.witnesses = this.names.map((name) => new OutputWitness(name, () => this.#command(name)));
  }

  get names(): string[] {
    return Object.keys(this.#definitions);
  }

  /**
   * `qa.service(name)`
   *
   * @throws QaError QA_MISUSE for a name that the config lacks
   */
  handle(name: string): ServiceHandle {
    if (!Object.hasOwn(this.#definitions, name)) throw noSuchService(name, this.names);
    const { since, adopt, session } = this.#options;
    return makeHandle(name, { runner: () => this.#opened(name), since, adopt, redactor: session.redactor });
  }

  /**
   * Starts those that are named and those that they read, in parallel where they do not depend on each other. What they
   * write at their start belongs to what each test of the file starts from.
   *
   * @returns whether the targets are reset, and what is there is their baseline
   * @throws QaError QA_SERVICE_START with the service's last lines; QA_CONFIG
   */
  async open(names: readonly string[]): Promise<boolean> {
    const { session } = this.#options;
    const selected = new Set<string>();
    this.#selected = selected;
    for (const name of names) selected.add(name);
    await all(names.map((name) => this.#plan(name)));
    // Planning has found others that are read.
    for (const name of this.#planning.keys()) selected.add(name);
    const isReset = session.restores && (this.#hasCommands || this.#hasFunctions);
    const writers = isReset ? this.#writers() : [];
    if (isReset && !(await this.#holds(writers))) await session.reset();
    await all([...selected].map((name) => this.#start(name)));
    if (writers.length > 0 || (isReset && this.#hasFunctions)) await session.pushBaseline();
    this.#isOpen = true;
    return isReset;
  }

  /** Those that have ended, by themselves or by a test. */
  async ended(): Promise<string[]> {
    const commands = this.#commands();
    const ended = await Promise.all(commands.map(async (one) => ((await one.hasEnded()) ? [one.name] : [])));
    return ended.flat();
  }

  /** Starts ended ones again, at the same addresses. @throws QaError QA_SERVICE_START */
  async revive(names: readonly string[]): Promise<void> {
    await all(
      names.map(async (name) => {
        const how = await this.#command(name)?.revive();
        if (how) notice(`the service ${name} ${how} while tests ran; it was started again`);
      }),
    );
  }

  /**
   * @param isKept what runs stays as it is
   * @param isAtBase no describe's baseline is in force: then the targets can be left as services made them
   */
  async close({ isKept, isAtBase }: { isKept: boolean; isAtBase: boolean }): Promise<void> {
    const { session } = this.#options;
    const writers = session.restores && this.#selected ? this.#writers() : [];
    const outlives =
      this.#isOpen && writers.length > 0 && !this.#hasFunctions && writers.every(({ isOfFile }) => !isOfFile);
    if (outlives && !isKept && isAtBase) {
      await session.reset();
      await this.#ground.leave(writers);
    }
    const runners = [...this.#runners.values()];
    this.#runners.clear();
    if (!isKept)
      await all(
        runners.map((runner) => runner.leave()),
        'stopped',
      );
  }

  /** Whether the targets are as the services left them that go on. */
  async #holds(writers: readonly CommandRunner[]): Promise<boolean> {
    if (!this.#hasCommands) return false;
    return this.#ground.holds(writers, { isWanted: !this.#hasFunctions });
  }

  /** What a function's service writes at its start, and where, is not known. */
  get #hasFunctions(): boolean {
    return [...this.#runners.values()].some((runner) => runner instanceof FunctionRunner);
  }

  get #hasCommands(): boolean {
    return Object.entries(this.#definitions).some(([name, service]) => 'command' in service && !addressOf(name));
  }

  #commands(): CommandRunner[] {
    return [...this.#runners.values()].filter((runner) => runner instanceof CommandRunner);
  }

  #command(name: string): CommandRunner | undefined {
    const runner = this.#runners.get(name);
    return runner instanceof CommandRunner ? runner : undefined;
  }

  /** Services that may write to a target which is brought back before each test. */
  #writers(): CommandRunner[] {
    const { session } = this.#options;
    return this.#commands().filter(({ reads }) => [...reads.connections].some((name) => session.isRestored(name)));
  }

  /** Makes known what is to be started, and where it will be. */
  #plan(name: string): Promise<void> {
    let planning = this.#planning.get(name);
    if (!planning) {
      planning = this.#makeRunner(name).then((runner) => void this.#runners.set(name, runner));
      this.#planning.set(name, planning);
    }
    return planning;
  }

  /** What the plan of `name` reads. Plans are made side by side, so each may find another already waiting for it. */
  async #planFor(name: string, other: string): Promise<void> {
    const path = [other];
    for (let at: string | undefined = other; at !== undefined && at !== name; ) {
      at = this.#waits.get(at);
      if (at !== undefined) path.push(at);
    }
    if (path.at(-1) === name) throw circle([...path, other]);
    this.#waits.set(name, other);
    try {
      await this.#plan(other);
    } finally {
      this.#waits.delete(name);
    }
  }

  async #makeRunner(name: string): Promise<ServiceRunner> {
    const { qa, session } = this.#options;
    const definition = this.#definitions[name];
    if (!definition) throw noSuchService(name, this.names);
    const address = addressOf(name);
    hideSecrets(session.redactor, address, address);
    if (address) return new DeployedRunner(name, address);
    if (definition.start) return new FunctionRunner(name, definition, qa());
    if ('command' in definition) return this.#makeCommand(name, definition);
    const context = { env: process.env, path: `services.${name}` };
    const { url } = (await resolveReferences(definition, context)) as { url: string };
    hideSecrets(session.redactor, definition, { url });
    return new DeployedRunner(name, url);
  }

  async #makeCommand(name: string, definition: CommandService): Promise<CommandRunner> {
    const { config, session, runner, worker, isWatching, qa } = this.#options;
    const plan = () =>
      planOf(definition, {
        sight: {
          name,
          qa: qa(),
          isConnection: (other) => session.names.includes(other),
          addressOf: (other) => this.#runners.get(other)?.url,
          claimPort,
          open: (connection) => session.open([connection]),
          plan: (other) => this.#planFor(name, other),
        },
        runner,
        baseDir: config.baseDir,
        worker,
        isOfWorker: (other) => session.isOfWorker(other) || (this.#command(other)?.isOfWorker ?? false),
        isWatching,
      });
    const command = new CommandRunner(name, { plan, ready: definition.ready, qa: qa(), redactor: session.redactor });
    await command.prepare();
    return command;
  }

  /** After those that it reads. */
  #start(name: string): Promise<void> {
    let starting = this.#starting.get(name);
    if (!starting) {
      const runner = this.#runners.get(name)!;
      const before = runner instanceof CommandRunner ? [...runner.reads.services] : [];
      starting = all(before.map((other) => this.#start(other))).then(() => runner.start());
      this.#starting.set(name, starting);
    }
    return starting;
  }

  #opened(name: string): ServiceRunner {
    const runner = this.#runners.get(name);
    if (runner) return runner;
    if (this.#selected && !this.#selected.has(name)) {
      throw new QaError('QA_NOT_SELECTED', {
        what: `\`qa.service('${name}')\` is not there: this file's docblock does not name it`,
        mend: `Add \`${name}\` to its \`@qa\` line`,
      });
    }
    throw new QaError('QA_NOT_OPEN', {
      what: `\`qa.service('${name}')\` was used before the service was started`,
      mend: 'Use it in a test or in a hook (beforeAll, beforeEach, afterAll), not at the top of a file or in a describe',
    });
  }
}

function addressOf(name: string): string | undefined {
  return process.env[serviceVariable(name)] || undefined;
}

/** Waits for all; several failures are one error. */
async function all(work: readonly Promise<unknown>[], done = 'started'): Promise<void> {
  const results = await Promise.allSettled(work);
  const reasons = results.filter((result) => result.status === 'rejected').map((result) => result.reason as Error);
  const failures = [...new Set(reasons)];
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) {
    throw new QaError('QA_SERVICE_START', {
      what: `${failures.length} services could not be ${done}:\n${failures.map(({ message }) => `  - ${message.replaceAll('\n', '\n    ')}`).join('\n')}\n`,
      mend: 'Mend each as its line says',
      cause: new AggregateError(failures),
    });
  }
}

function circle(path: readonly string[]): QaError {
  return new QaError('QA_CONFIG', {
    what: `Services need each other in a circle: ${path.join(' → ')}`,
    mend: 'Break the circle in qa.config: one of them must not read the address of the next',
  });
}
