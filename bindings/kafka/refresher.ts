/** When metadata is read: now and then, more often while something is missing, and at once when asked for. */
import { clock } from '../core/clock.ts';

/** New topics, partitions and leaders are looked for this often, ms; more often while a followed topic is missing. */
const REFRESH = 1000;
const REFRESH_MISSING = 50;

export class Refresher {
  readonly #read: (names?: readonly string[]) => Promise<void>;
  readonly #missing: () => readonly string[];
  #underway: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isHurried = false;
  /** When all was read, ms of the clock. */
  #readAt = 0;

  /**
   * @param read reads all of it, or of some topics
   * @param missing topics that are waited for
   */
  constructor(read: (names?: readonly string[]) => Promise<void>, missing: () => readonly string[]) {
    this.#read = read;
    this.#missing = missing;
  }

  /** Reads all, from now on: what is under way may have been asked before. */
  now(): Promise<void> {
    if (!this.#underway) return this.#readAll();
    const go = () => {
      this.#queued = undefined;
      return this.#readAll();
    };
    this.#queued ??= this.#underway.then(go, go);
    return this.#queued;
  }

  start(): void {
    clock().clearTimeout(this.#timer);
    this.#isHurried = this.#missing().length > 0;
    const timer = clock().setTimeout(() => this.#tick(timer), this.#isHurried ? REFRESH_MISSING : REFRESH);
    timer.unref();
    this.#timer = timer;
  }

  /** Looks sooner, where something is missing now. */
  hurry(): void {
    if (this.#timer && !this.#isHurried && this.#missing().length > 0) this.start();
  }

  stop(): void {
    clock().clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tick(timer: NodeJS.Timeout): void {
    const missing = this.#missing();
    const isDue = missing.length === 0 || clock().now() - this.#readAt >= REFRESH;
    (isDue ? this.now() : this.#read(missing))
      // What it failed with is kept by who reads.
      .catch(() => undefined)
      .finally(() => {
        if (this.#timer === timer) this.start();
      });
  }

  #readAll(): Promise<void> {
    this.#underway = this.#read()
      .then(() => {
        this.#readAt = clock().now();
      })
      .finally(() => {
        this.#underway = undefined;
      });
    return this.#underway;
  }
}
