/**
 * The protocol between what runs a test file (an environment) and what tests see (matchers, handles). The
 * environment makes one Runtime a file and puts it into the shared record; matchers find it there.
 */
import { QaError } from './errors.ts';
import { shared } from './shared.ts';
import type { AnySource, Caller, WaitOptions } from './source.ts';
import type { Operation, TracedRun } from './trace.ts';

export interface Runtime {
  readonly runner: 'jest' | 'vitest';
  /** The object that tests know as `qa`. */
  readonly qa: object;
  /** Defaults of the config. */
  readonly defaults: MatcherDefaults;
  /** The test or hook whose function runs in this asynchronous context. */
  current(): Running | undefined;
  /** Hides secrets in a text. */
  redact(text: string): string;
  /** Publishes and logs a wait as one operation: what happens inside is part of it. Absent where nobody listens. */
  trace?<T>(operation: Operation, run: TracedRun<T>): Promise<T>;
  /** Set by the matchers when they load: `source.waitFor` runs through them. */
  waitFor?: (
    source: AnySource,
    expected: unknown,
    options: WaitOptions | undefined,
    caller: Caller,
  ) => Promise<unknown>;
  /** Set by the runner adapter: what `@qa/jest-preset/globals` hands out. */
  globals?: Record<string, unknown>;
}

export interface MatcherDefaults {
  /** Whether our matchers are soft when a call does not say. */
  soft: boolean;
  /** Time to become true, ms. */
  within: number;
}

/** A test's or a hook's function while it runs, and after. */
export interface Running {
  readonly kind: 'test' | 'hook';
  /** Full name, for messages. */
  readonly name: string;
  /** False where failures must be thrown at once (`test.failing`). */
  readonly soft: boolean;
  /** Ms until the runner's own timeout ends this function; Infinity when there is none. */
  timeLeft(): number;
  /** Records a soft failure: the function goes on, the test fails in the end. `error` carries its own stack. */
  fail(error: Error): void;
  /** Called when a matcher starts; the function returned must be called when it has settled. */
  track(matcher: PendingMatcher): () => void;
}

export interface PendingMatcher {
  /** `expect(qa.db.table('orders')).toHaveRowMatching(…)` */
  readonly label: string;
  /** Stack frames of the call. */
  readonly stack: string;
  /** What it failed with while nobody looked at its promise: it stays pending then. The cause of "not awaited". */
  readonly error?: Error | undefined;
}

/** The runtime of this file; throws QA_NO_ENVIRONMENT when there is none. */
export function runtime(): Runtime {
  const found = shared().runtime;
  if (found) return found;
  throw new QaError('QA_NO_ENVIRONMENT', {
    what: 'This file runs without the environment of @qa/jest-preset',
    mend: "In Jest set `preset: '@qa/jest-preset'` (and no other `testEnvironment`, here or in the file's docblock); in Vitest add `qaPreset()` to `plugins`",
  });
}
