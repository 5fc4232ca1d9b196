/** What can never work with messages is refused at once, whatever `.not` says. */
import { isMessageSource, type MessageObserver, type Since } from '../bindings/core/messages.ts';
import { type Expected, SOURCE } from '../bindings/core/source.ts';
import { didYouMean } from '../bindings/core/suggest.ts';
import { isThenable } from '../bindings/core/thenable.ts';
import { isPlainObject } from './judge.ts';
import { kindOf, misuse, optionsOf, partialOf, undefinedIn } from './misuse.ts';
import { print } from './print.ts';
import type { MessagesOptions } from './types.ts';

/** The observer of a source of messages. */
export function messagesOf(received: unknown, matcher: string): MessageObserver {
  if (isMessageSource(received)) return received[SOURCE];
  const isPromise = isThenable(received);
  if (isPromise) received.then(undefined, () => {});
  throw misuse(
    `expect(…).${matcher}() needs a source of messages, but received ${kindOf(received)}`,
    isPromise
      ? `Give it the source itself, without \`.messages()\`: \`expect(qa.kafka.topic('…')).${matcher}(…)\``
      : "A source of messages is `qa.<connection>.topic('…')`",
  );
}

/** A partial message, with names only that messages of the source have. */
export function partialMessage(observer: MessageObserver, value: unknown, matcher: string, at: string): Expected {
  const { noun, fields, whole } = observer;
  if (whole !== undefined) return { [whole]: wholeMessage(value, { whole, matcher, at }) };
  const mend = 'for any value write `expect.anything()`';
  const partial = partialOf(value, { matcher, at, noun, part: 'field', mend });
  const unknown = fields === undefined ? undefined : Object.keys(partial).find((name) => !fields.includes(name));
  if (unknown !== undefined && fields !== undefined) {
    throw misuse(
      `${matcher}(): ${at} names \`${unknown}\`, which a ${noun} of ${observer.label} does not have`,
      didYouMean(unknown, fields),
    );
  }
  return partial;
}

/** What a message that is one value is compared with. */
function wholeMessage(value: unknown, { whole, matcher, at }: { whole: string; matcher: string; at: string }): unknown {
  const path = undefinedIn(value, '');
  const isEmpty = isPlainObject(value) && Object.keys(value).length === 0;
  if (path === undefined && !isEmpty) return value;
  throw misuse(
    isEmpty
      ? `${matcher}(): ${at} is an empty object, which every object matches`
      : `${matcher}(): ${path === '' ? at : `\`${path}\` of ${at}`} is undefined, which no ${whole} can be`,
    'Check where the value comes from; for any value write `expect.anything()`',
  );
}

/** The options of messages; `switches` beside the common ones. */
export function messageOptions(
  value: unknown,
  matcher: string,
  { switches = [], isNot }: { switches?: readonly ('exactly' | 'inOrder')[]; isNot: boolean },
): MessagesOptions {
  if (!isPlainObject(value)) return optionsOf(value, matcher, switches);
  const { since, afterGroup, ...common } = value;
  const options: MessagesOptions = { ...optionsOf(common, matcher, switches) };
  if (since !== undefined) options.since = sinceOf(since, matcher);
  if (isNot && options.exactly) {
    throw misuse(
      `${matcher}(): \`.not\` and \`exactly\` together say nothing: the next message makes it true`,
      'Name what must not come: `.not.toReceiveMessage({ … })`',
    );
  }
  if (afterGroup !== undefined) {
    const groups: unknown[] = Array.isArray(afterGroup) ? afterGroup : [afterGroup];
    if (groups.length === 0 || !groups.every((group) => typeof group === 'string' && group !== '')) {
      throw misuse(
        `${matcher}(): \`afterGroup\` must be the name of a consumer group or a list of them, but is ${print(afterGroup)}`,
        "Write `{ afterGroup: 'billing' }`",
      );
    }
    if (!isNot && !options.exactly) {
      throw misuse(
        `${matcher}(): \`afterGroup\` tells when silence is proven, which is asked only with \`.not\` or \`exactly\``,
        'Leave it out: what comes wakes the matcher at once',
      );
    }
    options.afterGroup = groups as string[];
  }
  return options;
}

function sinceOf(since: unknown, matcher: string): Since {
  if (since === 'test' || since === 'file') return since;
  if (Object.prototype.toString.call(since) === '[object Date]' && !Number.isNaN((since as Date).getTime())) {
    return since as Date;
  }
  const isOffset = (value: unknown) =>
    /^\d+$/.test(String(value)) && ['number', 'bigint', 'string'].includes(typeof value);
  if (isPlainObject(since) && Object.keys(since).length > 0 && Object.values(since).every(isOffset)) {
    return since as Since;
  }
  throw misuse(
    `${matcher}(): \`since\` cannot be ${print(since)}`,
    "Give `'test'`, `'file'`, a Date, or offsets of partitions: `{ 0: 120 }`",
  );
}
