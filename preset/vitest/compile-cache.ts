/**
 * Vitest starts a process for each file, which compiles Vitest, this package and the driver anew. Node keeps what it
 * has compiled where it is told to, by a variable that it reads when it starts.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

/**
 * Lets the project's workers keep compiled code in Node's own folder for it. What the user has set stays, and coverage
 * comes first, which such code makes less precise: Vitest sees to that itself, but not for a tool around it.
 *
 * @returns the folder; undefined where nothing was changed
 */
export function keepCompiled({ config }: TestProject, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folder = join(tmpdir(), 'node-compile-cache');
  // Its type hides that there may be none. A project may extend a config that has been through here.
  if (config.env?.[CACHE] === folder) return folder;
  const given = { ...env, ...config.env };
  if (RESPECTED.some((name) => given[name] !== undefined)) return undefined;
  config.env = { ...config.env, [CACHE]: folder };
  return folder;
}

const CACHE = 'NODE_COMPILE_CACHE';
const RESPECTED = [CACHE, 'NODE_DISABLE_COMPILE_CACHE', 'NODE_V8_COVERAGE'];
