/** The producers that tests of one file share: made when first used. */
import type { Kafka, Producer, RecordMetadata, Transaction } from 'kafkajs';
import { clock } from '../core/clock.ts';
import type { Driver } from './client.ts';
import type { ProducerOptions } from './options.ts';

/** What is sent, in bytes. */
export interface Outgoing {
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, Buffer | string | (Buffer | string)[]>;
  partition?: number;
  /** Ms since 1970. */
  timestamp?: string;
}

/** Where a message was stored. */
export interface Sent {
  readonly partition: number;
  /** Of the first one, where several went to the partition; undefined where nobody said (`acks: 'none'`). */
  readonly offset: bigint | undefined;
}

const ACKS = { all: -1, leader: 1, none: 0 } as const;

/** For an abort, ms: the broker that the transaction failed with may not answer this either. */
const PATIENCE = 2000;

export class Producers {
  readonly #kafka: Kafka;
  readonly #driver: Driver;
  readonly #options: ProducerOptions;
  readonly #transactionalId: string;
  #plain: Promise<Producer> | undefined;
  #transactional: Promise<Producer> | undefined;
  /** Of sends in the transaction under way. */
  #failures: unknown[] = [];
  /** The transaction before: a producer has one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(kafka: Kafka, driver: Driver, options: ProducerOptions, transactionalId: string) {
    this.#kafka = kafka;
    this.#driver = driver;
    this.#options = options;
    this.#transactionalId = transactionalId;
  }

  async send(topic: string, messages: Outgoing[], by?: Pick<Transaction, 'send'>): Promise<Sent[]> {
    const stored = await this.#attempt(topic, messages, by);
    const left = leftOut(messages, stored);
    if (left.length === 0 || (this.#options.acks === 'none' && !by)) return stored.map(sentOf);
    // A new producer knows the topic as it is now.
    this.#plain = undefined;
    const late = by ? [] : await this.#attempt(topic, left);
    if (leftOut(left, late).length === 0) return [...stored, ...late].map(sentOf);
    const error = new Error(`kafkajs has not heard of partition ${left[0]!.partition} of the topic`);
    if (by) this.#failures.push(error);
    throw error;
  }

  async #attempt(topic: string, messages: Outgoing[], by?: Pick<Transaction, 'send'>): Promise<RecordMetadata[]> {
    const { acks = 'all', compression = 'none' } = this.#options;
    const types = this.#driver.CompressionTypes;
    const sender = by ?? (await this.#connected());
    try {
      return await sender.send({
        topic,
        messages,
        acks: ACKS[by ? 'all' : acks],
        compression: types[compression === 'none' ? 'None' : (compression.toUpperCase() as 'GZIP')],
      });
    } catch (error) {
      // kafkajs numbers the next messages as if these had never been sent. Where they were, the broker takes the next
      // ones for their repetition: it says that it has them, and stores none.
      if (by) this.#failures.push(error);
      else this.#plain = undefined;
      throw error;
    }
  }

  /** Committed when `work` ends, aborted when it throws. They run one after the other. */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#run(work));
    // The next one runs whatever became of this one, whose caller hears of it.
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #run<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const producer = this.#connectedTransactional();
    this.#failures = [];
    let isClean = false;
    try {
      const transaction = await (await producer).transaction();
      try {
        const result = await work(transaction);
        // Also where the test has caught it: what it sent afterwards may be missing.
        if (this.#failures.length > 0) throw this.#failures[0];
        // One that the test has ended itself is left as it is.
        if (transaction.isActive()) await transaction.commit();
        isClean = true;
        return result;
      } catch (error) {
        if (transaction.isActive()) isClean = await this.#abort(transaction);
        throw error;
      }
    } finally {
      // The next one has the same id: the broker aborts for it what this one has left open.
      if (!isClean && this.#transactional === producer) this.#transactional = undefined;
    }
  }

  /** Whether it was aborted in time. The transaction's own failure is the one to tell. */
  async #abort(transaction: Transaction): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = clock().setTimeout(() => resolve(false), PATIENCE);
    });
    const aborted = transaction.abort().then(
      () => this.#failures.length === 0,
      () => false,
    );
    const isClean = await Promise.race([aborted, late]);
    clock().clearTimeout(timer);
    return isClean;
  }

  /**
   * After topics were deleted: kafkajs asks for the metadata of all topics that a producer ever sent to, and fails where
   * one of them is gone, whatever topic is sent to.
   */
  renew(): void {
    for (const old of [this.#plain, this.#transactional]) {
      // Nobody uses it any more. Its sockets are closed with the connection's at the latest.
      old?.then((producer) => producer.disconnect()).catch(() => undefined);
    }
    this.#plain = undefined;
    this.#transactional = undefined;
  }

  #connected(): Promise<Producer> {
    this.#plain ??= connected(
      this.#kafka.producer({
        allowAutoTopicCreation: false,
        idempotent: this.#options.idempotent ?? false,
        createPartitioner: this.#driver.Partitioners.DefaultPartitioner,
      }),
      () => {
        this.#plain = undefined;
      },
    );
    return this.#plain;
  }

  #connectedTransactional(): Promise<Producer> {
    this.#transactional ??= connected(
      this.#kafka.producer({
        allowAutoTopicCreation: false,
        idempotent: true,
        maxInFlightRequests: 1,
        transactionalId: this.#transactionalId,
        createPartitioner: this.#driver.Partitioners.DefaultPartitioner,
      }),
      () => {
        this.#transactional = undefined;
      },
    );
    return this.#transactional;
  }
}

/** What goes to a partition that came after a producer had looked, kafkajs leaves out without a word. */
function leftOut(messages: readonly Outgoing[], stored: readonly RecordMetadata[]): Outgoing[] {
  const reached = new Set(stored.map(({ partition }) => partition));
  return messages.filter(({ partition }) => partition !== undefined && !reached.has(partition));
}

function sentOf({ partition, baseOffset }: RecordMetadata): Sent {
  return { partition, offset: baseOffset === undefined || baseOffset === '-1' ? undefined : BigInt(baseOffset) };
}

/** A failure is not kept: the next one tries again. */
async function connected(producer: Producer, failed: () => void): Promise<Producer> {
  try {
    await producer.connect();
    return producer;
  } catch (error) {
    failed();
    throw error;
  }
}
