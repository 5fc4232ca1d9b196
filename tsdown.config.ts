import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { defineConfig, type UserConfig } from 'tsdown';

const outDir = 'dist';

const shared = {
  platform: 'node',
  target: 'node20.19',
  outDir,
  fixedExtension: true,
  sourcemap: false,
  clean: false,
  hash: false,
  dts: true,
  // Every worker parses it: without comments and white space that takes half the time. Names stay.
  minify: { compress: false, mangle: false, codegen: true },
  // Our own name stays an import: there is one copy of the public types, so that `Register` is one interface.
  deps: { neverBundle: ['@qa/jest-preset', '@jest/globals', /^jest/, /^vitest/, 'expect'] },
} satisfies UserConfig;

/** What a config, Jest, its workers and Jest's sandbox load: CommonJS, which Node imports as well. */
const CJS = {
  index: 'preset/index.ts',
  // Jest hides frames of `jest…/build/`: ours stand below each test's and say nothing to its reader.
  'jest/build/environment': 'preset/jest/environment.ts',
  globals: 'preset/globals.ts',
  'jest-preset': 'preset/jest/preset.ts',
  'jest-transform': 'preset/jest/transform.ts',
  'jest-setup': 'preset/jest/setup.ts',
  jest: 'preset/types/jest.ts',
};

/** What only Vitest loads, and processes of their own: the keeper, the helper that GSSAPI runs in, the command. */
const ESM = {
  vitest: 'preset/vitest/plugin.ts',
  // Vitest hides frames of `/vitest/dist/`: as above.
  'vitest/dist/runner': 'preset/vitest/runner.ts',
  keeper: 'servers/keeper/main.ts',
  gssapi: 'bindings/kerberos/child/main.ts',
  cli: 'preset/cli/main.ts',
};

/** Entries that are imported by name get an ESM face on the one CJS copy: no module exists twice. */
const FACES = ['index', 'jest/build/environment', 'globals', 'jest'];

const present = (entries: Record<string, string>) =>
  Object.fromEntries(Object.entries(entries).filter(([, path]) => existsSync(path)));

export default defineConfig([
  {
    ...shared,
    entry: present(CJS),
    format: 'cjs',
    hooks: {
      'build:done': () => {
        for (const name of FACES.filter((face) => face in present(CJS))) {
          for (const extension of ['mjs', 'd.mts'])
            writeFileSync(join(outDir, `${name}.${extension}`), `export * from './${basename(name)}.cjs';\n`);
          if (name !== 'jest/build/environment') continue;
          // `export *` leaves the default out, and Node's default of a CommonJS module is the whole of it.
          appendFileSync(
            join(outDir, `${name}.mjs`),
            `import all from './environment.cjs';\nexport default all.default;\n`,
          );
          appendFileSync(join(outDir, `${name}.d.mts`), `export { default } from './environment.cjs';\n`);
        }
      },
    },
  },
  ...(Object.keys(present(ESM)).length > 0 ? [{ ...shared, entry: present(ESM), format: 'esm' as const }] : []),
]);
