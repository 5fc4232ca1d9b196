/** Jest on consumer projects: a plain suite, and what the environment adds to it. */
import { expect, test } from 'vitest';
import { project, run } from '../support/consumer.ts';

const CONFIG = `
const { defineConfig } = require('@qa/jest-preset');
module.exports = defineConfig({ connections: {} });
`;
const JEST = "module.exports = { preset: '@qa/jest-preset' };\n";

for (const node of ['newer', 'system'] as const) {
  test(`a plain test runs (${node} Node)`, async () => {
    const folder = project({
      'qa.config.cjs': CONFIG,
      'jest.config.cjs': JEST,
      'plain.test.ts': `
        const add = (a: number, b: number): number => a + b;
        test('adds', { tags: ['smoke'] }, () => { expect(add(1, 2)).toBe(3); });
        test('has qa', () => { expect(typeof qa.unique('x')).toBe('string'); });
      `,
    });
    const { code, output } = await run(folder, 'jest', ['--ci'], { node });
    expect(output).toContain('Tests:       2 passed, 2 total');
    expect(code).toBe(0);
  });
}
