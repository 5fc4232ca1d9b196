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
