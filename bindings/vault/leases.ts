/** Credentials that Vault makes on demand: each is on loan, renewed while the file runs, and given back at its end. */
import { clock } from '../core/clock.ts';
import { QaError } from '../core/errors.ts';
import { orAborted } from '../core/operation.ts';
import type { VaultClient } from './client.ts';
import { hideAll } from './hide.ts';
import type { SecretData } from './kv.ts';
import { encoded, trimmed } from './paths.ts';

export interface Lease {
  /** `database/creds/app/…` */
  id: string;
  data: SecretData;
  /** s */
  duration: number;
  isRenewable: boolean;
}

/** Renewed after this part of its time. */
const RENEW_AT = 2 / 3;
/** ms */
const SHORTEST_PAUSE = 500;
const LONGEST_PAUSE = 2 ** 31 - 1;
/** With less it is not tried again, s. */
const SHORTEST_LEFT = 1;
/** Time to give all of them back, ms: less than the session gives a connection to close. */
const REVOKE_TIMEOUT = 1500;

export class Leases {
  readonly #client: VaultClient;
  /** By path: a file gets the same ones wherever it asks. */
  readonly #reading = new Map<string, Promise<Lease>>();
  readonly #held = new Map<string, NodeJS.Timeout | undefined>();
  #isClosed = false;

  constructor(client: VaultClient) {
    this.#client = client;
  }

  /** @throws QaError QA_MISUSE where the path gives nothing on loan */
  read(written: string, signal?: AbortSignal): Promise<Lease> {
    const path = trimmed(written);
    let reading = this.#reading.get(path);
    if (reading === undefined) {
      // Of all who ask: it does not end with the time of the one who asked first.
      reading = this.#read(path, written);
      this.#reading.set(path, reading);
      reading.catch(() => this.#reading.delete(path));
    }
    return orAborted(reading, signal);
  }

  /** Gives it back now. */
  async revoke(written: string, signal?: AbortSignal): Promise<void> {
    const path = trimmed(written);
    const reading = this.#reading.get(path);
    if (reading === undefined) return;
    this.#reading.delete(path);
    await this.#revoke((await reading).id, signal);
  }

  /** Gives back all. What cannot be is told, with the time that it has left. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const ids = [...this.#held.keys()];
    if (ids.length === 0) return;
    const { setTimeout, clearTimeout } = clock();
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new Error('the server did not answer')), REVOKE_TIMEOUT);
    const results = await Promise.allSettled(ids.map((id) => this.#revoke(id, abort.signal)));
    clearTimeout(timer);
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') continue;
      this.#client.scope.notice(
        `the lease ${ids[index]} could not be revoked and ends by itself: ${(result.reason as Error).message}`,
      );
    }
  }

  async #read(path: string, written: string): Promise<Lease> {
    const { scope, place } = this.#client;
    const asked = { doing: `Reading \`${written}\``, path };
    const { body } = await this.#client.ask('GET', encoded(path), { asked });
    const { lease_id, lease_duration, renewable, data } = body as Answered;
    hideAll(data, (secret) => scope.redactor.add(secret));
    if (!lease_id) {
      throw new QaError('QA_MISUSE', {
        what: `\`${written}\` gives nothing on loan: it is no path of dynamic credentials`,
        mend: `Write database/creds/<role>; a secret of a KV is read with \`qa.${scope.connection}.secret('…')\``,
        connection: scope.connection,
        address: place.address,
      });
    }
    const lease: Lease = { id: lease_id, data, duration: lease_duration, isRenewable: renewable };
    // A file that has ended while they were made must not keep them.
    this.#held.set(lease.id, undefined);
    if (this.#isClosed) await this.close();
    else if (renewable) this.#renewLater(lease.id, lease.duration, lease.duration);
    return lease;
  }

  /** @param left of its time, s */
  #renewLater(id: string, duration: number, left: number): void {
    if (this.#isClosed || left <= 0 || !this.#held.has(id)) return;
    const pause = Math.min(Math.max(left * 1000 * RENEW_AT, SHORTEST_PAUSE), LONGEST_PAUSE);
    const timer = clock().setTimeout(() => void this.#renew(id, duration, left - pause / 1000), pause);
    timer.unref();
    this.#held.set(id, timer);
  }

  /** Asks for as much time again as it had; where that fails, again while there is some left. */
  async #renew(id: string, duration: number, left: number): Promise<void> {
    const json = { lease_id: id, increment: duration };
    const asked = { doing: `Renewing the lease ${id}`, path: 'sys/leases/renew' };
    try {
      const { body } = await this.#client.ask('PUT', 'sys/leases/renew', { json, asked });
      const { lease_duration, renewable } = body as Answered;
      if (renewable) this.#renewLater(id, lease_duration, lease_duration);
    } catch (error) {
      if (this.#isClosed || !this.#held.has(id)) return;
      if (left > SHORTEST_LEFT) return this.#renewLater(id, duration, left);
      this.#client.scope.notice(
        `a lease could not be renewed, and what it gave ends with it: ${(error as Error).message}`,
      );
    }
  }

  async #revoke(id: string, signal: AbortSignal | undefined): Promise<void> {
    clock().clearTimeout(this.#held.get(id));
    const asked = { doing: `Revoking the lease ${id}`, path: 'sys/leases/revoke' };
    // Synchronous: with the answer the account is gone.
    await this.#client.ask('PUT', 'sys/leases/revoke', { json: { lease_id: id, sync: true }, signal, asked });
    this.#held.delete(id);
  }
}

interface Answered {
  lease_id: string;
  lease_duration: number;
  renewable: boolean;
  data: SecretData;
}
