/** The tries of `expect.poll`, and what is told where none of them did. */
import { clock, pause } from '../bindings/core/clock.ts';
import { isQaError } from '../bindings/core/errors.ts';
import { type Running, runtime } from '../bindings/core/runtime.ts';
import { History } from './history.ts';
import { cut, plural, print, printMs } from './print.ts';
import { deadline, RESERVE } from './wait.ts';

export type Polled = (context: { signal: AbortSignal }) => unknown;

export interface Tries {
  /** Undefined when it came true. */
  failure: Error | undefined;
  /** `matcher`: what the failure is of; `function`: it threw; `time`: it had no answer. */
  from: 'matcher' | 'function' | 'time';
  tries: number;
  took: number;
  interval: number;
  /** What was asked for, ms, where the test's own time was shorter. */
  shortenedFrom: number | undefined;
  value: { of: number; text: string } | undefined;
  error: { of: number; error: unknown } | undefined;
  history: History;
}

/** A first try may take so long, ms, however short the time is: one that can pass at once must not fail for want of it. */
const PATIENCE = 1000;

export async function pollUntil(
  fn: Polled,
  match: (value: unknown) => Promise<void>,
  {
    within: asked,
    interval,
    running,
    tick,
  }: { within: number; interval: number; running: Running | undefined; tick?: ((ms: number) => void) | undefined },
): Promise<Tries> {
  const { now } = clock();
  const start = now();
  const room = (running?.timeLeft() ?? Number.POSITIVE_INFINITY) - RESERVE;
  const within = Math.max(0, Math.min(asked, room));
  const seen: Tries = {
    failure: undefined,
    from: 'matcher',
    tries: 0,
    took: 0,
    interval,
    shortenedFrom: within < asked ? asked : undefined,
    value: undefined,
    error: undefined,
    history: new History(),
  };
  for (;;) {
    const left = start + within - now();
    const limit = deadline(seen.tries === 0 ? Math.max(left, Math.min(PATIENCE, room)) : left);
    seen.tries += 1;
    try {
      await attempt(fn, match, seen, { signal: limit.signal, at: now() - start });
      seen.failure = undefined;
      return seen;
    } catch (error) {
      if (isQaError(error) && error.code === 'QA_MISUSE') throw error;
      seen.failure = error as Error;
    } finally {
      limit.cancel();
      seen.took = now() - start;
    }
    const rest = start + within - now();
    if (rest <= 0 || seen.from === 'time') return seen;
    await pause(Math.min(interval, rest));
    tick?.(interval);
  }
}

async function attempt(
  fn: Polled,
  match: (value: unknown) => Promise<void>,
  seen: Tries,
  { signal, at }: { signal: AbortSignal; at: number },
): Promise<void> {
  seen.from = 'function';
  const late = () => {
    seen.from = 'time';
  };
  let value: unknown;
  try {
    value = await before(signal, async () => fn({ signal }), late);
  } catch (error) {
    if (!signal.aborted) {
      seen.error = { of: seen.tries, error };
      seen.history.note(at, `threw ${cut(told(error), 60)}`);
    }
    throw error;
  }
  const text = print(value);
  seen.value = { of: seen.tries, text };
  seen.history.note(at, cut(text, 60));
  seen.from = 'matcher';
  await before(signal, () => match(value), late);
}

/** `work`, or a rejection when the time is up: what becomes of it then is nobody's business. */
function before<T>(signal: AbortSignal, work: () => Promise<T>, late: () => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => {
      late();
      reject(signal.reason);
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}

/** The failure of the last try with what was seen in all of them. */
export function failureOf(seen: Tries, { call, message }: { call: string; message: string | undefined }): Error {
  const { failure, from, tries, took, interval, shortenedFrom, value, error, history } = seen;
  const lines = [
    `Polled     for ${printMs(took)}, ${tries === 1 ? 'once' : `${tries} times, ${printMs(interval)} apart`}`,
    ...(shortenedFrom === undefined
      ? []
      : [
          `           cut short: asked for ${printMs(shortenedFrom)}, but the test's own timeout was near (give the test a longer timeout)`,
        ]),
    ...(value === undefined
      ? ['Last value (none)']
      : [`Last value ${value.text}${value.of === tries ? '' : ` (try ${value.of})`}`]),
    ...(error === undefined
      ? []
      : [`Last error ${cut(told(error.error), 400)}${error.of === tries ? '' : ` (try ${error.of})`}`]),
    ...(tries === 1
      ? []
      : history.lines().map((line, index) => `${index === 0 ? 'History   ' : '          '} ${line}`)),
  ];
  const block = runtime().redact(lines.join('\n'));
  const prefix = message === undefined ? '' : `${message}: `;
  if (from !== 'matcher') {
    const headline =
      from === 'function'
        ? 'The function threw at the last try.'
        : `The last try had no answer when the time was up (${plural(tries, 'try', 'tries')} in all).`;
    const text = `${prefix}${runtime().redact(call)}\n\n${headline}\n\n${block}`;
    return new Error(text, error === undefined ? undefined : { cause: error.error });
  }
  const own = typeof failure === 'object' && failure !== null ? failure : new Error(String(failure));
  own.message = `${prefix}${own.message}\n\n${block}`;
  if (error !== undefined && own.cause === undefined) own.cause = error.error;
  const { matcherResult } = own as { matcherResult?: { message?: unknown } };
  if (matcherResult && typeof matcherResult.message === 'string') matcherResult.message = own.message;
  return own;
}

function told(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return print(error);
  const { name = 'Error', message } = error as { name?: string; message: unknown };
  return `${name}: ${String(message)}`.replace(/\s*\n\s*/g, ' ');
}
