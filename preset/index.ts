/**
 * `@qa/jest-preset`: what a `qa.config` imports.
 *
 * @packageDocumentation
 */
export type {
  Binding,
  Description,
  Driver,
  Health,
  Lease,
  Namespace,
  Opened,
  Proof,
  Refusal,
  Resetter,
  Scope,
} from '../bindings/core/binding.ts';
export { defineBinding } from '../bindings/core/binding.ts';
export type { Connection, HandleOf } from '../bindings/core/connection.ts';
export { connection } from '../bindings/core/connection.ts';
export type { ErrorCode } from '../bindings/core/errors.ts';
export { isQaError, QaError } from '../bindings/core/errors.ts';
export type { Reference } from '../bindings/core/reference.ts';
export { fromEnv } from '../bindings/core/reference.ts';
export type { EmbeddedOptions, EmbeddedServer, Schema } from '../bindings/core/server.ts';
export { embedded } from '../bindings/core/server.ts';
export type { AnySource, RowObserver, RowSource, WaitOptions } from '../bindings/core/source.ts';
export type {
  PoolOptions,
  PostgresHandle,
  PostgresOptions,
  PostgresStatements,
  PostgresTransaction,
  SqlFragment,
  SqlTag,
  TlsOptions,
} from '../bindings/databases/postgres/index.ts';
export { postgres } from '../bindings/databases/postgres/index.ts';
export type {
  Connections,
  Handles,
  Qa,
  QaConfig,
  Register,
  RunnerGlobals,
  Stand,
} from '../environment/config/define.ts';
export { defineConfig } from '../environment/config/define.ts';
export type { QaBase } from '../environment/qa.ts';
export type { State } from '../environment/state.ts';
export type {
  AsymmetricLike,
  MatcherOptions,
  Matching,
  MatchingRow,
  QaMatchers,
  RowsOptions,
  TestOptions,
} from '../matchers/types.ts';
