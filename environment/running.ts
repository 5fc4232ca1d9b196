/** A test's or hook's function while it runs: its time, its soft failures, its matchers that have not settled. */
import { clock } from '../bindings/core/clock.ts';
import { QaError } from '../bindings/core/errors.ts';
import type { PendingMatcher, Running } from '../bindings/core/runtime.ts';
import type { StateScope } from './state.ts';

export interface RunningOptions {
  kind: 'test' | 'hook';
  name: string;
  /** The runner's timeout for this function, ms; 0 or Infinity for none. */
  timeout: number;
  /** Where `qa.state` writes. */
  state: StateScope;
  /** False where failures must be thrown at once. */
  soft: boolean;
  /** Inside a group of concurrent tests. */
  concurrent: boolean;
  /** Takes failures of matchers: soft ones, and those not awaited. */
  fail(error: Error): void;
}

export class ActiveFunction implements Running {
  readonly kind: 'test' | 'hook';
  readonly name: string;
  readonly soft: boolean;
  readonly state: StateScope;
  readonly concurrent: boolean;
  #ends: number;
  readonly #fail: (error: Error) => void;
  readonly #pending = new Set<PendingMatcher>();
  #settled = false;

  constructor({ kind, name, timeout, state, soft, concurrent, fail }: RunningOptions) {
    this.kind = kind;
    this.name = name;
    this.soft = soft;
    this.state = state;
    this.concurrent = concurrent;
    this.#fail = fail;
    this.#ends = timeout > 0 ? clock().now() + timeout : Number.POSITIVE_INFINITY;
  }

  /** The runner's limit where it is known only once the function runs: ms from now. */
  endsIn(ms: number): void {
    this.#ends = clock().now() + ms;
  }

  /** Its end has come; a fixture or timer that it left may still run in its context. */
  get isSettled(): boolean {
    return this.#settled;
  }

  timeLeft(): number {
    return this.#ends - clock().now();
  }

  fail(error: Error): void {
    // After its end the failure of a matcher is already told, as not awaited.
    if (!this.#settled) this.#fail(error);
  }

  track(matcher: PendingMatcher): () => void {
    this.#pending.add(matcher);
    return () => this.#pending.delete(matcher);
  }

  /** To be called when the function has settled: each matcher still under way is one failure. */
  settle(): void {
    if (this.#settled) return;
    // Ended by the runner's time limit: who was being awaited then cannot be told from who was not.
    if (this.timeLeft() <= 0) this.#pending.clear();
    for (const { label, stack, error: failure } of this.#pending) {
      const outcome = failure
        ? `it failed, and the ${this.kind} went on without knowing`
        : `when the ${this.kind} ended it had no answer yet, so it proved nothing`;
      const error = new QaError('QA_NOT_AWAITED', {
        what: `\`${label}\` was not awaited: ${outcome}`,
        mend: `Write \`await ${label}\``,
        cause: failure,
      });
      error.stack = `${error.name}: ${error.message}\n${stack}`;
      this.#fail(error);
    }
    this.#settled = true;
  }
}
