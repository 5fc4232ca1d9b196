/** Credentials that Vault makes on demand, as tests see them. */
import type { SecretData } from './kv.ts';
import { pathGiven } from './secret.ts';
import type { Store } from './store.ts';

export class VaultCredentials {
  readonly #store: Store;
  readonly #path: string;

  constructor(store: Store, path: string) {
    this.#store = store;
    this.#path = pathGiven(path, store.scope, 'credentials', 'database/creds/app');
  }

  /**
   * What was made: `{ username, password }` of a database. The same for the whole file, also where the config has
   * `fromVault()` of the same path.
   *
   * @throws QaError QA_FORBIDDEN, QA_NOT_FOUND, QA_MISUSE where the path gives nothing on loan, QA_REFUSED …
   */
  read<Data extends object = SecretData>(): Promise<Data> {
    const at = { operation: 'credentials', path: this.#path };
    return this.#store.call(this.read, at, async (signal) => {
      const { data } = await this.#store.client.leases.read(this.#path, signal);
      return data as Data;
    });
  }

  /** Gives them back now: the account is gone when it resolves. The next `read()` makes others. */
  revoke(): Promise<void> {
    const at = { operation: 'revoke', path: this.#path };
    return this.#store.call(this.revoke, at, (signal) => this.#store.client.leases.revoke(this.#path, signal));
  }
}
