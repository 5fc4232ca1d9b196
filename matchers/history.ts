/** What a wait saw over time, kept as the points where it changed, in bounded memory. */
import { printMs } from './print.ts';

/** Change points kept at each end; those between are counted. */
const KEPT = 4;

export class History {
  readonly #first: { at: number; state: string }[] = [];
  readonly #last: { at: number; state: string }[] = [];
  #between = 0;
  #state: string | undefined;

  /** `at`: ms since the start of the wait. */
  note(at: number, state: string): void {
    if (state === this.#state) return;
    this.#state = state;
    if (this.#first.length < KEPT) {
      this.#first.push({ at, state });
      return;
    }
    this.#last.push({ at, state });
    if (this.#last.length > KEPT) {
      this.#last.shift();
      this.#between += 1;
    }
  }

  /** What was so until the first note, where nothing has been noted yet. */
  begin(state: string): void {
    if (this.#state === undefined) this.note(0, state);
  }

  /** One line a change; empty when nothing was seen. */
  lines(): string[] {
    const points = [...this.#first, ...this.#last];
    if (points.length === 0) return [];
    if (points.length === 1) return [`${points[0]!.state}, all the time`];
    const lines = points.map(({ at, state }, index) => {
      const next = points[index + 1];
      if (next === undefined) return `${state} since ${printMs(at)}`;
      return index === 0 ? `${state} until ${printMs(next.at)}` : `${state} from ${printMs(at)}`;
    });
    if (this.#between > 0) lines.splice(KEPT, 0, `(${this.#between} more changes)`);
    return lines;
  }
}
