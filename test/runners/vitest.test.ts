/** Vitest with the plugin alone: what a user who knows nothing of its inside sees. */
import { expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { outcome, vitest, vitestConfig } from '../support/vitest.ts';

const EMPTY = { 'qa.config.cjs': "module.exports = require('@qa/jest-preset').defineConfig({ connections: {} });" };

test('a plain test passes, a failing one fails the run', async () => {
  const folder = project({
    ...EMPTY,
    ...vitestConfig(),
    'plain.test.ts': `
      test('adds', () => { const n: number = 1; expect(n + 1).toBe(2); });
      test('knows qa', () => { expect(qa.run.worker).toBe('1'); expect(qa.unique('o')).toMatch(/^o-[a-z0-9]{8}-w1-/); });
    `,
    'other.test.js': `test('fails', () => { expect(1).toBe(2); });`,
  });
  const result = await vitest(folder);
  expect(outcome(result)).toEqual({ adds: 'passed', 'knows qa': 'passed', fails: 'failed' });
  expect(result.code).toBe(1);
});
