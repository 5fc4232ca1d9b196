/** What was recorded of one topic, within bounds. */
import { KeyIndex } from './key-index.ts';

export interface RawMessage {
  readonly partition: number;
  readonly offset: bigint;
  /** How often the topic had been made again before: its offsets start anew then. */
  readonly generation: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>;
  /** Ms since 1970, as the message says. */
  readonly timestamp: number;
  /** Ms of the core's clock. */
  readonly seen: number;
  /** Bytes of key, value and headers as they came. */
  readonly size: number;
  /** Set where a batch of messages could not be read: it stands for all of them, without key and value. */
  readonly unreadable?: Unreadable | undefined;
}

export interface Unreadable {
  /** `2 messages, up to offset 5, compressed with lz4, could not be read: …` */
  readonly reason: string;
  /** How many messages there were. */
  readonly count: number;
  /** As they came, at most the first 32. */
  readonly bytes: Buffer;
}

export interface Bounds {
  readonly messages: number;
  readonly bytes: number;
}

/** Memory that a message takes beside its bytes, about. */
const OVERHEAD = 150;

export class TopicLog {
  readonly topic: string;
  generation = 0;
  /** Sequence number of the first message that is kept: how many were dropped. */
  dropped = 0;
  /** Of each partition (and generation) the last message that was dropped. */
  readonly lastDropped = new Map<string, bigint>();
  /** What was lost beyond help, in words. */
  readonly losses: string[] = [];
  /** What happened to the topic that explains what one sees, in words: nothing is known to be lost. */
  readonly hints: string[] = [];
  readonly #bounds: Bounds;
  #messages: RawMessage[] = [];
  #start = 0;
  #bytes = 0;
  #index: KeyIndex | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(topic: string, bounds: Bounds) {
    this.topic = topic;
    this.#bounds = bounds;
  }

  /** Sequence number that the next message gets. */
  get end(): number {
    return this.dropped + this.#messages.length - this.#start;
  }

  /** What is kept takes about so many bytes of memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The message of a sequence number; undefined when it was dropped. */
  at(sequence: number): RawMessage | undefined {
    return sequence < this.dropped ? undefined : this.#messages[this.#start + sequence - this.dropped];
  }

  /**
   * Sequence numbers, from `from` on and in their order, of the messages that have these bytes as their key (null: that
   * have none). By an index, which the first call builds.
   */
  sequencesOfKey(key: Uint8Array | null, from = 0): readonly number[] {
    if (!this.#index) {
      this.#index = new KeyIndex();
      for (let sequence = this.dropped; sequence < this.end; sequence += 1) this.#note(sequence);
    }
    return this.#index.find(key, from);
  }

  append(messages: readonly RawMessage[]): void {
    for (const message of messages) {
      this.#messages.push(message);
      this.#bytes += OVERHEAD + message.size;
      if (this.#index) this.#note(this.end - 1);
    }
    while (
      this.end - this.dropped > this.#bounds.messages ||
      (this.#bytes > this.#bounds.bytes && this.end > this.dropped + 1)
    )
      this.#drop();
    // Only now and then: moving all for each would cost more than it frees.
    if (this.#start > 1024 && this.#start * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#start);
      this.#start = 0;
    }
    this.wake();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  wake(): void {
    for (const listener of this.#listeners) listener();
  }

  #note(sequence: number): void {
    const message = this.at(sequence)!;
    if (!message.unreadable) this.#index!.add(message.key, sequence);
  }

  #drop(): void {
    const message = this.#messages[this.#start]!;
    this.#messages[this.#start] = undefined as never;
    this.#start += 1;
    this.dropped += 1;
    this.#bytes -= OVERHEAD + message.size;
    if (this.#index && !message.unreadable) this.#index.dropFirst(message.key);
    this.lastDropped.set(`${message.generation}/${message.partition}`, message.offset);
  }
}
