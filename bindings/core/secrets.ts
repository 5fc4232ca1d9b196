/** Sources of secrets: a set of named values that a secret store keeps under one path, mostly in versions. */
import type { Bounds } from './entries.ts';
import { type AnySource, isSource, SOURCE, type StateObserver, type WaitOptions } from './source.ts';

/** What a test may ask of a secret: at least one of both. */
export interface SecretConditions<Data extends object = Record<string, unknown>> {
  /** Partial at any depth. */
  data?: Partial<Data> | Record<string, unknown>;
  /** What the current version must be. Only of stores that keep versions. */
  version?: number | Bounds | { asymmetricMatch(other: unknown): boolean };
}

/** Lazy, as all sources are: it reads when a matcher or one of its methods does. */
export interface SecretSource<Data extends object = Record<string, unknown>> extends AnySource {
  readonly [SOURCE]: SecretObserver;
  /** All of its values, at once. */
  read(options?: { version?: number }): Promise<Data>;
  /**
   * Waits for a secret that matches and returns its data; throws at once when the time is up.
   *
   * @throws QaError QA_WAIT_FAILED
   */
  waitFor(expected: SecretConditions<Data>, options?: WaitOptions): Promise<Data>;
}

/** What a system tells the matchers about one secret. All of it reads; what it reads is registered with the redactor. */
export interface SecretObserver extends StateObserver {
  readonly kind: 'secrets';
  /** One look at the current version, or at the one that is named. */
  read(options: { version?: number | undefined; signal: AbortSignal }): Promise<SeenSecret>;
  /** For a failure: what the reader should know, such as a path near to one that is not there. */
  explain(signal: AbortSignal): Promise<string[]>;
}

export type SeenSecret =
  | {
      there: true;
      data: Readonly<Record<string, unknown>>;
      /** Undefined where the store keeps none. */
      version: number | undefined;
    }
  | {
      there: false;
      /** In words: `the version was deleted`. */
      why: string;
      version: number | undefined;
    };

export function isSecretSource(value: unknown): value is SecretSource {
  return isSource(value) && value[SOURCE].kind === 'secrets';
}
