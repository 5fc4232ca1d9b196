/** A topic as tests see it: what they send to, wait for and match. */
import type { Transaction } from 'kafkajs';
import type { Scope } from '../core/binding.ts';
import { QaError } from '../core/errors.ts';
import type { MessageSource, MessageWaitOptions } from '../core/messages.ts';
import { testCall } from '../core/operation.ts';
import { type Caller, SOURCE } from '../core/source.ts';
import { nearest } from '../core/suggest.ts';
import type { Attributes } from '../core/trace.ts';
import type { KafkaClient } from './client.ts';
import { numberWhereSafe } from './decoders/plain.ts';
import type { Doing } from './errors.ts';
import { doingWith, lagOf } from './groups.ts';
import { TopicObserver } from './observer.ts';
import { encodeMessage, type SendMessage } from './outgoing.ts';
import { partitionOfKey } from './positions.ts';
import type { Outgoing, Sent } from './producers.ts';
import { type CreateOptions, createTopic, deleteTopic } from './topic-admin.ts';
import type { KafkaMessage } from './topic-codecs.ts';
import { withConfiguration } from './topic-settings.ts';

/** Where a message was stored. */
export interface Stored {
  readonly partition: number;
  /** A number where it is exact, else a bigint; undefined with `acks: 'none'`. */
  readonly offset: number | bigint | undefined;
}

/** What sends to a topic: the connection, or one transaction of it. */
export interface TopicSender<KeyIn = string, ValueIn = unknown> {
  readonly name: string;
  /**
   * Sends a message and resolves when the brokers have it. Topics are never made by sending.
   *
   * @throws QaError QA_ENCODE with the path in the value; QA_NOT_FOUND for an unknown topic; QA_CONNECTION_LOST and
   * QA_TIMEOUT, after which the message may have been stored or not
   * @example
   * await qa.kafka.topic('orders').send({ key: 'o-1', value: { id: 'o-1', total: 42 }, headers: { trace: 't-1' } });
   */
  send(message: SendMessage<KeyIn, ValueIn>): Promise<Stored>;
  /**
   * Sends messages in one batch, in their order. Nothing is sent where one of them cannot be encoded.
   *
   * @returns of each partition that got some, where its first one was stored
   */
  sendAll(messages: readonly SendMessage<KeyIn, ValueIn>[]): Promise<Stored[]>;
}

export interface Topic<Key = string, Value = unknown, KeyIn = Key, ValueIn = Value>
  extends MessageSource<KafkaMessage<Key, Value>>,
    TopicSender<KeyIn, ValueIn> {
  /** All messages since the test began, decoded, in the order of their arrival. */
  messages(): Promise<KafkaMessage<Key, Value>[]>;
  /**
   * Waits for a message that matches and returns it; one that came before counts. Throws at once when the time is up.
   *
   * @throws QaError QA_WAIT_FAILED
   * @example
   * const { value } = await qa.kafka.topic('payments').waitFor({ value: { orderId: 'o-1' } });
   */
  waitFor(
    expected: { readonly [Field in keyof KafkaMessage]?: unknown },
    options?: MessageWaitOptions,
  ): Promise<KafkaMessage<Key, Value>>;
  /**
   * Makes the topic and resolves when it can be used. One that is there with as many partitions is left as it is. On a
   * throwaway broker it is deleted by the next reset.
   *
   * @throws QaError QA_MISUSE when it is there with another number of partitions, or a config is wrong
   * @example
   * await qa.kafka.topic('orders').create({ partitions: 3, config: { 'retention.ms': 60_000 } });
   */
  create(options?: CreateOptions): Promise<void>;
  /**
   * Deletes the topic: any on a throwaway broker, elsewhere only one that this file made by `create()`.
   *
   * @throws QaError QA_NOT_OURS, QA_NOT_FOUND
   */
  delete(): Promise<void>;
  /**
   * Where each partition ends: the offset that its next message gets.
   *
   * @example
   * const before = await qa.kafka.topic('orders').offsets();      // { 0: 120, 1: 98 }
   * await expect(qa.kafka.topic('orders')).toReceiveKafkaMessage({ key: 'o-1' }, { since: before });
   */
  offsets(): Promise<Record<number, number | bigint>>;
  /**
   * How many of its records a consumer group has not committed yet, as offsets count them; 0 when it has seen all:
   * markers of transactions, which nobody commits, are not counted then.
   *
   * @throws QaError QA_NOT_FOUND for an unknown group, or one that does not read the topic
   * @example
   * await expect.poll(() => qa.kafka.topic('orders').lag('billing')).toBe(0);
   */
  lag(group: string): Promise<number>;
}

