/**
 * Admits one run at a time to a stand: a record that says who, and until when. A run that died without a word is
 * waited for only so long.
 */
import { clock } from '../../../core/clock.ts';
import { QaError } from '../../../core/errors.ts';
import { LIMITS, type Store } from '../store.ts';
import { MARKER_SET } from './marker.ts';

const KEY = 'qa-lock';
/** How long a lock holds when nobody renews it, ms. */
const HOLDS = 20_000;
const RENEWED = 5000;
const LOOK = 100;

export class Lock {
  readonly #store: Store;
  #timer: NodeJS.Timeout | undefined;
  #isHeld = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws QaError QA_RESET_BLOCKED when another run holds it until `signal` aborts */
  async take(signal: AbortSignal): Promise<void> {
    for (;;) {
      const holder = await this.#try();
      if (holder === undefined) break;
      if (signal.aborted) throw this.#blocked(holder);
      const ended = await pause(LOOK, signal);
      if (!ended) throw this.#blocked(holder);
    }
    this.#isHeld = true;
    this.#renewLater();
  }

  /** @throws QaError QA_RESET_BLOCKED when another run has taken it meanwhile */
  async check(): Promise<void> {
    const holder = await this.#try();
    if (holder !== undefined) throw this.#blocked(holder);
  }

  async release(): Promise<void> {
    clock().clearTimeout(this.#timer);
    if (!this.#isHeld) return;
    this.#isHeld = false;
    const { store, key } = this.#parts();
    const held = await store.read(MARKER_SET, KEY);
    if (held?.bins.run !== store.scope.namespace.run) return;
    // Only if nobody has written it since.
    const { policy } = store.driver;
    const rules = { ...LIMITS, gen: policy.gen.EQ, generation: held.generation };
    await store.client.remove(key, rules as never);
  }

  /** Takes or renews it; who else holds it, where somebody does. */
  async #try(): Promise<string | undefined> {
    const { store, key } = this.#parts();
    const { policy, status } = store.driver;
    const { run, worker } = store.scope.namespace;
    const found = await store.read(MARKER_SET, KEY);
    const isOther = found !== undefined && found.bins.run !== run && Number(found.bins.until) > Date.now();
    if (isOther) return `run ${String(found.bins.run)} (process ${String(found.bins.pid)})`;
    const bins = { run, worker, pid: process.pid, until: Date.now() + HOLDS };
    const [meta, rules] = found
      ? [{ gen: found.generation }, { gen: policy.gen.EQ, exists: policy.exists.REPLACE }]
      : [{}, { exists: policy.exists.CREATE }];
    try {
      await store.client.put(key, bins, meta as never, { ...LIMITS, ...rules } as never);
      return undefined;
    } catch (error) {
      const { code } = error as { code?: number };
      const isTaken = [status.ERR_RECORD_EXISTS, status.ERR_RECORD_GENERATION, status.ERR_RECORD_NOT_FOUND].includes(
        code as never,
      );
      if (isTaken) return 'a run that was quicker';
      throw store.told(error, 'Taking the lock of the stand');
    }
  }

  #renewLater(): void {
    this.#timer = clock().setTimeout(() => {
      // That it could not be renewed the next reset finds out, which checks it.
      this.#try().then(
        () => this.#isHeld && this.#renewLater(),
        () => this.#isHeld && this.#renewLater(),
      );
    }, RENEWED);
    this.#timer.unref();
  }

  #parts() {
    return { store: this.#store, key: this.#store.key(MARKER_SET, KEY) };
  }

  #blocked(holder: string): QaError {
    const { connection, address } = this.#store.place;
    return new QaError('QA_RESET_BLOCKED', {
      what: `Another run, ${holder}, is using this stand, and only one may empty it at a time`,
      mend: 'Wait until it has ended, or give this run more time with `openTimeout`',
      connection,
      address,
    });
  }
}

/** False when `signal` ended it. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  const { setTimeout, clearTimeout } = clock();
  return new Promise((resolve) => {
    const abort = () => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve(true);
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
  });
}
