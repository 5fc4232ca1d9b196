/** A stream or a channel as tests see it: what its observer has. */
import type { MessageObserver, MessageSource } from '../../core/messages.ts';
import { type Caller, SOURCE, type Values } from '../../core/source.ts';
import type { Store } from './store.ts';

/** @param messageOf what tests know as a message; undefined where it was dropped to bound memory */
export function messageSource<Message>(
  store: Store,
  observer: MessageObserver,
  messageOf: (fields: Values | undefined) => Message,
): MessageSource<Message> {
  const source: MessageSource<Message> = {
    [SOURCE]: observer,
    messages: () =>
      store.call(source.messages, async (signal) => {
        const { received } = await observer.open('test', signal ?? new AbortController().signal);
        return Array.from({ length: received.length }, (_, index) => messageOf(received.at(index)?.fields));
      }),
    waitFor: (expected, options) =>
      store.scope.waitFor(source, expected, options, source.waitFor as Caller) as Promise<Message>,
  };
  return source;
}
