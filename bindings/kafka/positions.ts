/** How far the partitions of what is recorded have been read, and who waits for them. */

export interface At {
  readonly topic: string;
  readonly partition: number;
}

/** As marks name it: `orders/0`. */
export function keyOf({ topic, partition }: At): string {
  return `${topic}/${partition}`;
}

/** The topic of such a name. */
export function topicOfKey(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}

/** The partition of such a name. */
export function partitionOfKey(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1));
}

export class Positions<P extends At & { readonly offset: bigint }> {
  readonly #positions = new Map<string, P>();
  readonly #waiting = new Set<() => void>();
  #closed = false;

  get all(): P[] {
    return [...this.#positions.values()];
  }

  at(key: string): P | undefined {
    return this.#positions.get(key);
  }

  of(topic: string): P[] {
    return this.all.filter((position) => position.topic === topic);
  }

  /** Whether it is still that of its partition: the topic may have been made again. */
  isCurrent(position: P): boolean {
    return this.#positions.get(keyOf(position)) === position;
  }

  add(position: P): void {
    this.#positions.set(keyOf(position), position);
  }

  /** What waits for them has nothing left to wait for. */
  forget(topic?: string): void {
    for (const position of topic === undefined ? this.all : this.of(topic)) this.#positions.delete(keyOf(position));
    this.moved();
  }

  close(): void {
    this.#closed = true;
    this.moved();
  }

  /** Tells those who wait. */
  moved(): void {
    for (const look of this.#waiting) look();
  }

  /**
   * Resolves once all that are there have been read up to `ends`, by `topic/partition`. One that is gone has nothing
   * left to read.
   *
   * @throws the reason of `signal`
   */
  async reach(ends: ReadonlyMap<string, bigint>, signal: AbortSignal): Promise<void> {
    const wanted = [...ends].flatMap(([key, end]) => {
      const position = this.#positions.get(key);
      return position ? [{ position, end }] : [];
    });
    const isRead = () =>
      this.#closed || wanted.every(({ position, end }) => position.offset >= end || !this.isCurrent(position));
    if (isRead()) return;
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        if (!signal.aborted && !isRead()) return;
        this.#waiting.delete(settle);
        signal.removeEventListener('abort', settle);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      this.#waiting.add(settle);
      signal.addEventListener('abort', settle, { once: true });
      settle();
    });
  }
}
