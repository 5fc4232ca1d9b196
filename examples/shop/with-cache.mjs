/** The cache's part of the suite: left out, visibly, where no server for it can run. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const folders = (process.env.PATH ?? '').split(delimiter);
const programs = ['dragonfly', 'valkey-server', 'redis-server'];

/** The server is a throwaway one. `QA_CACHE_URL` names another instead. */
export const cacheIsHere =
  Boolean(process.env.QA_CACHE_URL) ||
  programs.some((program) => folders.some((folder) => existsSync(join(folder, program))));
export const LEFT_OUT = `left out: needs ${programs.join(', ')} in PATH, or a server at QA_CACHE_URL`;

/**
 * A `describe`, skipped where there is no cache. A file of which all is skipped opens no connection.
 *
 * @param {string} title
 * @param {() => void} run
 */
export function describeWithCache(title, run) {
  if (cacheIsHere) describe(title, run);
  else describe.skip(`${title} (${LEFT_OUT})`, run);
}
