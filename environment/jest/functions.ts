/** Replaces a test's or hook's function by one that runs it in a context of ours, and that Jest treats the same. */
import type { ActiveFunction } from '../running.ts';

export interface Context {
  /** Called when the runner calls the function; undefined: do not run it at all. */
  begin(): ActiveFunction | undefined;
  /** Runs a part of the function. */
  within<T>(active: ActiveFunction, call: () => T): T;
  /** Called when the function has settled. */
  end(): void;
}

type Fn = (this: unknown, ...args: unknown[]) => unknown;

export function wrapFunction(original: Fn, context: Context): Fn {
  if (original.length > 0) return withDone(original, context);
  return isGeneratorFunction(original) ? generator(original, context) : plain(original, context);
}

function plain(original: Fn, { begin, within, end }: Context): Fn {
  return function () {
    const active = begin();
    if (!active) return undefined;
    const settle = () => {
      active.settle();
      end();
    };
    let result: unknown;
    try {
      result = within(active, () => original.call(this));
    } catch (error) {
      settle();
      throw error;
    }
    if (!isPromise(result)) {
      settle();
      return result;
    }
    return result.then(
      (value) => {
        settle();
        return value;
      },
      (error) => {
        settle();
        throw error;
      },
    );
  };
}

/** `test(name, (done) => …)`: settled when `done` is called. */
function withDone(original: Fn, { begin, within, end }: Context): Fn {
  return function (this: unknown, done: unknown) {
    const call = done as (reason?: unknown) => void;
    const active = begin();
    if (!active) {
      call();
      return undefined;
    }
    const settle = () => {
      active.settle();
      end();
    };
    // By its own name, which Jest's messages show.
    const wrapped = {
      done(reason?: unknown) {
        settle();
        return call(reason);
      },
    };
    try {
      return within(active, () => original.call(this, wrapped.done));
    } catch (error) {
      settle();
      throw error;
    }
  };
}

/** Jest drives generator functions itself, so the wrapper is one too and each step runs in the context. */
function generator(original: Fn, { begin, within, end }: Context): Fn {
  return function* () {
    const active = begin();
    if (!active) return undefined;
    try {
      const iterator = within(active, () => original.call(this)) as Generator<unknown, unknown, unknown>;
      let step = within(active, () => iterator.next());
      while (!step.done) {
        let input: unknown;
        try {
          input = yield step.value;
        } catch (error) {
          step = within(active, () => iterator.throw(error));
          continue;
        }
        step = within(active, () => iterator.next(input));
      }
      return step.value;
    } finally {
      active.settle();
      end();
    }
  };
}

function isGeneratorFunction(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object GeneratorFunction]';
}

/** As Jest asks. */
function isPromise(value: unknown): value is Promise<unknown> {
  return value !== null && typeof value === 'object' && typeof (value as { then?: unknown }).then === 'function';
}
