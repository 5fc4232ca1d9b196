/**
 * The drivers of the configured connections, for the sandbox: a test that imports one must get the very module
 * that the connection uses, and native drivers crash when they are loaded inside.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { LentDriver } from '../../bindings/core/shared.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { ProjectConfig } from './environment.ts';

/** Those that the user does not replace by mocks of his own. */
export function lentDrivers(config: LoadedConfig, project: ProjectConfig, testPath: string): LentDriver[] {
  if (project.automock) return [];
  const names = Object.values(config.connections).flatMap(({ binding }) => binding.driver?.name ?? []);
  return [...new Set(names)].flatMap((name) => {
    const path = resolve(name, config.file);
    if (path === undefined || isMocked(name, project, testPath)) return [];
    return [{ path, load: () => createRequire(config.file)(path) }];
  });
}

const resolved = new Map<string, string | undefined>();

function resolve(name: string, from: string): string | undefined {
  const key = `${from}\0${name}`;
  if (!resolved.has(key)) {
    try {
      resolved.set(key, createRequire(from).resolve(name));
    } catch {
      // Not installed: opening the connection says so.
      resolved.set(key, undefined);
    }
  }
  return resolved.get(key);
}

/**
 * A mock without a factory would lose against ours, so files that can hold one are searched for it: the test and the
 * setup files. Jest also mocks by itself what has a file in a `__mocks__` folder of a root.
 */
function isMocked(name: string, { roots, setupFiles, setupFilesAfterEnv }: ProjectConfig, testPath: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  const call = new RegExp(
    `\\b(?:mock|doMock|setMock|unstable_mockModule)\\s*(?:<[^(]*>)?\\(\\s*['"\`]${escaped}['"\`]`,
  );
  const inFile = (path: string) => existsSync(path) && call.test(readFileSync(path, 'utf8'));
  if (inFile(testPath) || [...setupFiles, ...setupFilesAfterEnv].some((path) => !isOurs(path) && inFile(path)))
    return true;
  return roots.some((root) =>
    ['js', 'cjs', 'mjs', 'ts', 'cts', 'mts'].some((extension) =>
      existsSync(join(root, '__mocks__', `${name}.${extension}`)),
    ),
  );
}

function isOurs(path: string): boolean {
  return /[\\/]@qa[\\/]jest-preset[\\/]dist[\\/]/.test(path);
}
