/**
 * The contract of a binding: how to open, check, reset and close one kind of system, and what can be observed in
 * it. A binding is a stateless record; the session holds all state.
 */
import type { Finding } from './finding.ts';
import type { Log } from './log.ts';
import type { Redactor } from './redact.ts';
import type { AnySource, Caller, WaitOptions } from './source.ts';
import type { Attributes, TracedRun } from './trace.ts';

export interface Binding<Options extends object = object, Client = unknown, Handle extends object = object> {
  /** 'postgres' */
  readonly kind: string;
  /** The npm package it drives, an optional peer: loaded on open only, outside the runner's sandbox. */
  readonly driver?: Driver;
  /** Names of connections that must be open first. */
  needs?(input: unknown): string[];
  /**
   * Checks what the config says, after references are resolved.
   *
   * @throws QaError QA_CONFIG for an unknown key or a wrong type, naming `path`
   */
  parse(input: Readonly<Record<string, unknown>>, path: string): Options;
  /** The same options with another address, from `QA_<NAME>_URL`. The target is then not ours. */
  withAddress(options: Options, address: string, path: string): Options;
  /** Pure and redacted: for errors and reports. */
  describe(options: Options): Description;
  open(options: Options, scope: Scope): Promise<Client>;
  health(client: Client, scope: Scope): Promise<Health>;
  /**
   * What `qa doctor` tells beyond health: rights that are missing, the clock, what the config names and the target has
   * not. It must write nothing, anywhere. What it throws is told as trouble of its own.
   */
  inspect?(client: Client, options: Options, scope: Scope): Promise<readonly Finding[]>;
  /** Whether this target is ours to reset. Without it nothing ever is. */
  ownership?(client: Client, options: Options, scope: Scope): Promise<Proof | Refusal>;
  /** Only called by the session, only with a proof. */
  reset?(client: Client, proof: Proof, scope: Scope): Promise<Resetter>;
  /** Idempotent; also of a half-open client. */
  close(client: Client): Promise<void>;
  /**
   * At the end of a file whose process may run more of them: makes an open client as good as a new one, so that the
   * next file need not open its own. Nothing of it may keep the process alive. False: it must be closed. Without it
   * each file opens and closes.
   */
  renew?(client: Client): Promise<boolean>;
  /** Before the next file uses a client that `renew` has kept: what belongs to that file begins. */
  resume?(client: Client, scope: Scope): Promise<void>;
  /**
   * What tests see as `qa.<name>`; made before the connection opens. `opened` gives the client or throws
   * QA_NOT_OPEN; nothing but methods, getters of I/O and of addresses may call it.
   */
  handle(opened: () => Opened<Options, Client>, scope: Scope): Handle;
}

export interface Opened<Options, Client> {
  client: Client;
  options: Options;
  /** The driver's module. */
  driver: unknown;
}

export interface Driver {
  /** 'pg' */
  name: string;
  /** '>=8.11 <9' */
  range: string;
  /** Native code that ends the process in a worker thread, or when a vm loads it again: the connection is refused there. */
  mainThreadOnly?: boolean;
  /** It is loaded by a process of the binding's own only: `scope.driver()` gives the path of its main file. */
  inChild?: boolean;
  /** What installing it needs besides npm, as a sentence. */
  requires?: string;
}

export interface Description {
  /** `postgres://app@127.0.0.1:5432/shop`, without secrets. */
  address: string;
}

export interface Health {
  version: string;
  /** Milliseconds of one round trip. */
  latency: number;
  /** Who we are there: user and database. */
  identity: string;
}

export interface Proof {
  owned: true;
  /** `throwaway`: all of it is ours. `marker`: only what the config lists. `marks`: nothing of it; see `harmless`. */
  by: 'throwaway' | 'marker' | 'marks';
  /** One line for reports. */
  because: string;
  /**
   * The reset takes nothing from others: it only notes from where on what the binding reads counts, and removes at most
   * what this very connection made. So it may run while other workers use the same target, and, `by: 'marks'`, on a
   * target that is not ours. Default: false.
   */
  harmless?: boolean;
}

export interface Refusal {
  owned: false;
  /** One line that says why, printed once a run. */
  because: string;
}

/**
 * Brings a target back to its baseline. One a connection and file; the session serialises the calls.
 * Baselines nest as describes do: level 0 is the target as it was handed out.
 */
export interface Resetter {
  /** Undoes what was written since the innermost baseline. `signal` carries the deadline. */
  reset(signal: AbortSignal): Promise<void>;
  /** What is there now becomes the innermost baseline. */
  push(signal: AbortSignal): Promise<void>;
  /** Forgets the innermost baseline: what it held beyond the outer one is undone by the next reset. */
  pop(): void;
  /** Forgets all baselines but the outermost, for the next file of this process. False: it must be closed. */
  renew?(): boolean;
  /** Gives locks and helpers back; the target is left as it is. Idempotent. */
  close(): Promise<void>;
}

export interface Namespace {
  /** Short id of the run: letters and digits. */
  run: string;
  /** Number of the worker, from 1. */
  worker: string;
}

export interface Scope {
  /** The connection's name in the config: 'db'. */
  readonly connection: string;
  readonly namespace: Namespace;
  /** Absolute path of the folder that relative paths of the config start from. */
  readonly baseDir: string;
  /** Ends with the deadline of the operation under way (opening, closing). */
  readonly signal: AbortSignal;
  readonly redactor: Redactor;
  /** Set when the connection has a throwaway server. */
  readonly lease: Lease | undefined;
  /** The driver's module, loaded outside the sandbox; throws QA_DRIVER_MISSING with what to install. */
  driver(): Promise<unknown>;
  /** An open client of another connection. */
  use(name: string): Promise<unknown>;
  /**
   * A value that one process of the run makes and all its processes get, JSON; it is kept in memory, never on disk.
   *
   * @param key tells it from others; it holds no secret
   */
  once<T>(key: string, make: () => Promise<T>): Promise<T>;
  /**
   * Lines of the connection: into the log, and under a test that fails. Operations are told by `trace`, trouble that the
   * user must hear of by `notice`.
   */
  readonly log: Log;
  /**
   * Publishes an operation, which is one line of the log; see trace.ts.
   *
   * @param level `trace` for what the binding needs to know for itself: a question to the catalog. Default: `debug`.
   */
  trace<T>(operation: string, attributes: Attributes, run: TracedRun<T>, level?: 'debug' | 'trace'): Promise<T>;
  /** Makes a value one of the tests' own realm (Jest's sandbox has its own `Date`, `Map`, `Error`). */
  adopt<T>(value: T): T;
  /** Runs the waiting of `source.waitFor`. */
  waitFor(source: AnySource, expected: unknown, options: WaitOptions | undefined, caller: Caller): Promise<unknown>;
  /** One line to the user, once a run. */
  notice(line: string): void;
}

/** A target on a server that this run started or was lent. */
export interface Lease {
  /** Options that replace the user's: the address. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Why it is ours. */
  readonly because: string;
  /** Whether other workers use the same target. */
  readonly isShared: boolean;
  /** What a binding needs to prove and to reset: e.g. an administrator's address. Never printed. */
  readonly secret: Readonly<Record<string, string>>;
}

/** Checks a user's own binding's types; returns it as it is. */
export function defineBinding<Options extends object, Client, Handle extends object>(
  binding: Binding<Options, Client, Handle>,
): Binding<Options, Client, Handle> {
  return binding;
}
