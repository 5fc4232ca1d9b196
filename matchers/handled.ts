/** Promises of matchers, which must be awaited: one that was not fails its test. */
import type { PendingMatcher, Running } from '../bindings/core/runtime.ts';

/**
 * What the user gets of a matcher's `work`: pending for the test or hook in which it was called, until it has settled and
 * its failure, if any, has been looked at.
 *
 * @param derivations how often the runner derives a promise before the user gets it
 */
export function tracked<T>(
  work: Promise<T>,
  { running, pending, derivations }: { running: Running | undefined; pending: PendingMatcher; derivations: number },
): Promise<T> {
  // Where no test or hook would tell of it, a failure that nobody awaits must end up with the runner.
  if (!running) return work;
  const settled = running.track(pending);
  const promise = Handled.of(work, derivations);
  // A hard failure that nobody looks at must not get lost: the matcher stays pending, and so fails its test.
  const finish = () => (pending.error === undefined ? settled() : promise.whenObserved(settled));
  work.then(finish, finish);
  return promise;
}

/**
 * A promise that never becomes an unhandled rejection, nor does any promise that a runner derives from it: a
 * matcher that was not awaited fails its test with a message of its own, and must not end the process as well.
 *
 * It knows whether somebody looked at the promise that the *user* got, so that a rejection nobody awaited can be
 * told from one that was.
 */
export class Handled<T> extends Promise<T> {
  /** How many derivations from here is the promise that the user gets. */
  #derivations = 0;
  #root: Handled<unknown> = this as Handled<unknown>;
  #observed = false;
  #listeners: (() => void)[] = [];

  // biome-ignore lint/suspicious/noThenProperty: it is a promise, and must know who looks at it.
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const next = super.then(onFulfilled, onRejected) as Handled<A | B>;
    next.#derivations = this.#derivations - 1;
    next.#root = this.#root;
    super.then.call(next, undefined, ignore);
    if (this.#derivations <= 0) this.#root.#look();
    return next;
  }

  /** Wraps `work`. `derivations`: how often the runner derives a promise before the user gets it. */
  static of<T>(work: Promise<T>, derivations: number): Handled<T> {
    const promise = new Handled<T>((resolve, reject) => {
      work.then(resolve, reject);
    });
    promise.#derivations = derivations;
    Promise.prototype.then.call(promise, undefined, ignore);
    return promise;
  }

  /** Calls `listener` once the user's promise is looked at: at once when it has been. */
  whenObserved(listener: () => void): void {
    if (this.#observed) listener();
    else this.#listeners.push(listener);
  }

  #look(): void {
    this.#observed = true;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}

function ignore(): void {}
