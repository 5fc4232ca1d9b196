/** What tests see as `qa.<name>`. */
import type { Kafka, Transaction } from 'kafkajs';
import type { Opened, Scope } from '../core/binding.ts';
import { orAborted, teller, withinTest } from '../core/operation.ts';
import type { Driver, KafkaClient } from './client.ts';
import type { Decoded, Encodable } from './codec.ts';
import type { ParsedOptions, Topics } from './options.ts';
import { senderOf, type Topic, type TopicSender, topicOf } from './topic.ts';

type OpenKafka = Opened<ParsedOptions, KafkaClient>;

type KeyOf<T extends Topics, N extends keyof T> = T[N] extends { key: infer C } ? Decoded<C> : string;
type ValueOf<T extends Topics, N extends keyof T> = T[N] extends { value: infer C } ? Decoded<C> : unknown;
type KeyIn<T extends Topics, N extends keyof T> = T[N] extends { key: infer C } ? Encodable<C> : string;
type ValueIn<T extends Topics, N extends keyof T> = T[N] extends { value: infer C } ? Encodable<C> : unknown;

export interface KafkaTransaction<T extends Topics = Topics> {
  /** kafkajs's own: `sendOffsets`, `abort`, `isActive`. */
  readonly client: Transaction;
  /** What is sent to it is seen by others when the transaction has been committed. */
  topic<N extends keyof T & string>(name: N): TopicSender<KeyIn<T, N>, ValueIn<T, N>>;
  topic<Value = unknown, Key = string>(name: string): TopicSender<Key, Value>;
}

export class KafkaHandle<T extends Topics = Topics> {
  readonly #opened: () => OpenKafka;
  readonly #scope: Scope;
  readonly #topics = new Map<string, Topic>();

  constructor(opened: () => OpenKafka, scope: Scope) {
    this.#opened = opened;
    this.#scope = scope;
  }

  /** The real `Kafka` of kafkajs. What a test connects by it ends with the file at the latest. */
  get client(): Kafka {
    return this.#opened().client.kafka;
  }

  /** The driver's module that the connection uses: `qa.kafka.driver.CompressionTypes`. */
  get driver(): Driver {
    return this.#opened().driver as Driver;
  }

  /** `host:port` of each, as the system under test gets them. */
  get brokers(): string[] {
    return [...this.#opened().options.brokers];
  }

  /**
   * A topic: to send to, to wait for, to match. One that the config does not declare has text as key, and as value
   * JSON if it parses, else text, else bytes.
   *
   * @example
   * await qa.kafka.topic('orders').send({ key: 'o-1', value: { id: 'o-1', total: 42 } });
   * await expect(qa.kafka.topic('payments')).toReceiveKafkaMessage({ key: 'o-1', value: { amount: 42 } });
   */
  topic<N extends keyof T & string>(name: N): Topic<KeyOf<T, N>, ValueOf<T, N>, KeyIn<T, N>, ValueIn<T, N>>;
  topic<Value = unknown, Key = string>(name: string): Topic<Key, Value>;
  topic(name: string): Topic<never, never> {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = topicOf(name, () => this.#opened().client, this.#scope);
      this.#topics.set(name, topic);
    }
    return topic as unknown as Topic<never, never>;
  }

  /**
   * Sends to several topics, all or nothing: committed when `fn` ends, aborted when it throws. One runs at a time.
   *
   * @throws what `fn` throws; QaError QA_CONNECTION_LOST, QA_TIMEOUT
   * @example
   * await qa.kafka.transaction(async (tx) => {
   *   await tx.topic('orders').send({ key: 'o-1', value: order });
   *   await tx.topic('audit').send({ value: { event: 'ordered' } });
   * });
   */
  async transaction<R>(fn: (tx: KafkaTransaction<T>) => R | Promise<R>): Promise<R> {
    const scope = this.#scope;
    const { client } = this.#opened();
    const thrown: { error?: unknown } = {};
    const tell = teller(
      this.transaction,
      (error) => (error === thrown.error ? error : client.told(error, { what: 'The transaction', isWrite: true })),
      scope.adopt,
    );
    try {
      return await withinTest(
        (signal) =>
          orAborted(
            scope.trace('transaction', {}, () => this.#committed(fn, thrown, signal)),
            signal,
          ),
        () => ({
          what: 'The transaction did not end before the time of the test was up',
          mend: 'See whether the broker hangs, or give the test more time',
          ...client.place,
        }),
      );
    } catch (error) {
      // What the test's own function threw is the test's.
      throw error === thrown.error ? error : tell(error);
    }
  }

  async #committed<R>(
    fn: (tx: KafkaTransaction<T>) => R | Promise<R>,
    thrown: { error?: unknown },
    signal: AbortSignal | undefined,
  ): Promise<R> {
    const { client } = this.#opened();
    const written = new Map<string, Map<number, bigint>>();
    try {
      return await client.producers.transaction(async (transaction) => {
        try {
          return await fn(this.#within(transaction, written));
        } catch (error) {
          thrown.error = error;
          throw error;
        }
      });
    } finally {
      // Also after an abort: until the partitions know of it, they hide what comes behind.
      if (written.size > 0) await client.untilVisible(written, signal);
    }
  }

  #within(transaction: Transaction, written: Map<string, Map<number, bigint>>): KafkaTransaction<T> {
    const scope = this.#scope;
    const topic = (name: string) => ({
      name,
      ...senderOf(
        name,
        () => this.#opened().client,
        scope,
        async (caller, doing, work) => {
          const tell = teller(
            caller,
            (error) => this.#opened().client.told(error, { topic: name, ...doing }),
            scope.adopt,
          );
          try {
            const attributes = { topic: name, transaction: true };
            return scope.adopt(await scope.trace(doing.name, attributes, (seen) => work(undefined, seen)));
          } catch (error) {
            throw tell(error);
          }
        },
        { transaction, written },
      ),
    });
    return { client: transaction, topic: topic as KafkaTransaction<T>['topic'] };
  }
}
