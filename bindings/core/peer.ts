/** Libraries that are optional peers: only those that a config names are needed, loaded when first used. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { QaError } from './errors.ts';

export interface Peer {
  /** 'avsc' */
  readonly name: string;
  /** '>=5.7 <6' */
  readonly range: string;
}

export interface PeerUse {
  /** Folder whose `node_modules` count: the config's. */
  from: string;
  /** Who needs it, in words: `avro()`. */
  by: string;
  connection?: string | undefined;
}

/**
 * The module, found from the config's folder. `require`, not `import`: it works inside Jest's sandbox too.
 *
 * @param path a module inside the package: `dist/2020`
 * @throws QaError QA_DRIVER_MISSING with the command that installs it
 */
export function loadPeer<T>(peer: Peer, { from, by, connection }: PeerUse, path?: string): T {
  const wanted = path === undefined ? peer.name : `${peer.name}/${path}`;
  // The config's folder first; where that is elsewhere (a linked folder), beside this package.
  const places = [join(from, 'qa.config.js'), import.meta.url].map((place) => createRequire(place));
  let cause: unknown;
  for (const require of places) {
    try {
      return require(require.resolve(wanted)) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
      cause ??= error;
    }
  }
  throw new QaError('QA_DRIVER_MISSING', {
    what: `${by} needs the library \`${peer.name}\`, which is not installed`,
    mend: `Run: npm i -D ${peer.name}@"${peer.range}"`,
    connection,
    cause,
  });
}
