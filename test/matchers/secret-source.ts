/** A store of one secret in this process, by the contract. */
import type { SecretObserver, SecretSource, SeenSecret } from '../../bindings/core/secrets.ts';
import { SOURCE } from '../../bindings/core/source.ts';

export interface SecretStore {
  source: SecretSource<Record<string, string>>;
  secret: SeenSecret;
  /** Thrown by each look while set. */
  broken: Error | undefined;
}

export const NONE: SeenSecret = { there: false, why: 'there is no such secret', version: undefined };

export function secretStore(secret: SeenSecret = NONE, more: Partial<SecretObserver> = {}): SecretStore {
  const observer: SecretObserver = {
    kind: 'secrets',
    label: "qa.vault.secret('secret/data/shop')",
    where: () => 'secret secret/data/shop of qa.vault (memory)',
    async read() {
      if (store.broken) throw store.broken;
      return store.secret;
    },
    explain: async () => ['near to it: secret/data/shop/db'],
    command: () => 'vault kv get -mount=secret shop',
    ...more,
  };
  const store: SecretStore = {
    source: {
      [SOURCE]: observer,
      read: async () => (store.secret.there ? store.secret.data : {}) as Record<string, string>,
      waitFor: () => Promise.reject(new Error('not by this source')),
    },
    secret,
    broken: undefined,
  };
  return store;
}
