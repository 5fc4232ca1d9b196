/** Values that a config takes from a Vault: `fromVault('secret/data/shop/db#url')`. */
import { QaError } from '../core/errors.ts';
import { type Reference, reference } from '../core/reference.ts';
import { didYouMean } from '../core/suggest.ts';
import type { VaultClient } from './client.ts';
import { hideAll } from './hide.ts';
import { dataOf, locate, type SecretData } from './kv.ts';
import { trimmed } from './paths.ts';

export interface FromVaultOptions {
  /** Name of the Vault's connection in the config. Needed where there are several. */
  connection?: string;
}

/**
 * A value of a secret, read when a connection that uses it opens; the Vault's connection opens first, by itself. A path
 * that gives credentials on loan (`database/creds/app#username`) is read once a file: the lease is renewed while the file
 * runs and revoked at its end.
 *
 * @param place the path and, behind a `#`, the key in the secret; a path of a KV with versions may be written with
 *   `data/` behind its mount or without
 * @throws QaError QA_CONFIG when the config is loaded, for a place without a key; on opening QA_NOT_FOUND, QA_FORBIDDEN
 * @example
 * postgres({ url: fromVault('secret/data/shop/db#url') })
 * postgres({ host: 'db', user: fromVault('database/creds/app#username'), password: fromVault('database/creds/app#password') })
 */
export function fromVault(place: string, { connection }: FromVaultOptions = {}): Reference<string> {
  const by = `fromVault('${place}')`;
  const [, path, key] = /^([^#]*[^#/])#(.+)$/.exec(typeof place === 'string' ? place : '') ?? [];
  if (path === undefined || key === undefined) {
    throw new QaError('QA_CONFIG', {
      what: `${by} does not name a path and a key`,
      mend: "Write fromVault('secret/data/shop/db#url'): the path, and behind a # the key in the secret",
    });
  }
  const need = { kind: 'vault', connection, by };
  return reference(async (context) => {
    if (context.use === undefined) {
      throw new QaError('QA_CONFIG', {
        what: `\`${context.path}\` is ${by}, and here no connection is open that it could be read from`,
        mend: 'Write it as an option of a connection, not of a codec that is used by itself',
      });
    }
    const client = (await context.use(need)) as VaultClient;
    return client.references.value(path, key, { by, at: context.path });
  }, need);
}

/** Each path is read once a file. */
export class References {
  readonly #client: VaultClient;
  readonly #read = new Map<string, Promise<SecretData>>();

  constructor(client: VaultClient) {
    this.#client = client;
  }

  /** @throws QaError QA_NOT_FOUND, QA_FORBIDDEN and what else a read ends in; QA_CONFIG where it is no text */
  async value(written: string, key: string, { by, at }: { by: string; at: string }): Promise<string> {
    const path = trimmed(written);
    let reading = this.#read.get(path);
    if (reading === undefined) {
      reading = this.#data(path);
      this.#read.set(path, reading);
      reading.catch(() => this.#read.delete(path));
    }
    const data = await reading;
    const { connection, address } = this.#client.place;
    if (!Object.hasOwn(data, key)) {
      throw new QaError('QA_NOT_FOUND', {
        what: `\`${at}\` is ${by}, and the secret is there, but has no key \`${key}\`. ${didYouMean(key, Object.keys(data))}`,
        mend: 'Correct what stands behind the #',
        connection,
        address,
      });
    }
    const value = data[key]!;
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw new QaError('QA_CONFIG', {
      what: `\`${at}\` is ${by}, and that is ${value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object'}, where a text is needed`,
      mend: 'Name a key that holds a text or a number',
      connection,
      address,
    });
  }

  async #data(path: string): Promise<SecretData> {
    const { scope, mounts, leases } = this.#client;
    return scope.trace('read', { path }, async () => {
      const mount = await mounts.of(path);
      if (mount.version === undefined) return (await leases.read(path)).data;
      const data = await dataOf(this.#client, await locate(this.#client, path));
      hideAll(data, (secret) => scope.redactor.add(secret));
      return data;
    });
  }
}
