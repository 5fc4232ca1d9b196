/** Admits one run at a time to a stand: a key that expires unless its run renews it. */
import { clock, pause } from '../../../core/clock.ts';
import { QaError } from '../../../core/errors.ts';
import type { RedisClient } from '../client.ts';
import { MARKER } from './marker.ts';

const KEY = `${MARKER}:lock`;
/** Without a renewal it is free after this time, ms: its run has died. Less than the default of `openTimeout`. */
const EXPIRES = 8000;
const RENEW = 2000;
/** A lock that another run holds is asked for again after this time, ms. */
const RETRY = 100;

/** KEYS[1] is the lock, ARGV its owner and its time, 0 to give it back. */
const RENEWAL = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;

export class Lock {
  readonly #client: RedisClient;
  readonly #owner: string;
  #timer: NodeJS.Timeout | undefined;
  /** Since it was renewed last, ms of the clock. */
  #heldAt = 0;

  constructor(client: RedisClient) {
    this.#client = client;
    this.#owner = `run ${client.scope.namespace.run}`;
  }

  /** @throws QaError QA_RESET_BLOCKED when another run holds it until `signal` aborts */
  async take(signal: AbortSignal): Promise<void> {
    const { redis } = this.#client;
    for (;;) {
      const asked = clock().now();
      // A worker of this very run that has died may have left it.
      const holder =
        (await redis.set(KEY, this.#owner, 'PX', EXPIRES, 'NX')) === 'OK' ? this.#owner : await redis.get(KEY);
      if (holder === this.#owner) {
        this.#heldAt = asked;
        this.#schedule();
        return;
      }
      await pause(RETRY);
      if (signal.aborted) throw this.#blocked(holder);
    }
  }

  /** @throws QaError QA_RESET_BLOCKED where it was lost meanwhile */
  check(): void {
    if (clock().now() - this.#heldAt < EXPIRES) return;
    throw this.#blocked(null);
  }

  async release(): Promise<void> {
    clock().clearTimeout(this.#timer);
    if (this.#timer === undefined) return;
    this.#timer = undefined;
    // Without an answer it expires by itself.
    await this.#client.redis.eval(RENEWAL, 1, KEY, this.#owner, 0).catch(() => undefined);
  }

  #schedule(): void {
    this.#timer = clock().setTimeout(() => void this.#renew(), RENEW);
    this.#timer.unref();
  }

  async #renew(): Promise<void> {
    const asked = clock().now();
    try {
      if ((await this.#client.redis.eval(RENEWAL, 1, KEY, this.#owner, EXPIRES)) === 1) this.#heldAt = asked;
    } catch {
      // The next one may succeed; `check` tells when it has been too long.
    }
    if (this.#timer !== undefined) this.#schedule();
  }

  #blocked(holder: string | null): QaError {
    const { connection, address } = this.#client.place;
    return new QaError('QA_RESET_BLOCKED', {
      what:
        holder === null
          ? 'The lock that admits one run at a time to this stand was lost: it could not be renewed'
          : `Another run, ${holder.replace(/^run /, '')}, is using this stand, and only one may empty it at a time`,
      mend: 'Wait until it has ended, or give this run more time with `openTimeout`',
      connection,
      address,
    });
  }
}
