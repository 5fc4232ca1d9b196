/** Files of this package that run in a process of their own. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * In the package a bundle beside the one that asks or above it (two folders in Vitest's runner); in this repository
 * its source.
 *
 * @param bundle `keeper.mjs`
 * @param source its TypeScript, for where nothing is bundled
 * @param from `import.meta.url` of who asks
 */
export function companionFile(bundle: string, source: string, from: string): string {
  const places = [`./${bundle}`, `../${bundle}`, `../../${bundle}`, source];
  const files = places.map((place) => fileURLToPath(new URL(place, from)));
  const found = files.find((file) => existsSync(file));
  if (found === undefined) throw new Error(`There is none of: ${files.join(', ')}`);
  return found;
}

/** The environment of such a process: nothing that was meant for the runner's own. */
export function companionEnv(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...env } = process.env;
  return env;
}
