/** Writing secrets for a test. */
import { QaError } from '../core/errors.ts';
import { locate, type SecretData, writeKv } from './kv.ts';
import { pathGiven } from './secret.ts';
import type { Store } from './store.ts';

export async function seed(
  store: Store,
  secrets: Readonly<Record<string, SecretData>>,
  caller: (...args: never[]) => unknown,
): Promise<void> {
  const { scope } = store;
  const paths = Object.keys(secrets ?? {});
  await store.call(caller, { operation: 'seed', path: paths.join(', ') }, async (signal) => {
    for (const path of paths) {
      pathGiven(path, scope, 'seed', 'secret/shop/api');
      const data: unknown = secrets[path];
      if (typeof data === 'object' && data !== null && !Array.isArray(data)) continue;
      throw new QaError('QA_MISUSE', {
        what: `\`${path}\` of seed() is no object: a secret has keys`,
        mend: `Write seed({ '${path}': { password: '…' } })`,
        connection: scope.connection,
      });
    }
    const { client } = store;
    const located = await Promise.all(paths.map((path) => locate(client, path, signal)));
    for (const location of located) await writeKv(client, location, secrets[location.written]!, signal);
  });
}
