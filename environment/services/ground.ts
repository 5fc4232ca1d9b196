/**
 * What the targets of a worker hold between its files: nothing but their schema, or also what services wrote at their
 * start. A file that finds what its services made goes on from there; else all is made anew, the services too: one whose
 * tables were emptied below it is no service to test.
 */
import { Redactor } from '../../bindings/core/redact.ts';
import type { GroundState } from '../../servers/services/spec.ts';
import type { CommandRunner } from './command.ts';
import { ask } from './keeper-line.ts';

export class Ground {
  readonly #worker: string;

  constructor(worker: string) {
    this.#worker = worker;
  }

  /**
   * Whether the targets hold what exactly these services wrote at their start. If not all of them are ended, and others
   * that had written there. From now on nobody else may count on it.
   *
   * @param isWanted false: all is made anew, whatever is there
   */
  async holds(writers: readonly CommandRunner[], { isWanted }: { isWanted: boolean }): Promise<boolean> {
    const now: GroundState = { isClean: false, services: Object.fromEntries(writers.map(({ slot }) => [slot, ''])) };
    const before = await this.#swap(now);
    const slots = Object.keys(before?.services ?? {});
    const isSame =
      isWanted &&
      before?.isClean === true &&
      writers.length > 0 &&
      slots.length === writers.length &&
      writers.every(({ slot, id, isAsPlanned }) => isAsPlanned && before.services[slot] === id);
    if (isSame) return true;
    const others = slots.filter((slot) => !writers.some((writer) => writer.slot === slot));
    await Promise.all([...writers.map((writer) => writer.stop()), ...others.map((slot) => this.#stop(slot))]);
    return false;
  }

  /** At the end of a file, when they are as its services made them. */
  async leave(writers: readonly CommandRunner[]): Promise<void> {
    const ended = await Promise.all(writers.map((writer) => writer.hasEnded()));
    if (ended.includes(true)) return;
    await this.#swap({
      isClean: true,
      services: Object.fromEntries(writers.map(({ slot, id }) => [slot, id ?? ''])),
    });
  }

  #swap(state: GroundState): Promise<GroundState | null> {
    return ask({ do: 'ground', worker: this.#worker, state }, OPTIONS);
  }

  #stop(slot: string): Promise<unknown> {
    return ask({ do: 'stop', slot }, OPTIONS);
  }
}

/** Nothing that a service said is in the answers. */
const OPTIONS = { name: '', redactor: new Redactor() };
