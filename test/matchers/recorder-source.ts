/** A source of messages in this process, by the contract: what is pushed is recorded and wakes who listens. */
import type { MessageObserver, MessageSource, MessageView, Notice, Received } from '../../bindings/core/messages.ts';
import { SOURCE } from '../../bindings/core/source.ts';

export interface Recorder {
  source: MessageSource;
  received: Received[];
  notices: Notice[];
  explained: string[];
  /** Thrown by `open` while set. */
  broken: Error | undefined;
  afterGroup: MessageView['afterGroup'];
  readonly listeners: Set<() => void>;
  readonly opened: unknown[];
  push(fields: Record<string, unknown>, undecodable?: Received['undecodable']): void;
  wake(): void;
}

export function recorder(
  first: Record<string, unknown>[] = [],
  { equal }: { equal?: MessageObserver['equal'] } = {},
): Recorder {
  const it: Recorder = {
    source: undefined as never,
    received: [],
    notices: [],
    explained: [],
    broken: undefined,
    afterGroup: undefined,
    listeners: new Set(),
    opened: [],
    push(fields, undecodable) {
      const offset = it.received.length;
      it.received.push({
        fields: { key: null, value: null, headers: {}, partition: 0, offset, ...fields },
        at: `partition 0, offset ${offset}`,
        seen: performance.now(),
        ...(undecodable && { undecodable }),
      });
      it.wake();
    },
    wake() {
      for (const listener of it.listeners) listener();
    },
  };
  const observer: MessageObserver = {
    kind: 'messages',
    label: "qa.kafka.topic('orders')",
    noun: 'message',
    fields: ['key', 'value', 'headers', 'partition', 'offset', 'timestamp'],
    where: () => 'topic orders of qa.kafka (memory)',
    async open(since) {
      it.opened.push(since);
      if (it.broken) throw it.broken;
      return {
        received: it.received,
        candidates: () => undefined,
        subscribe(listener) {
          it.listeners.add(listener);
          return () => it.listeners.delete(listener);
        },
        notices: () => it.notices,
        explain: async () => it.explained,
        ...(it.afterGroup && { afterGroup: it.afterGroup }),
      };
    },
    command: () => undefined,
    ...(equal && { equal }),
  };
  it.source = {
    [SOURCE]: observer,
    messages: async () => it.received.map(({ fields }) => ({ ...fields })),
    waitFor: () => Promise.reject(new Error('not by this source')),
  };
  for (const fields of first) it.push(fields);
  return it;
}
