/**
 * Lets `test` and `describe`, in every form that Jest has, take `{ tags, timeout }` as their second argument, and
 * remembers what they were given.
 */
import { QaError } from '../../bindings/core/errors.ts';
import { didYouMean } from '../../bindings/core/suggest.ts';
import type { CircusDescribe, CircusState, CircusTest } from './circus.ts';

export interface TestOptions {
  tags: readonly string[];
  /** Ms; of a describe: for its tests that have none of their own. */
  timeout: number | undefined;
}

const WRAPPED = ['test', 'it', 'fit', 'xit', 'xtest', 'describe', 'fdescribe', 'xdescribe'] as const;
const NO_OPTIONS: TestOptions = { tags: [], timeout: undefined };

type Callable = (...args: unknown[]) => unknown;
type Call = { options: TestOptions; boundary: Callable; eachSite: Error | undefined };

export class Collector {
  readonly #options = new WeakMap<object, TestOptions>();
  /** The calls under way, innermost last. */
  readonly #calls: Call[] = [];
  /** So that `it` stays the same as `test`, and `fit` as `it.only`. */
  readonly #wrapped = new WeakMap<Callable, Callable>();

  optionsOf(node: CircusTest | CircusDescribe): TestOptions {
    return this.#options.get(node) ?? NO_OPTIONS;
  }

  /** Replaces the functions of `runtimeGlobals` (which `@jest/globals` hands out) and of the global object. */
  wrapGlobals(runtimeGlobals: Record<string, unknown>, global: Record<string, unknown>): void {
    for (const name of WRAPPED) {
      const original = runtimeGlobals[name];
      if (typeof original !== 'function') continue;
      const wrapped = this.#wrap(original as Callable);
      if (global[name] === original) global[name] = wrapped;
      runtimeGlobals[name] = wrapped;
    }
  }

  /** After circus has put the test into its tree. */
  onTest({ asyncError, failing }: { asyncError: Error; failing: boolean }, state: CircusState): void {
    const call = this.#calls.at(-1);
    if (!call || state.hasStarted || state.currentlyRunningTest) return;
    const test = state.currentDescribeBlock.children.at(-1);
    if (test?.type !== 'test') return;
    if (call.options !== NO_OPTIONS) this.#options.set(test, call.options);
    // Whatever points at the test's definition must not point at the wrapper.
    if (failing && call.eachSite) takeStack(asyncError, call.eachSite);
    else Error.captureStackTrace(asyncError, call.boundary);
  }

  onDescribe(state: CircusState): void {
    const call = this.#calls.at(-1);
    if (call && call.options !== NO_OPTIONS) this.#options.set(state.currentDescribeBlock, call.options);
  }

  #wrap(original: Callable, isEach = false, eachSite?: Error): Callable {
    const known = this.#wrapped.get(original);
    if (known) return known;
    const collector = this;
    // A real function and no proxy: it must be found among the frames of a stack.
    const wrapper: Callable = isEach
      ? function (this: unknown, ...table) {
          const site = new Error();
          Error.captureStackTrace(site, wrapper);
          return collector.#wrap(Reflect.apply(original, this, table) as Callable, false, site);
        }
      : function (this: unknown, ...args) {
          return collector.#call(original, this, args, wrapper, eachSite);
        };
    this.#wrapped.set(original, wrapper);
    for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(original))) {
      const { value } = descriptor;
      if (typeof value === 'function' && key !== 'prototype') descriptor.value = this.#wrap(value, key === 'each');
      Object.defineProperty(wrapper, key, descriptor);
    }
    return wrapper;
  }

  #call(target: Callable, self: unknown, args: unknown[], boundary: Callable, eachSite: Error | undefined): unknown {
    const [name, second, third, fourth] = args;
    let options = NO_OPTIONS;
    let plain = args;
    if (isOptions(second)) {
      options = readOptions(second, name, boundary);
      // `test.todo(name, { tags })` has no function.
      plain = args.length === 2 ? [name] : [name, third];
      const timeout = options.timeout ?? fourth;
      if (timeout !== undefined) plain.push(timeout);
    }
    this.#calls.push({ options, boundary, eachSite });
    try {
      return Reflect.apply(target, self, plain);
    } finally {
      this.#calls.pop();
    }
  }
}

/** Jest points failing tests of a table at its `.each`. Lazily: stacks are costly to write out. */
function takeStack(error: Error, site: Error): void {
  Object.defineProperty(error, 'stack', {
    configurable: true,
    get: () => {
      site.message = error.message;
      return site.stack;
    },
    set: (value) => Object.defineProperty(error, 'stack', { configurable: true, writable: true, value }),
  });
}

const KEYS = ['tags', 'timeout'];

function isOptions(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readOptions(given: Record<string, unknown>, name: unknown, boundary: Callable): TestOptions {
  const fail = (what: string, mend: string): never => {
    const error = new QaError('QA_MISUSE', { what: `The options of \`${String(name)}\`: ${what}`, mend });
    Error.captureStackTrace(error, boundary);
    throw error;
  };
  for (const key of Object.keys(given)) {
    if (!KEYS.includes(key))
      fail(
        `\`${key}\` is not known. ${didYouMean(key, KEYS)}`,
        'In Jest the options of a test are `tags` and `timeout`',
      );
  }
  const { tags, timeout } = given;
  const list = typeof tags === 'string' ? [tags] : (tags ?? []);
  if (!Array.isArray(list) || !list.every((tag) => typeof tag === 'string' && tag !== ''))
    fail('`tags` is not a list of names', "Write `tags: ['smoke']`");
  if (timeout !== undefined && (typeof timeout !== 'number' || Number.isNaN(timeout) || timeout < 0))
    fail('`timeout` is not a number of milliseconds', 'Write `timeout: 10_000`');
  return { tags: list as string[], timeout: timeout as number | undefined };
}
