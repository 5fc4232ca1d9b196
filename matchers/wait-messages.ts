/** Waits for messages: what has come counts, what comes wakes it at once; silence holds for a time or after groups. */
import { clock, pause } from '../bindings/core/clock.ts';
import { isQaError, QaError } from '../bindings/core/errors.ts';
import type { MessageView } from '../bindings/core/messages.ts';
import { runtime } from '../bindings/core/runtime.ts';
import type { Report } from './expectation.ts';
import { message } from './message.ts';
import type { MessageExpectation, MessageSight } from './message-expectation.ts';
import { plural } from './print.ts';
import { deadline, isTransient, type Outcome, REPORT_TIME, RESERVE, type WaitContext, withoutFrames } from './wait.ts';

/** How long silence must hold where nothing else is said, ms. */
const SILENCE = 1000;
/** Least time to open a view, ms. */
const OPENING = 1000;
/** For a group to say what it lacks once the time is up, ms. */
const LAST_WORD = 100;
/** Between two attempts to open a view of a source that is away, ms. */
const REOPEN = 100;

export async function waitForMessages<Seen>(
  expectation: MessageExpectation<Seen>,
  context: WaitContext,
): Promise<Outcome<Seen>> {
  const { observer, options } = expectation;
  const { isNot, running, paint, isTry } = context;
  const groups = options.afterGroup === undefined ? [] : [options.afterGroup].flat();
  const asked = options.within ?? (isTry ? 0 : runtime().defaults.within);
  const stays = options.stays ?? (isNot && groups.length === 0 && !isTry ? SILENCE : 0);
  const room = (running?.timeLeft() ?? Number.POSITIVE_INFINITY) - RESERVE;
  const wanted = isNot && groups.length === 0 ? stays : asked;
  const start = clock().now();
  const time = deadline(Math.max(0, Math.min(asked, room)));
  // The view may always be opened: what has come already must not be missed for want of time.
  const opening = deadline(Math.max(OPENING, Math.min(asked, room)));
  let view: MessageView | undefined;
  let sight: MessageSight<Seen> | undefined;
  let trouble: unknown;
  let result: Ended = 'time';
  try {
    view = await opened(expectation, { first: opening.signal, time: time.signal });
    const look = expectation.looker(view);
    result = await watch(view, () => (sight = look()), {
      isNot,
      stays: Math.min(stays, Math.max(0, room - (clock().now() - start))),
      signal: time.signal,
      after: groups.length === 0 ? undefined : (signal) => afterAll(view as MessageView, groups, expectation, signal),
    });
    if (result === 'true' && stays > room) result = 'time';
  } catch (error) {
    const isAnswer = isQaError(error)
      ? error.code === 'QA_WAIT_FAILED' || isTransient(error)
      : time.signal.aborted || opening.signal.aborted;
    if (!isAnswer) throw error;
    trouble = error;
  } finally {
    time.cancel();
    opening.cancel();
  }
  const notices = view?.notices() ?? [];
  const lost = notices.filter(({ kind }) => kind === 'lost');
  const needsAll = isNot || options.exactly === true;
  if (result === 'true' && trouble === undefined && !(needsAll && lost.length > 0)) {
    // What was found is found; yet its reader must know that the record has gaps.
    for (const { text } of lost) process.emitWarning(runtime().redact(`${observer.label}: ${text}`), 'QaMessagesLost');
    return { ok: true, seen: sight?.seen, text: '', actual: undefined, expected: undefined, cause: undefined };
  }

  const left = (running?.timeLeft() ?? Number.POSITIVE_INFINITY) - 80;
  const limit = deadline(Math.max(20, Math.min(REPORT_TIME, left)));
  const took = clock().now() - start;
  let report: Report;
  try {
    if (view === undefined) report = { headline: 'The source could not be read in time', sections: [] };
    else {
      report = await expectation.report(view, { isNot, seen: sight?.seen, paint, signal: limit.signal });
      if (trouble !== undefined) report.headline = 'Silence could not be proven';
      else if (result === 'true')
        report.headline = `Silence is not proven: ${plural(lost.length, 'gap')} in what was recorded`;
      else if (isNot && sight?.pass === false) report.headline = 'The time was up before silence was proven';
    }
  } catch (error) {
    report = {
      headline: 'It did not become so',
      sections: [{ label: 'Saw', lines: [`(could not look closer: ${(error as Error).message})`] }],
    };
  } finally {
    limit.cancel();
  }
  if (notices.length > 0) report.sections.push({ label: 'Note', lines: notices.map(({ text }) => text) });
  const text = message(
    {
      source: observer.label,
      matcher: expectation.matcher,
      isNot,
      args: expectation.args,
      headline: report.headline,
      where: observer.where(),
      took,
      looks: undefined,
      shortenedFrom: room < wanted && result === 'time' ? wanted : undefined,
      sections: report.sections,
      history: [],
      cause: trouble,
      command: observer.command(report.lookFor ?? {}),
    },
    paint,
  );
  const { actual, expected } = report;
  return {
    ok: false,
    seen: sight?.seen,
    text: runtime().redact(text),
    actual,
    expected,
    cause: withoutFrames(trouble),
  };
}

