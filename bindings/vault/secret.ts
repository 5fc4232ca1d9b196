/** A secret of a KV engine, as tests see it and as matchers look at it. */
import type { Scope } from '../core/binding.ts';
import { QaError } from '../core/errors.ts';
import type { SecretConditions, SecretObserver, SecretSource, SeenSecret } from '../core/secrets.ts';
import { SOURCE, type WaitOptions } from '../core/source.ts';
import type { VaultClient } from './client.ts';
import { hideAll } from './hide.ts';
import { dataOf, locate, metadataOf, nearSecret, readKv, type SecretData, type SecretMetadata } from './kv.ts';
import { trimmed } from './paths.ts';
import type { Store } from './store.ts';

export interface ReadSecretOptions {
  /** Default: the current one. */
  version?: number;
}

/** Lazy, as all sources are: it reads when a matcher or one of its methods does. */
export class VaultSecret<Data extends object = SecretData> implements SecretSource<Data> {
  readonly [SOURCE]: SecretObserver;
  readonly #store: Store;
  readonly #path: string;

  constructor(store: Store, path: string) {
    this.#store = store;
    this.#path = pathGiven(path, store.scope, 'secret', 'secret/data/shop/api');
    this[SOURCE] = observerOf(store, path);
  }

  /**
   * Its data as it is now, or of one version.
   *
   * @throws QaError QA_NOT_FOUND (path, version, deleted), QA_FORBIDDEN, QA_CONNECTION_LOST …
   * @example
   * const { password } = await qa.vault.secret('secret/data/shop/api').read();
   */
  read({ version }: ReadSecretOptions = {}): Promise<Data> {
    return this.#call(this.read, 'read', async (signal) => {
      const { client } = this.#store;
      const data = await dataOf(client, await locate(client, this.#path, signal), { version, signal });
      this.#hide(data);
      return data as Data;
    });
  }

  /**
   * Its versions and what else the server keeps beside the data.
   *
   * @throws QaError QA_NOT_FOUND where nothing is there; QA_MISUSE on a mount that keeps no versions
   */
  metadata(): Promise<SecretMetadata> {
    return this.#call(this.metadata, 'metadata', async (signal) => {
      const { client } = this.#store;
      const location = await locate(client, this.#path, signal);
      const found = await metadataOf(client, location, signal);
      if (found) return found;
      // The same text as for its data.
      await dataOf(client, location, { signal });
      throw new QaError('QA_NOT_FOUND', {
        what: `There is no secret at \`${this.#path}\` any more`,
        mend: 'See who removed it',
        connection: client.scope.connection,
        address: client.place.address,
      });
    });
  }

  /**
   * Waits for data that match and returns them; throws at once when the time is up.
   *
   * @throws QaError QA_WAIT_FAILED
   * @example
   * await qa.vault.secret('secret/data/shop/rotated').waitFor({ data: { user: 'qa' }, version: 3 });
   */
  waitFor(expected: SecretConditions<Data>, options?: WaitOptions): Promise<Data> {
    return this.#store.scope.waitFor(this, expected, options, this.waitFor) as Promise<Data>;
  }

  #call<T>(
    caller: (...args: never[]) => unknown,
    operation: string,
    work: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    return this.#store.call(caller, { operation, path: this.#path }, work);
  }

  #hide(data: SecretData): void {
    hideAll(data, (secret) => this.#store.scope.redactor.add(secret));
  }
}

function observerOf(store: Store, path: string): SecretObserver {
  const { scope } = store;
  const label = `qa.${scope.connection}.secret('${path}')`;
  return {
    kind: 'secrets',
    label,
    where: () => `secret ${path} of qa.${scope.connection}${store.address}`,
    command: () => commandFor(store.client, path),
    async read({ version, signal }): Promise<SeenSecret> {
      const { client } = store;
      return scope.trace('look', { path }, async () => {
        const seen = await readKv(client, await locate(client, path, signal), { version, signal });
        if (!seen.there) return { there: false, why: WHY[seen.because], version: seen.version };
        hideAll(seen.data, (secret) => scope.redactor.add(secret));
        return { there: true, data: seen.data, version: seen.version };
      });
    },
    async explain(signal): Promise<string[]> {
      const { client } = store;
      const near = await nearSecret(client, await locate(client, path, signal), signal);
      return near === undefined ? [] : [`near to it: ${near}`];
    },
  };
}

/** What a shell takes: the mount is known once something was read. */
function commandFor({ options, mounts }: VaultClient, written: string): string {
  const path = trimmed(written);
  const mount = mounts.known(path);
  const where = `-address=${options.address}${options.namespace === undefined ? '' : ` -namespace=${options.namespace}`}`;
  if (mount?.version === undefined) return `vault read ${where} ${quoted(path)}`;
  const name = path.slice(mount.path.length);
  return `vault kv get ${where} -mount=${mount.path.slice(0, -1)} ${quoted(mount.version === 2 ? name.replace(/^data\//, '') : name)}`;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

const WHY = {
  nothing: 'there is no such secret',
  'no such version': 'there is no such version',
  deleted: 'the version was deleted',
  destroyed: 'the version was destroyed',
} as const;

export function pathGiven(path: string, { connection }: Scope, maker: string, example: string): string {
  const mend = `Write ${maker}('${example}')`;
  if (typeof path !== 'string' || !/[^/]\/[^/]/.test(path))
    throw new QaError('QA_MISUSE', { what: `${maker}() needs a path, with its mount`, mend, connection });
  if (path.includes('#'))
    throw new QaError('QA_MISUSE', {
      what: `${maker}('${path}') names a key; it is of the whole secret`,
      mend: `Leave the key out: ${maker}('${path.slice(0, path.indexOf('#'))}'), and take it from what \`read()\` gives`,
      connection,
    });
  if (path.split('/').some((part) => part === '.' || part === '..'))
    throw new QaError('QA_MISUSE', { what: `${maker}('${path}') has a part that is a dot`, mend, connection });
  return path;
}
