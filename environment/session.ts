/**
 * Opens, resets and closes the connections of one test file. All state of the bindings is held here.
 */
import { inspect } from 'node:util';
import type { Binding, Namespace, Resetter, Scope } from '../bindings/core/binding.ts';
import { QaError } from '../bindings/core/errors.ts';
import { Redactor } from '../bindings/core/redact.ts';
import { redactError } from '../bindings/core/redact-value.ts';
import { type Need, needsOf, resolveReferences } from '../bindings/core/reference.ts';
import { hideSecrets } from '../bindings/core/secret.ts';
import type { AnySource, Caller, WaitOptions } from '../bindings/core/source.ts';
import { lease, once } from '../servers/index.ts';
import type { LoadedConfig } from './config/load.ts';
import { Deadline } from './deadline.ts';
import { loadDriver } from './drivers.ts';
import { type Journal, logOf } from './log/journal.ts';
import { connectionFor } from './needs.ts';
import { notice } from './notice.ts';
import { park, unpark } from './parked.ts';
import { sharedTarget, timedOut } from './refusals.ts';
import { addressVariable } from './variables.ts';

/** Time for one connection to close, ms: a hung server must not hold the run. */
const CLOSE_TIMEOUT = 2000;
/** Time for a reset to say what held it up, ms, after its own is over. */
const RESET_GRACE = 400;

export interface SessionOptions {
  config: LoadedConfig;
  namespace: Namespace;
  /** How many workers run side by side. */
  workers: number;
  /** Of the file that runs now: what is parked outlives the one that opened it. */
  journal(): Journal;
  /** Moves a value into the tests' realm. */
  adopt: <T>(value: T) => T;
  waitFor(source: AnySource, expected: unknown, options: WaitOptions | undefined, caller: Caller): Promise<unknown>;
  /** Connections are only looked at: nothing will be reset, nor kept for another file. What they tell goes here. */
  look?: (connection: string, line: string) => void;
}

type AnyBinding = Binding<object, unknown, object>;

/** What an open connection is made of. */
export interface Inside {
  binding: AnyBinding;
  client: unknown;
  options: object;
  scope: Scope;
}

interface Slot {
  name: string;
  binding: AnyBinding;
  scope: MutableScope;
  handle: object;
  opened?: Opened;
  resetter?: Resetter;
  opening?: Promise<void>;
  /** Whether its reset undoes what was written, rather than only noting where a test begins. */
  isRestored?: boolean;
  /** What the way to the target depends on. */
  key?: string;
  failed?: boolean;
}

interface Opened {
  client: unknown;
  options: object;
  driver: unknown;
}

type MutableScope = { -readonly [Key in keyof Scope]: Scope[Key] };

