/** `expect(topic).toReceiveKafkaMessage({ key: 'o-1' })`: a message that matches has come, or comes in time. */
import type { MessageObserver, MessageView, Received } from '../bindings/core/messages.ts';
import type { Expected } from '../bindings/core/source.ts';
import type { Report, ReportContext } from './expectation.ts';
import { differences, type Equality } from './judge.ts';
import { type MessageExpectation, written } from './message-expectation.ts';
import { closestSection, rowLine } from './nearest.ts';
import { aroundMessages, nearMessages } from './nearest-messages.ts';
import { print } from './print.ts';
import type { MatcherName, MessagesOptions } from './types.ts';

/** What it sees is the message that matches. */
export function messageMatching(
  observer: MessageObserver,
  expected: Expected,
  options: MessagesOptions,
  { equality }: { equality: Equality },
  matcher: MatcherName | 'waitFor',
): MessageExpectation<Received | undefined> {
  return {
    matcher,
    get args() {
      return print(written(observer, expected), 300);
    },
    observer,
    options,
    partials: [expected],
    looker(view) {
      const next = newMatches(view, expected, equality);
      let found: Received | undefined;
      return () => {
        const [first] = next();
        if (first !== undefined) found ??= view.received.at(first);
        return { pass: found !== undefined, seen: found };
      };
    },
    report: (view, context) => (context.isNot ? came(context) : missing(view, context)),
  };

  async function missing(view: MessageView, { paint, signal }: ReportContext<unknown>): Promise<Report> {
    const { noun } = observer;
    const { lines, verdict, closest } = nearMessages(view.received, { expected, equality, noun });
    const isOnly = view.received.length === 1;
    return {
      headline: verdict.pass ? `No ${noun} matched in time; one does by now` : `No ${noun} matched`,
      sections: [
        { label: 'Saw', lines },
        ...closestSection(verdict, expected, paint, { isOnly, part: 'field', at: closest?.at }),
        ...(await aroundMessages(view, signal)),
      ],
      actual: verdict.closest,
      expected,
      lookFor: expected,
    };
  }

  async function came({ seen, paint }: ReportContext<Received | undefined>): Promise<Report> {
    const lines = seen === undefined ? [] : [seen.at, paint.received(rowLine(seen.fields, expected))];
    return {
      headline: `A ${observer.noun} matched`,
      sections: [{ label: 'Saw', lines }],
      actual: seen?.fields,
      expected,
      lookFor: expected,
    };
  }
}

/** Gives, at each call, the indexes of messages that match among those that are new since the call before. */
export function newMatches(view: MessageView, expected: Expected, equality: Equality): () => number[] {
  let from = 0;
  return () => {
    const { received } = view;
    const accepts = (index: number) => {
      const one = received.at(index);
      return (
        one !== undefined && one.undecodable === undefined && differences(one.fields, expected, equality).length === 0
      );
    };
    const known = view.candidates(expected, from);
    const found: number[] = [];
    const end = received.length;
    if (known !== undefined) found.push(...known.filter((index) => index < end && accepts(index)));
    else for (let index = from; index < end; index += 1) if (accepts(index)) found.push(index);
    from = end;
    return found;
  };
}
