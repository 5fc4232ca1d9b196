/** What matchers see of a topic. */

import { isDecimal } from '../core/decimal.ts';
import { QaError } from '../core/errors.ts';
import type { MessageObserver, MessageView, Since } from '../core/messages.ts';
import { orAborted } from '../core/operation.ts';
import type { Expected } from '../core/source.ts';
import type { KafkaClient } from './client.ts';
import { printBrokers } from './options.ts';
import { startOf } from './since.ts';
import { TopicView } from './view.ts';

const FIELDS = ['key', 'value', 'headers', 'partition', 'offset', 'timestamp'] as const;

export class TopicObserver implements MessageObserver {
  readonly kind = 'messages';
  readonly noun = 'message';
  readonly fields = FIELDS;
  readonly topic: string;
  readonly #connection: string;
  readonly #client: () => KafkaClient;

  constructor(topic: string, connection: string, client: () => KafkaClient) {
    this.topic = topic;
    this.#connection = connection;
    this.#client = client;
  }

  get label(): string {
    return `qa.${this.#connection}.topic('${this.topic}')`;
  }

  where(): string {
    return `topic ${this.topic} of qa.${this.#connection}${this.#address}`;
  }

  async open(since: Since, signal: AbortSignal): Promise<MessageView> {
    const client = this.#client();
    const { recorder } = client;
    const log = recorder.follow(this.topic);
    const start = startOf(since, { topic: this.topic, client });
    const view = new TopicView({ client, log, codec: client.codecs.of(this.topic), start });
    try {
      // What is visible by now: an open transaction hides what lies behind its first message.
      const ends = await client.persistently(() => recorder.list([this.topic], '-1', true), signal);
      await recorder.readTo(ends, signal);
      await orAborted(view.ready(), signal);
    } catch (error) {
      // A broker that is away takes nothing from what was recorded: the view tells of it, for as long as it is so.
      view.troubled(
        client.told(error, { what: `Reading where \`${this.topic}\` ends`, topic: this.topic, operation: 'Read' }),
      );
    }
    return view;
  }

  command(): string | undefined {
    const { brokers } = this.#client().options;
    return `kafka-console-consumer.sh --bootstrap-server ${brokers.join(',')} --topic ${this.topic} --from-beginning --property print.key=true`;
  }

  /** int64 is a number or a bigint, a decimal compares by value, bytes by bytes. */
  equal(actual: unknown, expected: unknown): boolean | undefined {
    if (isDecimal(actual)) return actual.equals(expected);
    if (typeof actual === 'bigint' || typeof expected === 'bigint') {
      const isNumeric = (value: unknown) => typeof value === 'bigint' || typeof value === 'number';
      // biome-ignore lint/suspicious/noDoubleEquals: 42n and 42 are the same number
      return isNumeric(actual) && isNumeric(expected) && actual == expected;
    }
    if (Buffer.isBuffer(actual) && ArrayBuffer.isView(expected)) {
      return actual.equals(Buffer.from(expected.buffer, expected.byteOffset, expected.byteLength));
    }
    return undefined;
  }

  /** A label must not fail: the connection may not be open yet. */
  get #address(): string {
    try {
      return ` (${printBrokers(this.#client().options.brokers)})`;
    } catch {
      return '';
    }
  }

  /** All messages since the test began. */
  async messages(signal: AbortSignal): Promise<readonly Expected[]> {
    const view = await this.open('test', signal);
    const lost = view.notices().filter(({ kind }) => kind === 'lost');
    if (lost.length > 0) {
      throw new QaError('QA_MESSAGES_LOST', {
        what: `Not all messages of \`${this.topic}\` are there: ${lost.map(({ text }) => text).join(' ')}`,
        mend: 'Read what is there by `waitFor` or a matcher',
        ...this.#client().place,
      });
    }
    const all = Array.from({ length: view.received.length }, (_, index) => view.received.at(index)!);
    const broken = all.find(({ undecodable }) => undecodable !== undefined);
    if (broken === undefined) return all.map(({ fields }) => fields);
    const { part, reason, excerpt } = broken.undecodable!;
    throw new QaError('QA_DECODE', {
      what: `On \`${this.topic}\` the ${part} of the message at ${broken.at} ${reason}. Its bytes: ${excerpt}`,
      mend: 'See whether the topic is declared with the codec that its producer uses',
      ...this.#client().place,
    });
  }
}
