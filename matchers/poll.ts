/**
 * `expect.poll(fn, { within })`: calls the function again and again until a matcher accepts what it returns. Every matcher
 * can be used, in both runners; Jest has no such thing, Vitest's own knows neither `within` nor what it saw.
 */
import { isQaError } from '../bindings/core/errors.ts';
import { runtime } from '../bindings/core/runtime.ts';
import { isThenable } from '../bindings/core/thenable.ts';
import { callsite, framed } from './callsite.ts';
import { tracked } from './handled.ts';
import { misuse } from './misuse.ts';
import { type PollOptions, pollOptions } from './poll-options.ts';
import { failureOf, type Polled, pollUntil } from './poll-until.ts';
import { asTry } from './polling.ts';
import { cut, print } from './print.ts';

/** The part of a runner's `expect` that is needed. */
export interface PolledExpect {
  (actual: unknown): object;
  getState(): { assertionCalls?: number };
  setState(state: { assertionCalls: number }): void;
}

/** What differs between runners. */
export interface PollSetup {
  /** Where a call does not say, ms. */
  within?: number | undefined;
  interval?: number | undefined;
  /** After each pause: fake timers of the runner's go on by so many ms. */
  tick?(ms: number): void;
  /** The runner's own, for matchers that only it can poll: snapshots. */
  original?: ((fn: Polled, options: { timeout: number; interval: number; message?: string }) => object) | undefined;
}

type Path = readonly (string | symbol)[];

export function pollOf(
  expect: PolledExpect,
  setup: PollSetup,
  isSoft = false,
): (fn: unknown, options?: unknown) => object {
  return function poll(fn, options) {
    const site = callsite(poll);
    try {
      if (typeof fn !== 'function') throw notAFunction(fn);
      const given = pollOptions(options, setup);
      const settings = { ...given, soft: given.soft ?? isSoft };
      const { result: probe } = counted(expect, () => expect(undefined));
      return chain({ expect, setup, fn: fn as Polled, settings }, probe, []);
    } catch (error) {
      throw isQaError(error) ? framed(error, site) : error;
    }
  };
}

interface Call {
  expect: PolledExpect;
  setup: PollSetup;
  fn: Polled;
  settings: PollOptions & { within: number; interval: number; soft: boolean };
}

/** As `expect(value)`, but without a value yet: what is called on it is called at each try. */
function chain(call: Call, probe: object, path: Path): object {
  return new Proxy(probe, {
    get(target, key) {
      if (key === 'then')
        throw misuse(
          'expect.poll() was awaited without a matcher',
          'Say what must become true: `await expect.poll(fn).toBe(…)`',
        );
      if (key === 'resolves' || key === 'rejects')
        throw misuse(
          `expect.poll() awaits what the function returns itself, so \`.${key}\` has no place`,
          `Leave \`.${key}\` out`,
        );
      const value: unknown = Reflect.get(target, key);
      if (typeof value === 'object' && value !== null) return chain(call, value, [...path, key]);
      if (typeof value !== 'function') return value;
      return function polledMatcher(...args: unknown[]): PromiseLike<void> {
        const { original } = call.setup;
        const { within, interval, message } = call.settings;
        if (original && isRunnersOwn(key, value)) {
          const start = original(call.fn, { timeout: within, interval, ...(message !== undefined && { message }) });
          return invoke(start, [...path, key], args) as PromiseLike<void>;
        }
        return run(call, [...path, key], args, callsite(polledMatcher));
      };
    },
  });
}

function run(
  { expect, setup, fn, settings }: Call,
  path: Path,
  args: unknown[],
  site: ReturnType<typeof callsite>,
): Promise<void> {
  const running = runtime().current();
  const isSoft = settings.soft && running?.soft === true;
  const name = path.map(String).join('.');
  const pending = {
    label: `expect${settings.soft ? '.soft' : ''}.poll(…).${name}(…)`,
    error: undefined as Error | undefined,
    get stack() {
      return site.frames;
    },
  };
  const attributes = {
    get call() {
      return `expect.poll(${sourceOf(fn)}).${name}(${args.map((arg) => print(arg, 80)).join(', ')})`;
    },
    ok: undefined as boolean | undefined,
    looks: undefined as number | undefined,
  };
  const match = async (value: unknown) => {
    const { result } = counted(expect, () => asTry(() => invoke(expect(value), path, args)));
    if (!isThenable(result)) return;
    try {
      await result;
    } finally {
      // Jest counts these when they settle.
      if (runtime().runner === 'jest') uncount(expect, 1);
    }
  };
  // However often it is tried, it is one assertion.
  uncount(expect, -1);
  const polling = () => pollUntil(fn, match, { ...settings, running, tick: setup.tick });
  const work = (async () => {
    const outcome = await (runtime().trace?.(
      { connection: undefined, kind: 'wait', operation: 'poll', attributes },
      async () => {
        const seen = await polling();
        Object.assign(attributes, { ok: seen.failure === undefined, looks: seen.tries });
        return seen;
      },
    ) ?? polling());
    if (outcome.failure === undefined) return;
    const error = framed(failureOf(outcome, { call: attributes.call, message: settings.message }), site);
    if (isSoft) return running.fail(error);
    pending.error = error;
    throw error;
  })();
  return tracked(work, { running, pending, derivations: 0 });
}

function invoke(start: object, path: Path, args: unknown[]): unknown {
  let at: object = start;
  for (const key of path.slice(0, -1)) at = Reflect.get(at, key) as object;
  return (Reflect.get(at, path.at(-1)!) as (...args: unknown[]) => unknown).apply(at, args);
}

/** Runs what the runner counts as an assertion without its being counted. */
function counted<T>(expect: PolledExpect, run: () => T): { result: T } {
  const { assertionCalls = 0 } = expect.getState();
  try {
    return { result: run() };
  } finally {
    expect.setState({ assertionCalls });
  }
}

function uncount(expect: PolledExpect, by: number): void {
  expect.setState({ assertionCalls: (expect.getState().assertionCalls ?? 0) - by });
}

/** What takes over the polling itself, or keeps what it has seen. */
function isRunnersOwn(key: string | symbol, matcher: object): boolean {
  return '__vitest_poll_takeover__' in matcher || /snapshot|screenshot/i.test(String(key));
}

function notAFunction(given: unknown): Error {
  const got = isThenable(given) ? 'a Promise, which has one value only' : `${given === null ? 'null' : typeof given}`;
  return misuse(
    `expect.poll() calls a function again and again, but got ${got}`,
    'Write `await expect.poll(() => …).toBe(…)`',
  );
}

export function sourceOf(fn: Polled): string {
  return cut(String(fn).replace(/\s+/g, ' '), 60);
}
