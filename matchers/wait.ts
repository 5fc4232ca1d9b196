/** Runs an expectation: looks until it comes true or the time is up, and then finds out why it did not. */
import { clock } from '../bindings/core/clock.ts';
import { type ErrorCode, isQaError } from '../bindings/core/errors.ts';
import { type Running, runtime } from '../bindings/core/runtime.ts';
import { until } from '../bindings/core/until.ts';
import type { Expectation, Report } from './expectation.ts';
import { History } from './history.ts';
import { message } from './message.ts';
import type { Paint } from './paint.ts';
import { printMs } from './print.ts';
import { type Sampler, sampler } from './sampler.ts';

export interface Outcome<Seen> {
  ok: boolean;
  seen: Seen | undefined;
  /** Set when it failed: the whole text, redacted. */
  text: string;
  actual: unknown;
  expected: unknown;
  /** The error of the last look, when that got no answer. */
  cause: unknown;
  /** Undefined where it was woken by what came. */
  looks?: number;
}

/** The test's last ms are for the failure: so much time before the runner's timeout the wait ends. */
export const RESERVE = 250;
/** Finding out why takes at most so long, ms. */
export const REPORT_TIME = 5000;

/** The same, of a source that has not answered at all. */
const PATIENCE = 1000;

/** What may pass by itself while a test waits: a restart, migrations that have not run yet. */
const TRANSIENT: ReadonlySet<ErrorCode> = new Set(['QA_CONNECTION_LOST', 'QA_NOT_FOUND', 'QA_TIMEOUT']);

/** Who waits, and how its failure is written. */
export interface WaitContext {
  isNot: boolean;
  running: Running | undefined;
  paint: Paint;
  /** It is looked again by who asks: once is enough. */
  isTry?: boolean;
}

export async function wait<Seen>(
  expectation: Expectation<Seen>,
  { isNot, running, paint, isTry }: WaitContext,
): Promise<Outcome<Seen>> {
  const { observer, options, partials } = expectation;
  const asked = options.within ?? (isTry ? 0 : runtime().defaults.within);
  const stays = options.stays ?? 0;
  const timeLeft = running?.timeLeft() ?? Number.POSITIVE_INFINITY;
  const within = Math.max(0, Math.min(asked, timeLeft - RESERVE));
  const history = new History();
  const overtime = deadline(timeLeft - RESERVE);
  const start = clock().now();
  let samples: Sampler | undefined;
  let checked = false;
  let answered = false;
  let looks = 0;
  let seen: Seen | undefined;
  let trouble: unknown;

  const check = async (signal: AbortSignal) => {
    for (const partial of partials) await observer.check?.(partial, signal);
  };
  const look = async (signal: AbortSignal, elapsed: number): Promise<{ ok: boolean; seen: undefined }> => {
    try {
      looks += 1;
      const sight = await expectation.look(signal);
      const ok = sight.pass !== isNot;
      // A typo must not look like an absence; what passes without `.not` needs no further question.
      if (!checked && (isNot || !ok)) {
        await check(signal);
        checked = true;
      }
      seen = sight.seen;
      answered = true;
      trouble = undefined;
      if (sight.state !== undefined) history.note(elapsed, sight.state);
      if (!ok && !isNot && expectation.sample) {
        samples ??= sampler(expectation.sample, history, start);
        samples.due();
      }
      return { ok, seen: undefined };
    } catch (error) {
      if (signal.aborted) {
        if (!answered) trouble ??= error;
      } else if (isTransient(error)) {
        trouble = error;
        if (looks > 1) history.begin('no match');
        history.note(elapsed, error.code === 'QA_NOT_FOUND' ? 'not there' : 'no answer');
        if (error.code === 'QA_NOT_FOUND' && !checked) await check(signal).catch(onlyMisuse);
      } else throw error;
      return { ok: false, seen: undefined };
    }
  };

  let result: { ok: boolean; took: number; since: number | undefined };
  try {
    result = await until(look, {
      within,
      stays,
      signal: overtime.signal,
      watch: observer.watch && ((changed, signal) => observer.watch!(changed, signal)),
    });
  } catch (error) {
    if (!overtime.signal.aborted) throw error;
    result = { ok: false, took: clock().now() - start, since: undefined };
  } finally {
    overtime.cancel();
    samples?.stop();
  }
  if (result.ok) return { ok: true, seen, text: '', actual: undefined, expected: undefined, cause: undefined, looks };

  const left = (running?.timeLeft() ?? Number.POSITIVE_INFINITY) - 80;
  const report = await why(expectation, { isNot, seen, paint, trouble, ms: Math.min(REPORT_TIME, left) });
  const text = message(
    {
      source: observer.label,
      matcher: expectation.matcher,
      isNot,
      args: expectation.args,
      headline: held(report.headline, result, { stays, trouble }),
      where: observer.where(),
      took: result.took,
      looks,
      shortenedFrom: within < asked && result.since === undefined ? asked : undefined,
      sections: report.sections,
      history: history.lines(),
      cause: isQaError(trouble) ? trouble : undefined,
      command: observer.command(report.lookFor ?? {}),
    },
    paint,
  );
  return {
    ok: false,
    seen,
    text: runtime().redact(text),
    actual: report.actual,
    expected: report.expected,
    cause: withoutFrames(trouble),
    looks,
  };
}

