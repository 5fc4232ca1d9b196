/** One deadline for several steps, with an AbortSignal, on a clock that fake timers cannot stop. */
import { clock } from '../bindings/core/clock.ts';

export class Deadline {
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #left: number;
  #since = 0;
  #paused = 0;

  constructor(ms: number) {
    this.#left = ms;
    this.#start();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Stops counting while `run` is under way: it has a time limit of its own. */
  async pause<T>(run: () => Promise<T>): Promise<T> {
    this.#paused += 1;
    if (this.#paused === 1) {
      this.clear();
      this.#left -= clock().now() - this.#since;
    }
    try {
      return await run();
    } finally {
      this.#paused -= 1;
      if (this.#paused === 0) this.#start();
    }
  }

  /**
   * `promise`, or the error of `late` when the time is up; a later rejection of `promise` is then nobody's.
   * Within `grace` ms after the end `promise` may still fail by itself: its error knows more (who holds a lock).
   */
  bound<T>(promise: Promise<T>, late: () => Error, grace = 0): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const onAbort = () => {
        if (grace === 0) reject(late());
        else timer = clock().setTimeout(() => reject(late()), grace);
      };
      if (this.signal.aborted) onAbort();
      else this.signal.addEventListener('abort', onAbort, { once: true });
      promise.then(resolve, reject).finally(() => {
        clock().clearTimeout(timer);
        this.signal.removeEventListener('abort', onAbort);
      });
    });
  }

  /** Ends the counting. */
  clear(): void {
    clock().clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #start(): void {
    this.#since = clock().now();
    this.#timer = clock().setTimeout(
      () => this.#abort.abort(new DOMException('The time is up.', 'TimeoutError')),
      Math.max(this.#left, 0),
    );
  }
}
