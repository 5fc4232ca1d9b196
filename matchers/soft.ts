/**
 * `expect.soft(value)` for Jest, which has none: every matcher, built-in ones and the user's own too, records its
 * failure and lets the test go on. Vitest brings its own.
 */
import { isQaError } from '../bindings/core/errors.ts';
import { type Running, runtime } from '../bindings/core/runtime.ts';
import { isThenable } from '../bindings/core/thenable.ts';
import { type Callsite, callsite, framed } from './callsite.ts';
import { print } from './print.ts';

export function softOf(expect: (actual: unknown) => unknown): (actual: unknown) => object {
  return function soft(...args: [actual: unknown]) {
    // All arguments go on: Jest itself refuses a second one.
    return softly(expect(...args) as object, `expect.soft(${print(args[0], 60)})`);
  };
}

/** Chained names that hold matchers. */
const CHAINS: ReadonlySet<string | symbol> = new Set(['not', 'resolves', 'rejects']);

function softly(matchers: object, label: string): object {
  return new Proxy(matchers, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (CHAINS.has(key)) return softly(value as object, `${label}.${String(key)}`);
      if (typeof value !== 'function') return value;
      return function softMatcher(...args: unknown[]): unknown {
        const site = callsite(softMatcher);
        const running = runtime().current();
        if (!running?.soft) return Reflect.apply(value, target, args);
        return attempt(() => Reflect.apply(value, target, args), {
          running,
          site,
          label: `${label}.${String(key)}(…)`,
        });
      };
    },
  });
}

function attempt(
  run: () => unknown,
  { running, site, label }: { running: Running; site: Callsite; label: string },
): unknown {
  const record = (error: unknown) => running.fail(atCall(error, site));
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    record(error);
    return undefined;
  }
  if (!isThenable(result)) return result;
  const settled = running.track({
    label,
    get stack() {
      return site.frames;
    },
  });
  return result.then(
    () => settled(),
    (error: unknown) => {
      record(error);
      settled();
    },
  );
}

/** An assertion's error points at the call; what a matcher threw by accident keeps its own frames. */
function atCall(thrown: unknown, site: Callsite): Error {
  if (!isErrorLike(thrown)) return framed(new Error(`A matcher threw ${print(thrown)}`), site);
  if ('matcherResult' in thrown || isQaError(thrown)) return framed(thrown, site);
  const stack = thrown.stack ?? '';
  const own = /^\s+at (?:Object\.|Proxy\.)?(?:softMatcher|soft|attempt|run)\b/;
  thrown.stack = stack
    .split('\n')
    .filter((line) => !own.test(line))
    .join('\n');
  return thrown;
}

function isErrorLike(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && typeof (value as { message?: unknown }).message === 'string';
}
