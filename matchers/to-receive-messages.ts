/** `expect(topic).toReceiveKafkaMessages([{ key: 'a' }, { key: 'b' }])`: each partial has a message of its own. */
import type { MessageObserver } from '../bindings/core/messages.ts';
import type { Expected, Values } from '../bindings/core/source.ts';
import type { Equality } from './judge.ts';
import { type MessageExpectation, written } from './message-expectation.ts';
import { aroundMessages, nearMessages } from './nearest-messages.ts';
import { pair, pairInOrder } from './pairing.ts';
import { print } from './print.ts';
import { reportRows } from './report-rows.ts';
import type { SeenRows } from './to-have-rows-matching.ts';
import { newMatches } from './to-receive-message.ts';
import type { MatcherName, MessagesOptions } from './types.ts';

export function messagesMatching(
  observer: MessageObserver,
  partials: readonly Expected[],
  options: MessagesOptions,
  { equality }: { equality: Equality },
  matcher: MatcherName,
): MessageExpectation<SeenRows> {
  const { exactly = false, inOrder = false } = options;
  const { noun } = observer;
  return {
    matcher,
    get args() {
      return `${print(
        partials.map((partial) => written(observer, partial)),
        300,
      )}${exactly || inOrder ? `, ${print({ ...(exactly && { exactly }), ...(inOrder && { inOrder }) })}` : ''}`;
    },
    observer,
    options,
    partials,
    looker(view) {
      const matching = partials.map((partial) => ({
        next: newMatches(view, partial, equality),
        at: new Set<number>(),
      }));
      return () => {
        for (const { next, at } of matching) for (const index of next()) at.add(index);
        // Only what matches something takes part: a long record costs no more than what matters of it.
        const indexes = [...new Set(matching.flatMap(({ at }) => [...at]))].sort((a, b) => a - b);
        const claimed = (inOrder ? pairInOrder : pair)(partials.length, indexes.length, (p, i) =>
          (matching[p] as { at: Set<number> }).at.has(indexes[i] as number),
        );
        const rowOf = claimed.rowOf.map((i) => (i === undefined ? undefined : indexes[i]));
        const taken = new Set(rowOf);
        const total = view.received.length;
        const pass = rowOf.every((row) => row !== undefined) && (!exactly || total === partials.length);
        return {
          pass,
          isFinal: exactly && total > partials.length,
          get seen() {
            const rows = Array.from({ length: total }, (_, index): Values => view.received.at(index)?.fields ?? {});
            const unclaimed = rows.flatMap((_, row) => (taken.has(row) ? [] : [row]));
            return { rows, pairing: { rowOf, unclaimed }, isCapped: false };
          },
        };
      };
    },
    async report(view, context) {
      const candidates = {
        noun,
        part: 'field',
        async explain(expected: Expected) {
          const { closest } = nearMessages(view.received, { expected, equality, noun });
          const rows = closest === undefined ? [] : [closest.fields];
          return { rows, total: view.received.length, totalIsFloor: false, fulfilled: {} };
        },
      };
      const report = await reportRows(candidates, partials, { exactly, inOrder, equality }, context);
      report.sections.push(...(await aroundMessages(view, context.signal)));
      return report;
    },
  };
}