/** Runners print the stack of a cause: frames of this package below one of its own errors say nothing to the reader. */
export function withoutFrames(trouble: unknown): unknown {
  if (isQaError(trouble)) trouble.stack = `${trouble.name}: ${trouble.message}`;
  return trouble;
}

/** Asks the source why; when it does not answer, says so instead. */
async function why<Seen>(
  expectation: Expectation<Seen>,
  {
    isNot,
    seen,
    paint,
    trouble,
    ms,
  }: { isNot: boolean; seen: Seen | undefined; paint: Paint; trouble: unknown; ms: number },
): Promise<Report> {
  const isHung = trouble !== undefined && !isQaError(trouble);
  if (trouble !== undefined && !isHung)
    return { headline: troubled(trouble), sections: [], lookFor: expectation.partials[0] ?? {} };
  const limit = deadline(Math.max(isHung ? Math.min(ms, PATIENCE) : ms, 20));
  try {
    const report = await expectation.report({ isNot, seen, paint, signal: limit.signal });
    if (!isHung) return report;
    // It answers, but a look takes longer than there was time: many rows that only the matcher can judge.
    const headline =
      'There was no time to read all rows; name a column with a plain value, so that the server can narrow them down';
    return { ...report, headline };
  } catch (error) {
    if (isHung) return { headline: troubled(trouble), sections: [], lookFor: expectation.partials[0] ?? {} };
    const reason = limit.signal.aborted ? `no answer in ${printMs(ms)}` : (error as Error).message;
    return {
      lookFor: expectation.partials[0] ?? {},
      headline: isNot ? 'It is still so' : 'It did not become so',
      sections: [{ label: 'Saw', lines: [paint.dim(`(could not look closer: ${reason})`)] }],
    };
  } finally {
    limit.cancel();
  }
}

function held(
  headline: string,
  { since, took }: { since: number | undefined; took: number },
  { stays, trouble }: { stays: number; trouble: unknown },
): string {
  if (since === undefined || trouble !== undefined) return headline;
  return `It came true at ${printMs(since)} but ended at ${printMs(took)}: it must hold for ${printMs(stays)}`;
}

function troubled(error: unknown): string {
  if (!isQaError(error)) return 'The source did not answer in time';
  if (error.code === 'QA_NOT_FOUND') return 'What to look in does not exist, and did not appear in time';
  return error.code === 'QA_TIMEOUT'
    ? 'The source did not answer in time'
    : 'The connection was lost and did not come back in time';
}

export function isTransient(error: unknown): error is Error & { code: ErrorCode } {
  return isQaError(error) && TRANSIENT.has(error.code);
}

function onlyMisuse(error: unknown): void {
  if (!isTransient(error)) throw error;
}

/** A signal that aborts after `ms`; never for Infinity. */
export function deadline(ms: number): { signal: AbortSignal; cancel(): void } {
  const controller = new AbortController();
  const { setTimeout, clearTimeout } = clock();
  const timer = Number.isFinite(ms)
    ? setTimeout(() => controller.abort(new DOMException('The wait is over.', 'TimeoutError')), Math.max(ms, 1))
    : undefined;
  return { signal: controller.signal, cancel: () => clearTimeout(timer) };
}
