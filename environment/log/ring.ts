/** The last lines of a test, a describe, or of what belongs to nobody. */
import type { Line } from './line.ts';

/** So many are kept of each, and shown of all together. */
export const KEPT = 50;

export class Ring {
  readonly #lines: Line[] = [];
  #next = 0;
  /** How many there were. */
  count = 0;

  add(line: Line): void {
    this.count += 1;
    if (this.#lines.length < KEPT) {
      this.#lines.push(line);
      return;
    }
    this.#lines[this.#next] = line;
    this.#next = (this.#next + 1) % KEPT;
  }

  get lines(): readonly Line[] {
    return this.#lines;
  }
}