export function topicOf(name: string, client: () => KafkaClient, scope: Scope): Topic {
  const { connection } = scope;
  if (typeof name !== 'string' || name === '') {
    throw new QaError('QA_MISUSE', {
      what: 'topic() needs the name of a topic',
      mend: "Write topic('orders')",
      connection,
    });
  }
  const observer = new TopicObserver(name, connection, client);
  /** Bounded by the test's time, traced, its errors ours and at the test's line. */
  const run: Run = <T>(
    caller: (...args: never[]) => unknown,
    doing: Task,
    work: (signal: AbortSignal | undefined, seen: Attributes) => Promise<T>,
  ): Promise<T> => {
    let open: KafkaClient | undefined;
    const told = (error: Error) => open?.told(error, { topic: name, ...doing }) ?? error;
    const late = () => ({
      what: `${doing.what} did not end before the time of the test was up`,
      mend: 'See whether the broker hangs, or give the test more time',
      ...open!.place,
    });
    return testCall({ caller, told, late, adopt: scope.adopt }, (signal) => {
      open = client();
      return scope.trace(doing.name, { topic: name }, (seen) => work(signal, seen));
    });
  };
  const topic: Topic = {
    [SOURCE]: observer,
    name,
    ...senderOf(name, client, scope, run),
    messages: () =>
      run(topic.messages, { name: 'read', what: `Reading ${observer.topic}`, operation: 'Read' }, (signal) =>
        observer.messages(signal ?? AbortSignal.timeout(client().options.requestTimeout)),
      ) as Promise<unknown> as Promise<KafkaMessage[]>,
    waitFor: (expected, options) =>
      scope.waitFor(topic, expected, options, topic.waitFor as Caller) as Promise<KafkaMessage>,
    create: (options = {}) =>
      run(
        topic.create,
        {
          name: 'create',
          what: `Making the topic \`${name}\`${withConfiguration(options.config)}`,
          operation: 'Create',
        },
        () => createTopic(client(), name, options),
      ),
    delete: () =>
      run(topic.delete, { name: 'delete', what: `Deleting the topic \`${name}\``, operation: 'Delete' }, () =>
        deleteTopic(client(), name),
      ),
    offsets: () =>
      run(topic.offsets, { name: 'offsets', what: `Reading the offsets of \`${name}\``, operation: 'Describe' }, () =>
        endsOf(client(), name),
      ),
    lag: (group) =>
      run(topic.lag, { ...doingWith(group), name: 'lag' }, async (signal, seen) => {
        seen.group = group;
        return Number(await lagOf(client(), group, name, signal));
      }),
  };
  return topic;
}

/** `name`: of the operation, as traces and the log call it. */
type Task = Doing & { name: string };

export type Run = <T>(
  caller: (...args: never[]) => unknown,
  doing: Task,
  work: (signal: AbortSignal | undefined, seen: Attributes) => Promise<T>,
) => Promise<T>;

