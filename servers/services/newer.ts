/** Whether files were written after a moment. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What a service does not run from, or what it writes itself. */
const LEFT_OUT = /^(\.|node_modules$|__pycache__$)/;

/** The first path, at or below `paths`, that is newer than `moment` (wall clock, ms). */
export async function firstNewer(paths: readonly string[], moment: number): Promise<string | undefined> {
  for (const path of paths) {
    // What is not there has not changed; that it is missing the service tells itself.
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    if (found.mtimeMs > moment) return path;
    if (!found.isDirectory()) continue;
    // A folder that a build removes meanwhile is not there either.
    const names = await readdir(path).catch(() => []);
    const below = names.filter((name) => !LEFT_OUT.test(name)).map((name) => join(path, name));
    const newer = await firstNewer(below, moment);
    if (newer !== undefined) return newer;
  }
  return undefined;
}
