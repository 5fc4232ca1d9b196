/** What a worker does for a server in Java, before it asks the keeper for one. */
import { existsSync } from 'node:fs';
import { type EmbeddedOptions, isEmbedded } from '../../bindings/core/server.ts';
import type { KeeperClient } from '../client.ts';
import type { FetchOptions } from './fetch.ts';
import { findJavaServer, type JavaServer } from './find.ts';
import { type PrepareOptions, preparedFolder } from './prepare.ts';
import type { JavaOptions } from './serve.ts';

export interface BringRequest {
  /** `embedded(…)`, or a started server. */
  server: unknown;
  baseDir: string;
  signal: AbortSignal;
  /** One line to the user, once a run. */
  notice(line: string): void;
}

const DEFAULT_START_TIMEOUT = 60_000;

/**
 * Fetches the server's jars where none are kept, and makes what its starts are quick by. How long that takes nobody
 * knows: it counts for no timeout, and ends with the run.
 *
 * @param size of the download, in MB
 */
export async function bringJavaServer(
  kind: JavaServer,
  size: number,
  { server, baseDir, signal, notice }: BringRequest,
  line: KeeperClient,
): Promise<void> {
  if (!isEmbedded(server)) return;
  const { java, jars, cache, missing } = await findJavaServer(kind, server.options, baseDir);
  if (missing !== undefined) {
    const { version, ...fetch } = missing;
    notice(`Maven fetches ${kind.name} ${version} (about ${size} MB, once; kept in ${jars})`);
    await line.start<object, FetchOptions>('jars', { ...fetch, target: jars, startTimeout: 0 }, signal);
  }
  const target = await preparedFolder(kind, { java, jars, cache });
  if (existsSync(target)) return;
  notice(`${kind.name} is prepared for quick starts (some seconds, once)`);
  const options = { java, jars, target, startTimeout: 0 };
  await line.start<object, PrepareOptions>(`${kind.key}-prepare`, options, signal);
}

/** What the keeper is asked for a server with. */
export async function javaOptions(kind: JavaServer, options: EmbeddedOptions, baseDir: string): Promise<JavaOptions> {
  const { java, jars, cache } = await findJavaServer(kind, options, baseDir);
  const prepared = await preparedFolder(kind, { java, jars, cache });
  return { java, jars, prepared, startTimeout: options.startTimeout ?? DEFAULT_START_TIMEOUT };
}
