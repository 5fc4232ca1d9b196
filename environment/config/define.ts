/** What a `qa.config` says, and the types that follow from it. */
import type { Connection, HandleOf } from '../../bindings/core/connection.ts';
import type { LogOptions } from '../log/outlets.ts';
import type { QaBase } from '../qa.ts';
import type { DeployedService, Service } from './services.ts';

export type Connections = Readonly<Record<string, Connection>>;

export interface Stand {
  /** Replaces whole connections of the same name and kind. */
  connections: Connections;
  /** Services of the same name that run there. */
  services?: Readonly<Record<string, DeployedService>>;
}

export interface QaConfig<C extends Connections = Connections, S extends string = string> {
  /** Each becomes a property of the global `qa`. */
  connections: C;
  /** The services under test, by name: started for the run, for a worker or for a file. */
  services?: Readonly<Record<S, Service<C>>>;
  /** Other places to test against, chosen with `QA_STAND=name`. */
  stands?: Readonly<Record<string, Stand>>;
  /** Tags that tests may carry. With it an undeclared one is an error, without it any is accepted. */
  tags?: readonly string[];
  /** Whether our matchers collect failures instead of stopping the test. Default: true. */
  soft?: boolean;
  /** How long a matcher waits for a state to become true, ms. Default: 5000. */
  within?: number;
  /** Time for all connections of a file to open, ms. Default: 10000. */
  openTimeout?: number;
  /** Time for one reset, ms. Default: 10000. */
  resetTimeout?: number;
  /** A file that gets the log of all tests: `log: { file: 'qa.ndjson' }`. Default: none; lines show under failed tests. */
  log?: LogOptions;
  /** Runs after each reset, before `beforeEach`; gets the same `qa` as the tests. */
  afterReset?: (qa: QaBase<S> & Handles<C>) => unknown;
}

/** The handles of a config's connections. */
export type Handles<C extends Connections> = { readonly [Name in keyof C]: HandleOf<C[Name]> };

/**
 * Filled by the user, which types the global `qa`:
 * `declare module '@qa/jest-preset' { interface Register { config: typeof config } }`
 */
// biome-ignore lint/suspicious/noEmptyInterface: users augment it
export interface Register {}

/** Filled by the types of the runner (`/jest` or `/vitest`), which types `@qa/jest-preset/globals`. */
// biome-ignore lint/suspicious/noEmptyInterface: the runners' types augment it
export interface RunnerGlobals {}

/** The connections of the registered config; any name when none is registered. */
export type RegisteredConnections = Register extends { config: QaConfig<infer C, infer _> } ? C : Connections;

/** The names of its services. */
export type RegisteredServices = Register extends { config: QaConfig<infer _, infer S> } ? S : string;

/** Type of the global `qa`. */
export type Qa = QaBase<RegisteredServices> & Handles<RegisteredConnections>;

/**
 * Types a config; returns it as it is.
 *
 * @example
 * const config = defineConfig({ connections: { db: postgres({ server: embedded({ schema: './schema.sql' }) }) } });
 * export default config;
 */
export function defineConfig<const C extends Connections, const S extends string = never>(
  config: QaConfig<C, S>,
): QaConfig<C, S> {
  return config;
}
