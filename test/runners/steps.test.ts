/** `qa.step` in both runners: what a failed test shows of its steps, and that each step is its own test's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { type JestRun, jest } from '../support/jest.ts';
import { type VitestRun, vitest, vitestConfig } from '../support/vitest.ts';

const SUITE = `
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const seen = {};

test('nested', async () => {
  const order = await qa.step('place the order', async () => { await later(5); return { id: 'o-1' }; });
  const total = qa.step('count', () => 42);
  seen.values = [order.id, total];
  await qa.step('pay the order', async () => {
    await qa.step('open the form', () => later(1));
    await qa.step('confirm', async () => { await later(1); expect.soft(order.id).toBe('o-2'); expect.soft(total).toBe(43); });
  });
  qa.step('ship', () => { throw new Error('no ship'); });
});
test('values', () => { expect(seen.values).toEqual(['o-1', 42]); });
test.concurrent('side a', async () => { await qa.step('a1', async () => { await later(20); expect.soft('a').toBe(1); await later(10); }); });
test.concurrent('side b', async () => { await qa.step('b1', async () => { await later(25); expect.soft('b').toBe(1); }); });
test('beside each other', async () => {
  await Promise.all(['x', 'y'].map((name) => qa.step(name, async () => { await later(5); await expect.soft(later(5).then(() => name)).resolves.toBe('x'); })));
});
test('error stays what it is', async () => {
  await expect(qa.step('refused', async () => { throw new TypeError('boom'); })).rejects.toThrow(/^boom$/);
  expect(() => qa.step('sync', () => { throw new TypeError('boom'); })).toThrow(/^boom$/);
});
test('hangs', { timeout: 200 }, () => qa.step('wait for ever', () => new Promise(() => {})));
test('not awaited', () => { void qa.step('left alone', () => later(50)); });
test('misuse', () => {
  const text = (call) => { try { call(); } catch (error) { return error.code + ' ' + error.message; } };
  expect(text(() => qa.step('pay'))).toBe("QA_MISUSE qa.step(): the step \`pay\` needs the function to run, but got nothing. Write \`await qa.step('pay', async () => { … })\`");
  expect(text(() => qa.step('pay', later(1)))).toMatch('a Promise, whose work has begun already');
  expect(text(() => qa.step(async () => {}))).toMatch('the first argument must be the name of the step');
});
describe('hooks', () => {
  beforeAll(() => qa.step('set up', () => later(1)));
  beforeEach(() => qa.step('log in', () => later(1)));
  afterEach(() => qa.step('log out', () => { expect.soft('out').toBe('in'); }));
  test('fails', () => { expect(1).toBe(2); });
});
describe('many', () => {
  test('steps', () => { for (let i = 0; i < 700; i += 1) qa.step('step ' + i, () => {}); expect(1).toBe(2); });
});
let misused;
try { qa.step('early', () => {}); } catch (error) { misused = error; }
test('at the top of a file', () => { expect(misused.message).toMatch('runs outside of any test or hook'); });
`;

/** The block of steps below a failure, without times. */
function steps(messages: readonly string[] | undefined): string[] {
  const [, text = ''] = /qa\.step:\n((?: {2}.*\n?)+)/.exec(messages?.[0] ?? '') ?? [];
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(2).replace(/\b\d+(\.\d+)? m?s\b/g, '‹time›'));
}

describe.each(['jest', 'vitest'] as const)('%s', (runner) => {
  let result: JestRun | VitestRun;
  let lines: Record<string, unknown>[];
  beforeAll(async () => {
    const folder = project({
      'qa.config.mjs': "export default { connections: {}, log: { file: 'qa.ndjson' } };",
      'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };",
      ...vitestConfig(),
      'steps.test.js': SUITE,
    });
    result = await (runner === 'jest' ? jest(folder, ['-i']) : vitest(folder));
    lines = readFileSync(join(folder, 'qa.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  });
  const messages = (name: string) => result.tests[name]?.messages ?? [];

  test('which failed, how long each took, and what stands in which', () => {
    expect(steps(messages('nested'))).toEqual([
      '✓ place the order  ‹time›',
      '✓ count  ‹time›',
      '✗ pay the order  ‹time›',
      '  ✓ open the form  ‹time›',
      '  ✗ confirm  ‹time›  2 failures',
      '✗ ship  ‹time›  failed',
    ]);
  });

  test('a soft failure names its step', () => {
    expect(messages('nested')).toHaveLength(3);
    for (const text of messages('nested').slice(0, 2)) expect(text).toContain('In step    pay the order › confirm');
    expect(messages('nested')[2]).not.toContain('In step');
  });

  test('values come back, of functions of both kinds; errors are not touched', () => {
    for (const name of ['values', 'error stays what it is', 'misuse', 'at the top of a file'])
      expect(result.tests[name], messages(name).join()).toMatchObject({ status: 'passed' });
  });

  test('concurrent tests and steps: each its own', () => {
    expect(steps(messages('side a'))).toEqual(['✗ a1  ‹time›  1 failure']);
    expect(messages('side a')[0]).toContain('In step    a1');
    expect(steps(messages('side b'))).toEqual(['✗ b1  ‹time›  1 failure']);
    expect(messages('beside each other')).toEqual([expect.stringContaining('In step    y')]);
    expect(steps(messages('beside each other'))).toEqual(['✓ x  ‹time›', '✗ y  ‹time›  1 failure']);
  });

  test('one that is under way when the time is up', () => {
    expect(steps(messages('hangs'))).toEqual(['▸ wait for ever  under way for ‹time›']);
  });

  test('one that is not awaited fails the test, at its line', () => {
    expect(messages('not awaited')).toEqual([
      expect.stringMatching(/`qa\.step\('left alone', …\)` was not awaited[\s\S]*Write `await qa\.step/),
    ]);
    expect(messages('not awaited')[0]).toMatch(/steps\.test\.js:26/);
  });

  test('of hooks: beforeAll first', () => {
    expect(steps(messages('hooks fails'))).toEqual([
      '✓ set up  ‹time›',
      '✓ log in  ‹time›',
      '✗ log out  ‹time›  1 failure',
    ]);
  });

  test('the last of many', () => {
    const told = steps(messages('many steps'));
    expect(told).toHaveLength(41);
    expect(told[0]).toBe('(660 before)');
    expect(told.at(-1)).toMatch('step 699');
  });

  test('in the log: a line each, and lines inside name it', () => {
    expect(messages('nested')[0]).toMatch(/info {2}step pay the order › confirm in/);
    const confirm = lines.find(({ msg }) => msg === 'step pay the order › confirm');
    expect(confirm).toMatchObject({
      level: 30,
      operation: 'step',
      took: expect.any(Number),
      step: 'pay the order › confirm',
      test: 'nested',
    });
    expect(lines.find(({ msg }) => msg === 'step ship')).toMatchObject({ err: { message: 'no ship' } });
  });
});
