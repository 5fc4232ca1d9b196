/** What a matcher of messages provides: how to look at what has come, and what to say when it was not enough. */
import type { Tester } from '@jest/expect-utils';
import type { MessageObserver, MessageView } from '../bindings/core/messages.ts';
import type { Expected } from '../bindings/core/source.ts';
import type { Report, ReportContext, Sight } from './expectation.ts';
import { type Equality, isAsymmetric } from './judge.ts';
import type { MatcherName, MessagesOptions } from './types.ts';

export interface MessageExpectation<Seen> {
  readonly matcher: MatcherName | 'waitFor';
  /** The arguments, printed. Only a failure asks for it. */
  readonly args: string;
  readonly observer: MessageObserver;
  readonly options: MessagesOptions;
  readonly partials: readonly Expected[];
  /** Makes the look: each judges only what has come since the one before. */
  looker(view: MessageView): () => MessageSight<Seen>;
  /** Why it is not so. */
  report(view: MessageView, context: ReportContext<Seen>): Promise<Report>;
}

export interface MessageSight<Seen> extends Sight<Seen> {
  /** Nothing that may still come can make it true. */
  isFinal?: boolean;
}

/** A partial as a test wrote it. */
export function written({ whole }: MessageObserver, partial: Expected): unknown {
  return whole === undefined ? partial : partial[whole];
}

/** Equality at any depth, as the source and the runner's custom testers know it. */
export function sourceEquality(observer: Pick<MessageObserver, 'equal'>, testers: readonly Tester[]): Equality {
  const own: Tester = (actual: unknown, expected: unknown) =>
    isAsymmetric(expected) ? undefined : observer.equal?.(actual, expected);
  return { testers: observer.equal === undefined ? testers : [own, ...testers] };
}
