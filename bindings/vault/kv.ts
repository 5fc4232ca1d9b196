/** Key/value engines, of both versions. */
import { QaError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import type { VaultClient } from './client.ts';
import type { Mount } from './mounts.ts';
import { encoded, trimmed } from './paths.ts';

/** What JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type SecretData = Record<string, Json>;

/** Where a secret is. */
export interface Location {
  mount: Mount;
  /** Below the mount, without `data/`. */
  name: string;
  /** As the test or the config wrote it. */
  written: string;
}

export interface SecretVersion {
  version: number;
  createdAt: Date;
  /** Undefined while it is there. */
  deletedAt: Date | undefined;
  /** Its data is gone for good. */
  destroyed: boolean;
}

export interface SecretMetadata {
  /** The current version. */
  version: number;
  createdAt: Date;
  updatedAt: Date;
  /** The oldest that is still there. */
  oldestVersion: number;
  maxVersions: number;
  casRequired: boolean;
  /** What users have written beside the secret. */
  custom: Record<string, string>;
  /** From the oldest to the newest. */
  versions: SecretVersion[];
}

export interface FoundSecret {
  there: true;
  data: SecretData;
  /** Undefined where the mount keeps none. */
  version: number | undefined;
  createdAt: Date | undefined;
}

export interface MissingSecret {
  there: false;
  /** Nothing was ever there, or all of it was removed; one version never was, was deleted, or destroyed. */
  because: 'nothing' | 'no such version' | 'deleted' | 'destroyed';
  /** The one that was looked for; undefined where none was named and there is none. */
  version: number | undefined;
}

export interface KvReadOptions {
  /** Default: the current one. */
  version?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** @throws QaError QA_MISUSE for another engine's path */
export async function locate(client: VaultClient, written: string, signal?: AbortSignal): Promise<Location> {
  const path = trimmed(written);
  const mount = await client.mounts.of(path, signal);
  if (mount.version === undefined) {
    throw new QaError('QA_MISUSE', {
      what: `\`${written}\` is no path of a KV engine: \`${mount.path}\` is of the type ${mount.type}`,
      mend:
        mount.type === 'database'
          ? `Read it with \`credentials('${written}')\``
          : `Use the client itself: \`qa.${client.scope.connection}.client.read('${written}')\``,
      connection: client.scope.connection,
      address: client.place.address,
    });
  }
  const below = path.slice(mount.path.length);
  return { mount, name: mount.version === 2 ? below.replace(/^data\//, '') : below, written };
}

/** One look at a secret. */
export async function readKv(
  client: VaultClient,
  location: Location,
  { version, signal }: KvReadOptions = {},
): Promise<FoundSecret | MissingSecret> {
  const { mount, name, written } = location;
  const asked = { doing: `Reading \`${written}\``, path: apiPath(location), mount: mount.path };
  if (mount.version === 1) {
    if (version !== undefined) throw versionless(client, location);
    const { statusCode, body } = await client.ask('GET', apiPath(location), { signal, asked, accept: [404] });
    if (statusCode === 404) return { there: false, because: 'nothing', version: undefined };
    const { data } = body as { data: SecretData };
    return { there: true, data, version: undefined, createdAt: undefined };
  }
  const query = version === undefined ? '' : `?version=${version}`;
  const path = `${mount.path}data/${encoded(name)}${query}`;
  const { statusCode, body } = await client.ask('GET', path, { signal, asked, accept: [404] });
  const { data } = (body ?? {}) as { data?: { data: SecretData | null; metadata: RawVersion & { version: number } } };
  // A version that was deleted is answered with 404 and its metadata.
  if (data?.metadata === undefined)
    return { there: false, because: version === undefined ? 'nothing' : 'no such version', version };
  const { metadata } = data;
  if (statusCode === 404 || data.data === null) {
    return { there: false, because: metadata.destroyed ? 'destroyed' : 'deleted', version: metadata.version };
  }
  return { there: true, data: data.data, version: metadata.version, createdAt: new Date(metadata.created_time) };
}

/** @throws QaError QA_NOT_FOUND, with a text of its own for each of the ways not to be there */
export async function dataOf(
  client: VaultClient,
  location: Location,
  options: KvReadOptions = {},
): Promise<SecretData> {
  const seen = await readKv(client, location, options);
  if (seen.there) return seen.data;
  throw await missing(client, location, seen, options.signal);
}

/** Undefined where nothing is there. @throws QaError QA_MISUSE on a mount that keeps none */
export async function metadataOf(
  client: VaultClient,
  location: Location,
  signal?: AbortSignal,
): Promise<SecretMetadata | undefined> {
  const { mount, name, written } = location;
  if (mount.version === 1) throw versionless(client, location);
  const path = `${mount.path}metadata/${encoded(name)}`;
  const asked = { doing: `Reading the metadata of \`${written}\``, path, mount: mount.path };
  const { statusCode, body } = await client.ask('GET', path, { signal, asked, accept: [404] });
  if (statusCode === 404) return undefined;
  const { data } = body as { data: RawMetadata };
  return {
    version: data.current_version,
    createdAt: new Date(data.created_time),
    updatedAt: new Date(data.updated_time),
    oldestVersion: data.oldest_version,
    maxVersions: data.max_versions,
    casRequired: data.cas_required,
    custom: data.custom_metadata ?? {},
    versions: Object.entries(data.versions)
      .map(([number, { created_time, deletion_time, destroyed }]) => ({
        version: Number(number),
        createdAt: new Date(created_time),
        deletedAt: deletion_time === '' ? undefined : new Date(deletion_time),
        destroyed,
      }))
      .sort((a, b) => a.version - b.version),
  };
}

/** Writes a secret; where the mount keeps versions, a new one of it. */
export async function writeKv(
  client: VaultClient,
  location: Location,
  data: SecretData,
  signal?: AbortSignal,
): Promise<void> {
  const { mount, written } = location;
  const asked = { doing: `Writing \`${written}\``, path: apiPath(location), mount: mount.path };
  const json = mount.version === 2 ? { data } : data;
  await client.ask('POST', apiPath(location), { json, signal, asked });
}

/** Names below a folder; those that end with a slash are folders. Nothing there: none. */
export async function listKv(
  client: VaultClient,
  mount: Mount,
  folder: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const path = `${mount.path}${mount.version === 2 ? 'metadata/' : ''}${encoded(folder)}`;
  const asked = { doing: `Listing \`${mount.path}${folder}\``, path, mount: mount.path };
  const { statusCode, body } = await client.ask('GET', `${path}?list=true`, { signal, asked, accept: [404] });
  return statusCode === 404 ? [] : (body as { data: { keys: string[] } }).data.keys;
}

/** The path of the API: with `data/` where there are versions. */
export function apiPath({ mount, name }: Location): string {
  return `${mount.path}${mount.version === 2 ? 'data/' : ''}${encoded(name)}`;
}

/** For a failure: a name near to one that is not there. Nothing where the token may not list. */
export async function nearSecret(
  client: VaultClient,
  { mount, name }: Location,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const folder = name.slice(0, name.lastIndexOf('/') + 1);
  const names = await listKv(client, mount, folder, signal).catch(() => []);
  const near = nearest(
    name.slice(folder.length),
    names.filter((found) => !found.endsWith('/')),
  );
  return near === undefined ? undefined : `${mount.path}${folder}${near}`;
}

async function missing(
  client: VaultClient,
  location: Location,
  { because, version }: MissingSecret,
  signal?: AbortSignal,
): Promise<QaError> {
  const { mount, written, name } = location;
  const { connection, address } = client.place;
  const fail = (what: string, mend: string) => new QaError('QA_NOT_FOUND', { what, mend, connection, address });
  if (because === 'deleted')
    return fail(
      `Version ${version} of \`${written}\` (mount \`${mount.path}\`) was deleted`,
      `Bring it back (\`vault kv undelete -mount=${mount.path.slice(0, -1)} -versions=${version} ${name}\`), or write a new version`,
    );
  if (because === 'destroyed')
    return fail(
      `Version ${version} of \`${written}\` (mount \`${mount.path}\`) was destroyed: its data is gone for good`,
      'Write a new version',
    );
  if (because === 'no such version') {
    const found = await metadataOf(client, location, signal).catch(() => undefined);
    const has = found && ` It has ${found.versions.map((one) => one.version).join(', ')}.`;
    return fail(
      `There is no version ${version} of \`${written}\` (mount \`${mount.path}\`).${has ?? ''}`,
      'Correct `version`, or leave it out for the current one',
    );
  }
  const near = await nearSecret(client, location, signal);
  return fail(
    `There is no secret at \`${written}\` (mount \`${mount.path}\`)`,
    near === undefined ? 'Correct the path, or write the secret' : `Did you mean \`${near}\`?`,
  );
}

function versionless(client: VaultClient, { mount, written }: Location): QaError {
  return new QaError('QA_MISUSE', {
    what: `\`${written}\` has no versions: the mount \`${mount.path}\` is a KV of version 1`,
    mend: 'Leave the version out, or enable versions (`vault kv enable-versioning`)',
    connection: client.scope.connection,
    address: client.place.address,
  });
}

interface RawVersion {
  created_time: string;
  deletion_time: string;
  destroyed: boolean;
}

interface RawMetadata {
  created_time: string;
  updated_time: string;
  current_version: number;
  oldest_version: number;
  max_versions: number;
  cas_required: boolean;
  custom_metadata: Record<string, string> | null;
  versions: Record<string, RawVersion>;
}