export class Session {
  readonly redactor: Redactor = new Redactor();
  readonly #options: SessionOptions;
  readonly #slots = new Map<string, Slot>();
  /** Why a connection of the config is not open in this file; undefined before opening. */
  #selected: ReadonlySet<string> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    for (const [name, { binding, input }] of Object.entries(options.config.connections)) {
      this.redactor.keep(name);
      this.redactor.keep(binding.kind);
      hideSecrets(this.redactor, input, input);
      this.#slots.set(name, this.#makeSlot(name, binding as unknown as AnyBinding));
    }
  }

  /** Handles by name: there from the start, usable for I/O once open. */
  handles(): Record<string, object> {
    return Object.fromEntries([...this.#slots].map(([name, slot]) => [name, slot.handle]));
  }

  get names(): string[] {
    return [...this.#slots.keys()];
  }

  /** Whether anything here will ever be reset. */
  get resets(): boolean {
    return [...this.#slots.values()].some((slot) => slot.resetter !== undefined);
  }

  /** Whether anything here is brought back to what it was. */
  get restores(): boolean {
    return [...this.#slots.values()].some((slot) => slot.resetter !== undefined && slot.isRestored);
  }

  /** Whether what is written through this connection is undone. */
  isRestored(name: string): boolean {
    const slot = this.#slots.get(name);
    return slot?.resetter !== undefined && slot.isRestored === true;
  }

  /** Whether each worker has a target of its own there. */
  isOfWorker(name: string): boolean {
    const lease = this.#slots.get(name)?.scope.lease;
    return lease !== undefined && !lease.isShared && this.#options.workers > 1;
  }

  /**
   * Opens the named connections and those that they need, in parallel where they do not depend on each other.
   *
   * @throws QaError QA_OPEN_FAILED with all failures
   */
  async open(names: readonly string[]): Promise<void> {
    const { config } = this.#options;
    const wanted = this.#withNeeds(names);
    this.#selected = new Set([...(this.#selected ?? []), ...wanted]);
    const deadline = new Deadline(config.openTimeout ?? 10_000);
    const results = await Promise.allSettled(wanted.map((name) => this.#openOnce(this.#slots.get(name)!, deadline)));
    deadline.clear();
    const failures = results.filter((result) => result.status === 'rejected').map((result) => result.reason as Error);
    const unique = [...new Set(failures)];
    if (unique.length === 1) throw unique[0];
    if (unique.length > 1) {
      throw new QaError('QA_OPEN_FAILED', {
        what: `${unique.length} connections could not be opened:\n${unique.map((error) => `  - ${error.message.replaceAll('\n', '\n    ')}`).join('\n')}\n`,
        mend: 'Mend each as its line says',
        cause: new AggregateError(unique),
      });
    }
  }

  /**
   * What an open connection is made of, for whoever looks at it.
   *
   * @param signal carries the deadline of the look
   * @throws QaError QA_NOT_OPEN
   */
  inside(name: string, signal: AbortSignal): Inside {
    const { client, options } = this.#opened(name);
    const { binding, scope } = this.#slots.get(name)!;
    scope.signal = signal;
    return { binding, client, options, scope };
  }

  /** Brings all targets that are ours back to their innermost baseline. */
  reset(): Promise<void> {
    return this.#withResetters('reset', (resetter, signal) => resetter.reset(signal));
  }

  /** What is there now becomes the innermost baseline. */
  pushBaseline(): Promise<void> {
    return this.#withResetters('baseline', (resetter, signal) => resetter.push(signal));
  }

  popBaseline(): void {
    for (const { resetter } of this.#slots.values()) resetter?.pop();
  }

  /** Closes everything, also what is half open; tries all; never hangs. */
  async close(): Promise<void> {
    const slots = [...this.#slots.values()].reverse();
    const closing = new Map<Slot, Promise<void>>();
    // What is read from another connection ends with it: a password that Vault gave on loan.
    const close = (slot: Slot): Promise<void> => {
      const users = slots.filter((other) => other.opening && this.needsOf(other.name).includes(slot.name));
      const done = closing.get(slot) ?? Promise.allSettled(users.map(close)).then(() => this.#closeSlot(slot));
      closing.set(slot, done);
      return done;
    };
    const results = await Promise.allSettled(slots.map(close));
    const failures = results.filter((result) => result.status === 'rejected').map((result) => result.reason);
    if (failures.length > 0) throw new AggregateError(failures, 'Connections could not be closed cleanly.');
  }

  #makeSlot(name: string, binding: AnyBinding): Slot {
    const { config, namespace, journal, adopt, waitFor, look } = this.#options;
    const scope: MutableScope = {
      connection: name,
      namespace,
      baseDir: config.baseDir,
      signal: new AbortController().signal,
      redactor: this.redactor,
      lease: undefined,
      driver: () => loadDriver(binding.driver, name, config.file),
      use: async (other) => {
        const slot = this.#slots.get(other);
        await slot?.opening;
        return this.#opened(other).client;
      },
      log: logOf(name, journal),
      once: (key, make) => once(key, make, { connection: name, signal: scope.signal }),
      trace: (operation, attributes, run, level) =>
        journal()
          .operation({ connection: name, kind: binding.kind, operation, attributes }, run, { level })
          .catch(this.#hide),
      adopt,
      waitFor,
      notice: (line) => {
        journal().note('warn', name, undefined, line);
        (look ?? tellOnce)(name, this.redactor.redact(line));
      },
    };
    const handle = binding.handle(() => this.#opened(name), scope);
    makePresentable(handle, () => {
      const { opened } = this.#slots.get(name)!;
      return { connection: name, kind: binding.kind, address: opened ? this.#address(binding, opened) : '(not open)' };
    });
    return { name, binding, scope, handle };
  }

  /** Nothing of a driver's error may show a secret, whoever prints it. */
  readonly #hide = (error: unknown): never => {
    throw redactError(error, this.redactor);
  };

  #address(binding: AnyBinding, { options }: Pick<Opened, 'options'>): string {
    return this.redactor.redact(binding.describe(options).address);
  }

  #opened(name: string): Opened {
    const slot = this.#slots.get(name)!;
    if (slot.opened) return slot.opened;
    if (this.#selected && !this.#selected.has(name)) {
      throw new QaError('QA_NOT_SELECTED', {
        what: `This file's docblock names only these connections: ${[...this.#selected].join(', ') || 'none'}`,
        mend: `Add \`${name}\` to its \`@qa\` line`,
        connection: name,
      });
    }
    throw new QaError('QA_NOT_OPEN', {
      what: 'The connection is not open',
      mend: 'Use it in a test or in a hook (beforeAll, beforeEach, afterAll), not at the top of a file or in a describe',
      connection: name,
    });
  }

  #withNeeds(names: readonly string[]): string[] {
    const wanted = new Set<string>();
    const visit = (name: string, path: readonly string[]): void => {
      if (path.includes(name)) {
        throw new QaError('QA_CONFIG', {
          what: `Connections need each other in a circle: ${[...path, name].join(' → ')}`,
          mend: 'Break the circle in qa.config',
        });
      }
      const slot = this.#slots.get(name);
      if (!slot) {
        throw new QaError('QA_CONFIG', {
          what: `A connection \`${name}\` is asked for${path.length ? ` by \`${path.at(-1)}\`` : ''}, but the config has none. It has: ${this.names.join(', ')}`,
          mend: 'Correct the name',
        });
      }
      for (const need of this.needsOf(name)) visit(need, [...path, name]);
      wanted.add(name);
    };
    for (const name of names) visit(name, []);
    return [...wanted];
  }

  /** Connections that must be open before this one: what its binding asks for, and what its references are read from. */
  needsOf(name: string): string[] {
    const { connections } = this.#options.config;
    const { binding, input } = connections[name]!;
    const read = needsOf(input, `connections.${name}`).map((need) => connectionFor(need, need.path, connections));
    return [...new Set([...(binding.needs?.(input) ?? []), ...read])];
  }

  #openOnce(slot: Slot, deadline: Deadline): Promise<void> {
    slot.opening ??= this.#openSlot(slot, deadline).catch(this.#hide);
    return slot.opening;
  }

  async #openSlot(slot: Slot, deadline: Deadline): Promise<void> {
    const { name, binding, scope } = slot;
    const { config, namespace, workers } = this.#options;
    const { input } = config.connections[name]!;
    await Promise.all(this.needsOf(name).map((need) => this.#openOnce(this.#slots.get(need)!, deadline)));
    const path = `connections.${name}`;
    const use = (need: Need) => scope.use(connectionFor(need, path, config.connections));
    const resolving = resolveReferences(input, { env: process.env, path, use });
    const resolved = (await deadline.bound(resolving, () =>
      timedOut(name, '', 'The values of its references were not there', config.openTimeout ?? 10_000, 'openTimeout'),
    )) as Record<string, unknown>;
    hideSecrets(this.redactor, input, resolved);
    let options = binding.parse(resolved, path);
    const variable = addressVariable(name);
    const address = process.env[variable];
    hideSecrets(this.redactor, address, address);
    if (address) options = binding.withAddress(options, address, variable);
    else if (resolved.server !== undefined) {
      // Starting a server has a time of its own: it does not count as opening.
      const driver = await scope.driver();
      scope.lease = await deadline.pause(() =>
        lease({
          kind: binding.kind,
          server: resolved.server,
          connection: name,
          namespace,
          baseDir: config.baseDir,
          driver,
          options,
          notice: scope.notice,
        }),
      );
      options = binding.parse({ ...withoutServer(resolved), ...scope.lease.options }, path);
    }
    scope.signal = deadline.signal;
    const way = [address, withoutServer(resolved), scope.lease?.options, namespace, config.stand];
    slot.key = inspect(way, { depth: Number.POSITIVE_INFINITY });
    if (await this.#takeParked(slot, deadline)) return;
    const attributes = { address: binding.describe(options).address };
    const opening = scope.trace('open', attributes, () => binding.open(options, scope));
    const client = await deadline.bound(opening, () => {
      // Nobody will use what opens from now on. That it fails to open or close has no one to hear it: the deadline is told.
      opening.then((late) => binding.close(late)).catch(() => undefined);
      return timedOut(
        name,
        this.#address(binding, { options }),
        'The connection did not open',
        config.openTimeout ?? 10_000,
        'openTimeout',
      );
    });
    slot.opened = { client, options, driver: await scope.driver() };
    await this.#prepareReset(slot, options, workers);
  }

  /** Whether an earlier file of this process left the very connection. */
  async #takeParked(slot: Slot, deadline: Deadline): Promise<boolean> {
    const { binding, scope, key } = slot;
    const kept = unpark(this.#options.config.connections[slot.name]!);
    if (!kept) return false;
    if (kept.key !== key) {
      await Promise.all([kept.resetter?.close(), binding.close(kept.client)]);
      return false;
    }
    const { client, options, driver, lease, resetter, isRestored, redactor } = kept;
    this.redactor.include(redactor);
    scope.lease = lease;
    try {
      await deadline.bound(binding.resume?.(client, scope) ?? Promise.resolve(), () => new Error('It did not resume.'));
    } catch {
      // What ails it is told by opening another one.
      await Promise.all([resetter?.close(), binding.close(client)]);
      return false;
    }
    slot.opened = { client, options, driver };
    if (resetter) slot.resetter = resetter;
    slot.isRestored = isRestored;
    return true;
  }

  /** Leaves an open connection to the next file of this process, where all of it can be made as good as new. */
  async #park(
    { binding, name, key, scope, failed, isRestored = false }: Slot,
    opened: Opened,
    resetter?: Resetter,
  ): Promise<boolean> {
    if (!binding.renew || key === undefined || failed || this.#options.look) return false;
    if (resetter && !resetter.renew?.()) return false;
    if (!(await binding.renew(opened.client))) return false;
    park(this.#options.config.connections[name]!, {
      ...opened,
      key,
      lease: scope.lease,
      resetter,
      isRestored,
      redactor: this.redactor,
    });
    return true;
  }

  async #prepareReset(slot: Slot, options: object, workers: number): Promise<void> {
    const { name, binding, scope } = slot;
    if (!binding.ownership || !binding.reset || this.#options.look) return;
    const proof = await binding.ownership(slot.opened!.client, options, scope);
    if (!proof.owned) {
      scope.notice(`nothing is reset: ${proof.because}`);
      return;
    }
    const isShared = scope.lease ? scope.lease.isShared : true;
    if (isShared && workers > 1 && !proof.harmless)
      throw sharedTarget(name, this.#address(binding, { options }), proof, workers);
    slot.isRestored = !proof.harmless;
    slot.resetter = await binding.reset(slot.opened!.client, proof, scope);
  }

  async #withResetters(what: string, run: (resetter: Resetter, signal: AbortSignal) => Promise<void>): Promise<void> {
    const active = [...this.#slots.values()].filter((slot) => slot.resetter !== undefined);
    if (active.length === 0) return;
    const ms = this.#options.config.resetTimeout ?? 10_000;
    const deadline = new Deadline(ms);
    try {
      const results = await Promise.allSettled(
        active.map(({ name, binding, opened, resetter, scope }) =>
          scope.trace(what, {}, () =>
            deadline.bound(
              run(resetter!, deadline.signal),
              () => timedOut(name, this.#address(binding, opened!), `The ${what} did not end`, ms, 'resetTimeout'),
              RESET_GRACE,
            ),
          ),
        ),
      );
      const failures = results.filter((result) => result.status === 'rejected').map((result) => result.reason);
      if (failures.length === 1) throw failures[0];
      if (failures.length > 1) throw new AggregateError(failures, failures.map((error) => error.message).join('\n'));
    } finally {
      deadline.clear();
    }
  }

  async #closeSlot(slot: Slot): Promise<void> {
    const deadline = new Deadline(CLOSE_TIMEOUT);
    // Detach first: nothing may use the connection any more, whatever closing does.
    const { opened, resetter, binding, name } = slot;
    const address = opened ? this.#address(binding, opened) : '';
    delete slot.opened;
    delete slot.resetter;
    const late = () => timedOut(name, address, 'The connection did not close', CLOSE_TIMEOUT);
    try {
      await slot.opening?.catch(() => {
        slot.failed = true;
      });
      if (!opened || (await this.#park(slot, opened, resetter))) return;
      try {
        if (resetter) await deadline.bound(resetter.close(), late);
      } finally {
        await deadline.bound(binding.close(opened.client), late);
      }
    } finally {
      deadline.clear();
    }
  }
}

function tellOnce(connection: string, line: string): void {
  notice(`qa.${connection}: ${line}`);
}

/** What one sees who prints a handle or makes JSON of it: which connection it is, nothing that it holds. */
function makePresentable(handle: object, shown: () => object): void {
  if (!Object.isExtensible(handle)) return;
  for (const key of [inspect.custom, 'toJSON']) {
    if (!(key in handle)) Object.defineProperty(handle, key, { value: shown, configurable: true });
  }
}

function withoutServer({ server: _, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return rest;
}
