/** What a matcher file provides: how to look once, and what to say when it did not come true. */
import type { Expected, StateObserver } from '../bindings/core/source.ts';
import type { Equality } from './judge.ts';
import type { Section } from './message.ts';
import type { Paint } from './paint.ts';
import type { MatcherName, MatcherOptions } from './types.ts';

export interface Expectation<Seen> {
  readonly matcher: MatcherName | 'waitFor';
  /** The arguments, printed: `{ id: 'o-1' }`. Only a failure asks for it. */
  readonly args: string;
  readonly observer: Observed;
  readonly options: MatcherOptions;
  /** What `observer.check` must accept before a failing look is believed. */
  readonly partials: readonly Expected[];
  /** One look. `state` goes into the history. */
  look(signal: AbortSignal): Promise<Sight<Seen>>;
  /** A closer look for the history, while waiting; run beside the looks, now and then. */
  sample?(signal: AbortSignal): Promise<string>;
  /** Why it is not so. Reads once more. */
  report(context: ReportContext<Seen>): Promise<Report>;
}

/** Where it looks. `check` refuses what can never match: an unknown column. */
export interface Observed extends StateObserver {
  check?(expected: Expected, signal: AbortSignal): Promise<void>;
}

export interface Sight<Seen> {
  pass: boolean;
  seen: Seen;
  state?: string;
}

export interface ReportContext<Seen> {
  readonly isNot: boolean;
  /** The last look that was answered. */
  readonly seen: Seen | undefined;
  readonly paint: Paint;
  readonly signal: AbortSignal;
}

export interface Report {
  /** `No row matched`, without a full stop. */
  headline: string;
  sections: Section[];
  /** What the command at the end looks for. Default: everything. */
  lookFor?: Expected;
  /** For reporters: what was there and what was wanted. */
  actual?: unknown;
  expected?: unknown;
}

/** What the runner lends to a matcher. */
export interface MatcherContext {
  readonly isNot: boolean;
  readonly equality: Equality;
  readonly paint: Paint;
}
