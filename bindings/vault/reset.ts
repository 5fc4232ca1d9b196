/**
 * How a throwaway server is brought back: what its KV engines held at the baseline is put back, with the numbers of
 * versions; everything else in them is removed. Policies, ways to log in and other engines stay as they are.
 */
import type { Proof, Refusal, Resetter, Scope } from '../core/binding.ts';
import { QaError } from '../core/errors.ts';
import type { VaultClient } from './client.ts';
import type { ParsedOptions } from './options.ts';
import { remove, restore, type Snapshot, snapshot, walk } from './snapshot.ts';

const proved = new WeakSet<Proof>();

/** Ours is only a server that this run started, told by its token. */
export async function ownership(client: VaultClient, _options: ParsedOptions, scope: Scope): Promise<Proof | Refusal> {
  const { lease } = scope;
  const { address } = client.place;
  if (lease === undefined) return { owned: false, because: `${address} is not a throwaway server of this run` };
  if (lease.secret.token !== client.token)
    return { owned: false, because: 'the connection leads to another server than the one it was lent' };
  const proof: Proof = { owned: true, by: 'throwaway', because: lease.because };
  proved.add(proof);
  return proof;
}

export async function reset(client: VaultClient, proof: Proof, scope: Scope): Promise<Resetter> {
  if (!proved.has(proof)) {
    throw new QaError('QA_NOT_OURS', {
      what: 'The proof that this server may be emptied is not the one that `ownership` gave',
      mend: 'Pass on the object itself, not a copy',
      connection: scope.connection,
      address: client.place.address,
    });
  }
  // As it was when it was first handed out, whatever an earlier file of the run has left.
  const first = await scope.once(`vault baseline ${scope.lease!.secret.id}`, () =>
    snapshot(client, undefined, scope.signal),
  );
  const baselines = [first];
  return {
    reset: (signal) => bringBack(client, baselines.at(-1)!, signal),
    push: async (signal) => {
      baselines.push(await snapshot(client, baselines.at(-1), signal));
    },
    pop: () => {
      if (baselines.length > 1) baselines.pop();
    },
    close: async () => undefined,
  };
}

async function bringBack(client: VaultClient, baseline: Snapshot, signal: AbortSignal): Promise<void> {
  const now = await walk(client, signal);
  const ask = (method: string, path: string, json?: object) =>
    client.ask(method, `sys/mounts/${path.slice(0, -1)}`, { json, signal, asked: { doing: `Resetting \`${path}\`` } });
  const isIn = (mounts: Snapshot['mounts'], path: string) => mounts.some((mount) => mount.path === path);
  const newer = now.mounts.filter(({ path }) => !isIn(baseline.mounts, path));
  const lost = baseline.mounts.filter(({ path }) => !isIn(now.mounts, path));
  await Promise.all([
    ...newer.map(({ path }) => ask('DELETE', path)),
    ...lost.map(({ path, version }) => ask('POST', path, { type: 'kv', options: { version: String(version) } })),
  ]);
  client.mounts.forget([...newer, ...lost]);
  const written = [...now.secrets].filter(
    ([key, { mount }]) => !baseline.secrets[key] && isIn(baseline.mounts, mount.path),
  );
  await Promise.all(written.map(([, secret]) => remove(client, secret, signal)));
  const changed = Object.entries(baseline.secrets).filter(([key, { stamp }]) => now.secrets.get(key)?.stamp !== stamp);
  await Promise.all(changed.map(([, kept]) => restore(client, kept, signal)));
}
