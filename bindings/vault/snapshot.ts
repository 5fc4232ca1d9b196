/** What the KV engines of a throwaway server hold, so that it can be put back. */
import type { VaultClient } from './client.ts';
import { type Json, listKv, type SecretData } from './kv.ts';
import type { Mount } from './mounts.ts';
import { encoded } from './paths.ts';

/** One version; without data where they are gone. */
interface KeptVersion {
  data?: SecretData;
  isDeleted?: boolean;
  isDestroyed?: boolean;
}

/** A secret as it was. */
export interface Kept {
  mount: Mount;
  name: string;
  /** Changes with every write. */
  stamp: string;
  /** From the first to the current; one without versions has one. */
  versions: KeptVersion[];
  /** What the engine keeps beside the versions. */
  settings: Record<string, Json>;
}

/** JSON: it travels through the keeper. */
export interface Snapshot {
  mounts: Mount[];
  /** By mount and name. */
  secrets: Record<string, Kept>;
}

/** A secret without what it holds: enough to see whether it was written. */
type Seen = Omit<Kept, 'versions'> & { raw: RawMetadata | SecretData };

interface RawMetadata {
  current_version: number;
  versions: Record<string, { created_time: string; deletion_time: string; destroyed: boolean }>;
  custom_metadata: Record<string, string> | null;
  max_versions: number;
  cas_required: boolean;
  delete_version_after: string;
}

export interface Walked {
  mounts: Mount[];
  secrets: Map<string, Seen>;
}

/** Looks at all of it; reads no data where versions are kept. */
export async function walk(client: VaultClient, signal: AbortSignal): Promise<Walked> {
  const mounts = await kvMounts(client, signal);
  const found = await Promise.all(mounts.map((mount) => walkFolder(client, mount, '', signal)));
  return { mounts, secrets: new Map(found.flat().map((seen) => [keyOf(seen), seen])) };
}

/** @param before one that holds what has not changed since */
export async function snapshot(
  client: VaultClient,
  before: Snapshot | undefined,
  signal: AbortSignal,
): Promise<Snapshot> {
  const { mounts, secrets } = await walk(client, signal);
  const kept = await Promise.all(
    [...secrets].map(async ([key, seen]) => {
      const known = before?.secrets[key];
      return [key, known?.stamp === seen.stamp ? known : await keep(client, seen, signal)] as const;
    }),
  );
  return { mounts, secrets: Object.fromEntries(kept) };
}

/** Puts a secret back, with the numbers of its versions. */
export async function restore(client: VaultClient, kept: Kept, signal: AbortSignal): Promise<void> {
  const { mount, name, versions, settings } = kept;
  const path = encoded(name);
  const ask = (method: string, below: string, json?: object) =>
    client.ask(method, `${mount.path}${below}`, {
      json,
      signal,
      asked: { doing: `Resetting \`${mount.path}${name}\`` },
    });
  if (mount.version === 1) {
    await ask('POST', path, versions[0]!.data);
    return;
  }
  await ask('DELETE', `metadata/${path}`);
  await ask('POST', `metadata/${path}`, { ...settings, cas_required: false });
  for (const { data = {} } of versions) await ask('POST', `data/${path}`, { data });
  const numbers = (is: 'isDeleted' | 'isDestroyed') =>
    versions.flatMap((version, index) => (version[is] ? [index + 1] : []));
  for (const [action, gone] of [
    ['delete', numbers('isDeleted')],
    ['destroy', numbers('isDestroyed')],
  ] as const)
    if (gone.length > 0) await ask('POST', `${action}/${path}`, { versions: gone });
  if (settings.cas_required) await ask('POST', `metadata/${path}`, settings);
  // Times are others now: without this it would be put back before each test.
  kept.stamp = (await look(client, mount, name, signal)).stamp;
}

export async function remove(client: VaultClient, { mount, name }: Pick<Kept, 'mount' | 'name'>, signal: AbortSignal) {
  const path = `${mount.path}${mount.version === 2 ? 'metadata/' : ''}${encoded(name)}`;
  await client.ask('DELETE', path, { signal, asked: { doing: `Removing \`${mount.path}${name}\`` } });
}

async function kvMounts(client: VaultClient, signal: AbortSignal): Promise<Mount[]> {
  const { body } = await client.ask('GET', 'sys/mounts', { signal, asked: { doing: 'Listing the mounts' } });
  const { data } = body as { data: Record<string, { type: string; options?: { version?: string } | null }> };
  return Object.entries(data)
    .filter(([, { type }]) => type === 'kv')
    .map(([path, { options }]) => ({ path, type: 'kv', version: options?.version === '2' ? 2 : 1 }));
}

async function walkFolder(client: VaultClient, mount: Mount, folder: string, signal: AbortSignal): Promise<Seen[]> {
  const names = await listKv(client, mount, folder, signal);
  const found = await Promise.all(
    names.map((name) =>
      name.endsWith('/')
        ? walkFolder(client, mount, `${folder}${name}`, signal)
        : look(client, mount, `${folder}${name}`, signal).then((seen) => [seen]),
    ),
  );
  return found.flat();
}

async function look(client: VaultClient, mount: Mount, name: string, signal: AbortSignal): Promise<Seen> {
  const path = `${mount.path}${mount.version === 2 ? 'metadata/' : ''}${encoded(name)}`;
  const asked = { doing: `Looking at \`${mount.path}${name}\`` };
  const { body } = await client.ask('GET', path, { signal, asked });
  const { data } = body as { data: RawMetadata };
  if (mount.version === 1) return { mount, name, stamp: JSON.stringify(data), settings: {}, raw: data };
  const { custom_metadata, max_versions, cas_required, delete_version_after } = data;
  const settings = { custom_metadata: custom_metadata ?? {}, max_versions, cas_required, delete_version_after };
  return { mount, name, stamp: JSON.stringify([data.versions, settings]), settings, raw: data };
}

/** With the data of each version that is there. */
async function keep(client: VaultClient, { raw, ...seen }: Seen, signal: AbortSignal): Promise<Kept> {
  if (seen.mount.version === 1) return { ...seen, versions: [{ data: raw as SecretData }] };
  const { current_version, versions } = raw as RawMetadata;
  const numbers = Array.from({ length: current_version }, (_, index) => index + 1);
  const kept = numbers.map(async (number): Promise<KeptVersion> => {
    const version = versions[number];
    // An old one that the engine has let go of: its number is kept.
    if (version === undefined || version.destroyed) return { isDestroyed: true };
    if (version.deletion_time !== '' && new Date(version.deletion_time) <= new Date()) return { isDeleted: true };
    const path = `${seen.mount.path}data/${encoded(seen.name)}?version=${number}`;
    const { body } = await client.ask('GET', path, { signal, asked: { doing: `Reading \`${path}\`` } });
    return { data: (body as { data: { data: SecretData } }).data.data };
  });
  return { ...seen, versions: await Promise.all(kept) };
}

function keyOf({ mount, name }: Pick<Kept, 'mount' | 'name'>): string {
  return `${mount.path}${name}`;
}
