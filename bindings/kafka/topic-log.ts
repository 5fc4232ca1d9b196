/** What was recorded of one topic, within bounds. */
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
}

export interface Bounds {
  readonly messages: number;
  readonly bytes: number;
}

/** Memory that a message takes beside its bytes, about. */
const OVERHEAD = 100;

export class TopicLog {
  readonly topic: string;
  generation = 0;
  /** Sequence number of the first message that is kept: how many were dropped. */
  dropped = 0;
  /** Of each partition (and generation) the last message that was dropped. */
  readonly lastDropped = new Map<string, bigint>();
  /** What was lost beyond help, in words. */
  readonly losses: string[] = [];
  readonly #bounds: Bounds;
  #messages: RawMessage[] = [];
  #start = 0;
  #bytes = 0;
  readonly #listeners = new Set<() => void>();

  constructor(topic: string, bounds: Bounds) {
    this.topic = topic;
    this.#bounds = bounds;
  }

  /** Sequence number that the next message gets. */
  get end(): number {
    return this.dropped + this.#messages.length - this.#start;
  }

  /** The message of a sequence number; undefined when it was dropped. */
  at(sequence: number): RawMessage | undefined {
    return sequence < this.dropped ? undefined : this.#messages[this.#start + sequence - this.dropped];
  }

  /** Sequence numbers, from one on, of messages with the very key. */
  sequencesOfKey(key: Buffer | null, from: number): number[] {
    const found: number[] = [];
    for (let sequence = Math.max(from, this.dropped); sequence < this.end; sequence += 1) {
      const own = this.at(sequence)!.key;
      if (key === null || own === null ? key === own : own.equals(key)) found.push(sequence);
    }
    return found;
  }

  append(messages: readonly RawMessage[]): void {
    for (const message of messages) {
      this.#messages.push(message);
      this.#bytes += sizeOf(message);
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

  #drop(): void {
    const message = this.#messages[this.#start]!;
    this.#messages[this.#start] = undefined as never;
    this.#start += 1;
    this.dropped += 1;
    this.#bytes -= sizeOf(message);
    this.lastDropped.set(`${message.generation}/${message.partition}`, message.offset);
  }
}

function sizeOf({ key, value }: RawMessage): number {
  return OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0);
}