/** A transaction, and an offset that each partition of each topic got in it. */
export interface Within {
  readonly transaction: Transaction;
  readonly written: Map<string, Map<number, bigint>>;
}
export function senderOf(
  name: string,
  client: () => KafkaClient,
  { connection }: Scope,
  run: Run,
  within?: Within,
): Pick<TopicSender, 'send' | 'sendAll'> {
  const sendAll = async (messages: readonly unknown[], seen: Attributes): Promise<Stored[]> => {
    seen.messages = messages.length;
    const { codecs, producers, recorder } = client();
    const codec = codecs.of(name);
    const outgoing = await Promise.all(messages.map((message) => encodeMessage(codec, message, connection)));
    if (outgoing.length === 0) return [];
    if (!recorder.topics.includes(name)) await mustExist(client(), name);
    await havePartitions(client(), name, outgoing);
    const sent = await producers.send(name, outgoing, within?.transaction);
    if (within) note(within.written, name, sent);
    seen.offsets = Object.fromEntries(sent.map(stored).map(({ partition, offset }) => [partition, offset]));
    return sent.map(stored);
  };
  const task: Task = { name: 'send', what: `Sending to the topic \`${name}\``, operation: 'Write', isWrite: true };
  const sender: Pick<TopicSender, 'send' | 'sendAll'> = {
    send: (message) => run(sender.send, task, async (_, seen) => (await sendAll([message], seen))[0]!),
    sendAll: (messages) =>
      run(sender.sendAll, task, async (_, seen) => {
        if (Array.isArray(messages)) return sendAll(messages, seen);
        throw new QaError('QA_MISUSE', {
          what: 'sendAll() needs a list of messages',
          mend: 'Write `sendAll([{ key, value }, …])`, or `send({ key, value })` for one',
          connection,
        });
      }),
  };
  return sender;
}

function note(written: Within['written'], topic: string, sent: readonly Sent[]): void {
  const of = written.get(topic) ?? new Map<number, bigint>();
  written.set(topic, of);
  // The first of a batch: it becomes visible with the others.
  for (const { partition, offset } of sent) if (offset !== undefined) of.set(partition, offset);
}

function stored({ partition, offset }: Sent): Stored {
  return { partition, offset: offset === undefined ? undefined : numberWhereSafe(offset) };
}

/** @throws QaError QA_NOT_FOUND where the broker has no such topic */
export async function mustExist(client: KafkaClient, name: string): Promise<void> {
  const { recorder, place } = client;
  await recorder.refresh();
  if (recorder.topics.includes(name)) return;
  const { known } = client;
  const near = nearest(name, known);
  throw new QaError('QA_NOT_FOUND', {
    what: `The topic \`${name}\` does not exist`,
    mend: near
      ? `Did you mean \`${near}\`?`
      : `Make it: \`await qa.${place.connection}.topic('${name}').create()\`, or declare it in \`topics\` where the broker is a throwaway one`,
    ...place,
  });
}

/** @throws QaError QA_MISUSE where a message names a partition that the topic has not */
async function havePartitions({ recorder, place }: KafkaClient, name: string, messages: Outgoing[]): Promise<void> {
  const last = messages.reduce((most, { partition = 0 }) => Math.max(most, partition), 0);
  if (last < recorder.partitions(name).length) return;
  // It may have got some a moment ago.
  await recorder.refresh(name);
  const count = recorder.partitions(name).length;
  if (last < count) return;
  throw new QaError('QA_MISUSE', {
    what: `The topic \`${name}\` has no partition ${last}, but ${count === 1 ? 'only partition 0' : `0 to ${count - 1}`}`,
    mend: 'Correct `partition`, or leave it out: the key decides then',
    ...place,
  });
}

async function endsOf(client: KafkaClient, name: string): Promise<Record<number, number | bigint>> {
  await mustExist(client, name);
  const ends = await client.persistently(() => client.recorder.list([name], '-1'), undefined);
  return Object.fromEntries([...ends].map(([key, end]) => [partitionOfKey(key), numberWhereSafe(end)]));
}
