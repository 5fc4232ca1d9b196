/** Which messages have a key, by its raw bytes: a matcher that names one need not look at all. */

/** Sequence numbers in their order; those before `start` were dropped. */
interface Entry {
  sequences: number[];
  start: number;
}

export class KeyIndex {
  readonly #entries = new Map<string | null, Entry>();

  /** Sequence numbers only grow. */
  add(key: Uint8Array | null, sequence: number): void {
    const name = nameOf(key);
    const entry = this.#entries.get(name);
    if (entry) entry.sequences.push(sequence);
    else this.#entries.set(name, { sequences: [sequence], start: 0 });
  }

  /** Messages are dropped in the order in which they came: the key's first one goes. */
  dropFirst(key: Uint8Array | null): void {
    const name = nameOf(key);
    const entry = this.#entries.get(name);
    if (!entry) return;
    entry.start += 1;
    if (entry.start === entry.sequences.length) this.#entries.delete(name);
    else if (entry.start > 1024 && entry.start * 2 > entry.sequences.length) {
      entry.sequences = entry.sequences.slice(entry.start);
      entry.start = 0;
    }
  }

  /** In their order, from `from` on. */
  find(key: Uint8Array | null, from: number): number[] {
    const entry = this.#entries.get(nameOf(key));
    if (!entry) return [];
    let [low, high] = [entry.start, entry.sequences.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entry.sequences[middle]! < from) low = middle + 1;
      else high = middle;
    }
    return entry.sequences.slice(low);
  }
}

/** A letter for each byte. */
function nameOf(key: Uint8Array | null): string | null {
  return key === null ? null : Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
