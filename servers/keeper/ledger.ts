/** What one process of the run makes and all get. */
import type { Failure, Once } from '../protocol.ts';

/** Somebody who asked; `owner` is the line it asked on. */
export interface Asker {
  owner: object;
  reply(answer: Once): void;
  fail(failure: Failure): void;
}

export type Outcome = { made: unknown } | { failure: Failure };

interface Entry {
  maker: object | undefined;
  since: number;
  waiting: Asker[];
  outcome?: Outcome;
}

/**
 * A failure is remembered so that fifty files do not each try a broken schema, and forgotten in time so that a watch
 * session can try again: after ten times what the attempt took, and never sooner than this, ms.
 */
const REMEMBER_AT_LEAST = 10_000;

export class Ledger {
  readonly #entries = new Map<string, Entry>();

  /** Replies with the value when there is one, or with the task of making it. */
  ask(key: string, asker: Asker): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#entries.set(key, { maker: asker.owner, since: performance.now(), waiting: [] });
      asker.reply({ make: true });
    } else if (entry.outcome === undefined) entry.waiting.push(asker);
    else tell(asker, entry.outcome);
  }

  settle(key: string, maker: object, outcome: Outcome): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.maker !== maker) return;
    entry.maker = undefined;
    entry.outcome = outcome;
    for (const asker of entry.waiting.splice(0)) tell(asker, outcome);
    if ('failure' in outcome) {
      const took = performance.now() - entry.since;
      setTimeout(() => this.#entries.delete(key), remembered(took)).unref();
    }
  }

  /** The maker gives up: the next one who waits makes it. */
  release(key: string, maker: object): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.maker !== maker) return;
    const next = entry.waiting.shift();
    if (next === undefined) {
      this.#entries.delete(key);
      return;
    }
    entry.maker = next.owner;
    entry.since = performance.now();
    next.reply({ make: true });
  }

  /** A line is closed: whoever asked on it is gone. */
  leave(owner: object): void {
    for (const [key, entry] of this.#entries) {
      entry.waiting = entry.waiting.filter((asker) => asker.owner !== owner);
      if (entry.maker === owner) this.release(key, owner);
    }
  }
}

/** How long a failure is remembered that took `took` ms to come about, ms. */
export function remembered(took: number): number {
  return Math.max(REMEMBER_AT_LEAST, took * 10);
}

function tell(asker: Asker, outcome: Outcome): void {
  if ('failure' in outcome) asker.fail(outcome.failure);
  else asker.reply({ made: outcome.made });
}
