/** What tests see as `qa.<name>`. */
import type { Scope } from '../core/binding.ts';
import { VaultCredentials } from './credentials.ts';
import type { SecretData } from './kv.ts';
import type { Driver, NodeVaultClient } from './node-vault.ts';
import { VaultSecret } from './secret.ts';
import { seed } from './seed.ts';
import { type OpenVault, Store } from './store.ts';

export class VaultHandle {
  readonly #store: Store;

  constructor(opened: () => OpenVault, scope: Scope) {
    this.#store = new Store(opened, scope);
  }

  /**
   * The real client of node-vault, with the token of this connection. It waits no longer than `requestTimeout`, takes a
   * `signal` among the options of a request, follows no redirect, asks no proxy, and its errors hold neither the token
   * nor what was sent.
   */
  get client(): NodeVaultClient {
    return this.#store.client.client;
  }

  /** The driver's module that the connection uses. */
  get driver(): Driver {
    return this.#store.open.driver as Driver;
  }

  /** The address, as the system under test gets it. */
  get url(): string {
    return this.#store.open.options.address!;
  }

  /** The token that the connection uses now, for a system under test that is to have the same rights. */
  get token(): string {
    return this.#store.client.token;
  }

  /**
   * A secret of a KV engine, of either version. The path has its mount; behind it `data/` may stand or not.
   *
   * @throws QaError QA_MISUSE for what is no path
   * @example
   * const { password } = await qa.vault.secret('secret/data/shop/api').read();
   * await expect(qa.vault.secret('secret/data/shop/rotated')).toHaveSecret({ version: 3, data: { user: 'qa' } });
   */
  secret<Data extends object = SecretData>(path: string): VaultSecret<Data> {
    return new VaultSecret<Data>(this.#store, path);
  }

  /**
   * Credentials that an engine makes on demand. They are read when they are first asked for, the same ones for the whole
   * file; their lease is renewed while the file runs, and revoked at its end.
   *
   * @example
   * const { username, password } = await qa.vault.credentials('database/creds/app').read();
   */
  credentials(path: string): VaultCredentials {
    return new VaultCredentials(this.#store, path);
  }

  /**
   * Writes secrets, by path; where the mount keeps versions, a new one of each. On a throwaway server they are gone with
   * the next reset, unless a `beforeAll` wrote them.
   *
   * @throws QaError QA_MISUSE, before anything is written, for what is no secret; QA_FORBIDDEN, QA_NOT_FOUND …
   * @example
   * await qa.vault.seed({ 'secret/shop/api': { user: 'qa', password: 'correct horse' } });
   */
  seed(secrets: Readonly<Record<string, SecretData>>): Promise<void> {
    return seed(this.#store, secrets, this.seed);
  }
}