type Ended = 'true' | 'false' | 'time';

/** Looks now and whenever something has come, until it is decided. */
async function watch(
  view: MessageView,
  look: () => MessageSight<unknown>,
  {
    isNot,
    stays,
    signal,
    after,
  }: {
    isNot: boolean;
    stays: number;
    signal: AbortSignal;
    after: ((signal: AbortSignal) => Promise<void>) | undefined;
  },
): Promise<Ended> {
  const { setTimeout, clearTimeout } = clock();
  const ended = new AbortController();
  let holding: NodeJS.Timeout | undefined;
  let isWorkedThrough = after === undefined;
  let stop = () => {};
  try {
    return await new Promise<Ended>((resolve, reject) => {
      const judge = () => {
        try {
          const { pass, isFinal } = look();
          const ok = pass !== isNot;
          if (!ok && (isNot || isFinal || holding !== undefined)) resolve('false');
          else if (ok && isWorkedThrough) {
            if (stays === 0) resolve('true');
            else holding ??= setTimeout(() => resolve('true'), stays);
          } else if (signal.aborted && holding === undefined) {
            // A group that was waited for says what it still lacks; it is not waited for any longer than that.
            if (isWorkedThrough) resolve('time');
            else holding = setTimeout(() => resolve('time'), LAST_WORD);
          }
        } catch (error) {
          reject(error);
        }
      };
      stop = view.subscribe(judge);
      signal.addEventListener('abort', judge, { once: true });
      judge();
      after?.(AbortSignal.any([signal, ended.signal])).then(() => {
        isWorkedThrough = true;
        judge();
      }, reject);
    });
  } finally {
    stop();
    clearTimeout(holding);
    ended.abort();
  }
}

/** A view; a source that is away is asked again until the time is up. */
async function opened(
  { observer, options }: MessageExpectation<unknown>,
  { first, time }: { first: AbortSignal; time: AbortSignal },
): Promise<MessageView> {
  for (;;) {
    try {
      return await observer.open(options.since ?? 'test', first);
    } catch (error) {
      if (time.aborted || !isTransient(error)) throw error;
      await pause(REOPEN);
      if (time.aborted) throw error;
    }
  }
}

/** One group after the other, as a chain of services works. */
async function afterAll(
  view: MessageView,
  groups: readonly string[],
  { observer, matcher }: MessageExpectation<unknown>,
  signal: AbortSignal,
): Promise<void> {
  if (view.afterGroup === undefined) {
    throw new QaError('QA_MISUSE', {
      what: `${matcher}(): ${observer.label} has no consumer groups`,
      mend: `Leave out \`afterGroup\` and say how long silence must hold, in ms: \`{ stays: ${SILENCE} }\``,
    });
  }
  for (const group of groups) await view.afterGroup(group, signal);
}
