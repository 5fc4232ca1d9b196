/** Puts the secrets of `embedded({ seed })` into a throwaway server. */
import { encoded, trimmed } from '../../bindings/vault/paths.ts';
import { Transport } from '../../bindings/vault/transport.ts';
import { Failed } from '../protocol.ts';

export type Seed = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Time for one answer of a server of this machine, ms. */
const REQUEST_TIMEOUT = 10_000;

/** Throws Failed QA_CONFIG for what is no secret. */
export function checkSeed(seed: Seed): void {
  const fail = (what: string) =>
    new Failed({
      code: 'QA_CONFIG',
      what,
      mend: "Write embedded({ seed: { 'secret/shop/db': { user: 'qa' } } }): by path, each an object",
    });
  if (typeof seed !== 'object' || seed === null || Array.isArray(seed)) throw fail('`embedded({ seed })` is no object');
  for (const [path, data] of Object.entries(seed)) {
    if (!/[^/]\/[^/]/.test(path)) throw fail(`\`embedded({ seed })\` names \`${path}\`, which is no path with a mount`);
    if (typeof data !== 'object' || data === null || Array.isArray(data))
      throw fail(`\`embedded({ seed })\` has no object at \`${path}\``);
  }
}

/** A mount that is not there is made: a KV with versions. Throws Failed QA_SCHEMA_FAILED. */
export async function seedVault(
  seed: Seed,
  { address, token, signal }: { address: string; token: string; signal: AbortSignal },
): Promise<void> {
  const place = { connection: '', address, host: '', redact: (text: string) => text };
  const transport = new Transport({ timeout: REQUEST_TIMEOUT, ssl: undefined, place: () => place });
  const ask = (method: string, path: string, json?: object) =>
    transport.send({ method, uri: `${address}/v1/${path}`, headers: { 'X-Vault-Token': token }, json, signal });
  try {
    const { body } = await ask('GET', 'sys/mounts');
    const mounts = new Set(Object.keys((body as { data: object }).data));
    for (const [written, data] of Object.entries(seed)) {
      const path = trimmed(written);
      const mount = `${path.split('/')[0]}/`;
      if (!mounts.has(mount)) {
        await ask('POST', `sys/mounts/${encodeURIComponent(mount.slice(0, -1))}`, {
          type: 'kv',
          options: { version: '2' },
        });
        mounts.add(mount);
      }
      const name = path.slice(mount.length).replace(/^data\//, '');
      const target = `${mount}data/${encoded(name)}`;
      const { statusCode, body: said } = await ask('POST', target, { data });
      if (statusCode < 300) continue;
      const { errors = [] } = (said ?? {}) as { errors?: string[] };
      throw new Failed({
        code: 'QA_SCHEMA_FAILED',
        what: `\`embedded({ seed })\`: \`${written}\` could not be written (${statusCode}): ${errors.join('; ').trim()}`,
        mend: 'Correct the path or the data',
      });
    }
  } finally {
    transport.close();
  }
}
