/** Where what was downloaded or made for servers stays for later runs. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * A folder of this user: `QA_CACHE` where it is set (a CI server keeps that one between its jobs), else the
 * platform's usual place. Removing it costs the next run a download.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.QA_CACHE) return env.QA_CACHE;
  const parent =
    env.XDG_CACHE_HOME ||
    (process.platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache'));
  return join(parent, 'qa-jest-preset');
}
