/** Imports go down only, as the table of folders says. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../support/consumer.ts';

/** Folder → what it may import besides itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'bindings/core': [],
  bindings: ['bindings/core'],
  servers: ['bindings/core', 'bindings'],
  environment: ['bindings/core', 'bindings', 'servers'],
  matchers: ['bindings/core'],
  preset: ['bindings/core', 'bindings', 'servers', 'environment', 'matchers'],
};

const folderOf = (path: string) => (path.startsWith('bindings/core/') ? 'bindings/core' : path.split('/')[0]!);

function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  const found = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map((match) => match[1]!);
  return found.map((specifier) => relative(root, join(root, dirname(path), specifier)));
}

function violations(path: string, imports: readonly string[]): string[] {
  const folder = folderOf(path);
  const allowed = [folder, ...(MAY_IMPORT[folder] ?? [])];
  return imports.filter((target) => !allowed.includes(folderOf(target))).map((target) => `${path} imports ${target}`);
}

test('imports go down only', () => {
  const files = globSync('{bindings,servers,environment,matchers,preset}/**/*.ts', { cwd: root });
  expect(files.length).toBeGreaterThan(20);
  expect(files.flatMap((path) => violations(path, importsOf(path)))).toEqual([]);
});

test('an import that goes up is found', () => {
  expect(violations('matchers/x.ts', ['environment/qa.ts'])).toEqual(['matchers/x.ts imports environment/qa.ts']);
  expect(violations('bindings/core/x.ts', ['bindings/registry.ts'])).toEqual([
    'bindings/core/x.ts imports bindings/registry.ts',
  ]);
});
