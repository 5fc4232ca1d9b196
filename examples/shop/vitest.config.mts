import { qaPreset } from '@qa/jest-preset/vitest';

export default { plugins: [qaPreset()], test: { globals: true, dir: 'tests' } };
