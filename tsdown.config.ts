import { defineConfig, type UserConfig } from 'tsdown';

const shared = {
  platform: 'node',
  target: 'node20.19',
  outDir: 'dist',
  fixedExtension: true,
  sourcemap: false,
  clean: false,
  hash: false,
} satisfies UserConfig;

/**
 * Two builds. What a config, a runner's main process or a worker imports is ESM and CJS; what runs inside Jest's
 * sandbox is CJS, what runs inside Vitest is ESM.
 */
export default defineConfig([
  {
    ...shared,
    entry: {
      index: 'preset/index.ts',
      environment: 'environment/jest/index.ts',
      globals: 'preset/globals.ts',
      'jest-preset': 'preset/jest/preset.ts',
      'jest-transform': 'preset/jest/transform.ts',
      'jest-setup': 'preset/jest/setup.ts',
      jest: 'preset/types/jest.ts',
      vitest: 'preset/vitest/plugin.ts',
      'vitest-runner': 'environment/vitest/runner.ts',
      'vitest-setup': 'preset/vitest/setup.ts',
      keeper: 'servers/keeper/main.ts',
    },
    format: ['esm', 'cjs'],
    dts: true,
  },
]);
