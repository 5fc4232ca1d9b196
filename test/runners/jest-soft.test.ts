/** Soft failures in Jest: each its own error with its own frame, of the right test, whatever else happens. */
import { beforeAll, expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { type JestRun, jest } from '../support/jest.ts';

const CONFIG = "module.exports = require('@qa/jest-preset').defineConfig({ connections: {} });";
const JEST = "module.exports = { preset: '@qa/jest-preset' };";

const SUITE = `
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test('two soft, one hard', () => {
  expect.soft('a').toBe('A');
  expect.soft('b').toBe('B');
  expect('c').toBe('C');
});
test('only soft', async () => {
  expect.soft(1).not.toBe(1);
  await expect.soft(Promise.resolve(2)).resolves.toBe(3);
  await expect.soft(Promise.reject(new Error('no'))).rejects.toThrow('yes');
});
test.each([1, 2])('each %i', (n) => { expect.soft(n).toBe(1); });
test.concurrent('concurrent a', async () => { await later(20); expect.soft('ca').toBe(1); await later(20); expect.soft('cA').toBe(1); });
test.concurrent('concurrent b', async () => { await later(30); expect.soft('cb').toBe(1); });
test.concurrent('concurrent c', async () => { await later(25); });
test.failing('failing with soft', () => { expect.soft(1).toBe(2); });
test('done', (done) => { setTimeout(() => { expect.soft('done').toBe(1); done(); }, 5); });
test('generator', function* () { yield later(1); expect.soft('gen').toBe(1); });
test('timeout', { timeout: 100 }, async () => { expect.soft('timed').toBe(1); await later(5000); });
test('not awaited', () => { void expect.soft(later(50).then(() => 1)).resolves.toBe(1); });
describe('beforeAll', () => {
  beforeAll(() => { expect.soft('all').toBe(1); expect.soft('again').toBe(1); });
  test('one', () => {});
  describe('nested', () => { test('two', () => {}); });
});
describe('each hooks', () => {
  beforeEach(() => { expect.soft('before').toBe(1); });
  afterEach(() => { expect.soft('after').toBe(1); });
  test('body runs', () => { qa.state.set('ran', true); throw new Error('body'); });
});
describe('state', () => {
  beforeAll(() => { qa.state.set('api', 'http://127.0.0.1:1'); });
  test('shows it', () => { qa.state.set('id', 7); expect(1).toBe(2); });
  test('timeout shows it', { timeout: 50 }, () => new Promise(() => {}));
  test('passes', () => { expect(qa.state.has('id')).toBe(false); expect(qa.state.require('api')).toMatch('http'); });
});
`;

let result: JestRun;
const messages = (name: string) => {
  const found = result.tests[name];
  if (!found) throw new Error(`No test ${name} among ${Object.keys(result.tests).join(', ')}\n${result.output}`);
  return found.messages;
};
const received = (name: string) => messages(name).map((text) => /Received: "?([^"\n]+)"?/.exec(text)?.[1]);

beforeAll(async () => {
  const folder = project({
    'qa.config.cjs': CONFIG,
    'jest.config.cjs': JEST,
    'soft.test.js': SUITE,
    'retry.test.js': `jest.retryTimes(1);\nlet n = 0;\ntest('retried', () => { n += 1; if (n < 2) expect.soft(n).toBe(2); });`,
    'afterall.test.js': `afterAll(() => { expect.soft('late').toBe(1); expect.soft('later').toBe(1); });\ntest('fine', () => {});`,
  });
  result = await jest(folder, ['-i']);
});

test('every failure is an error of its own, in order, the hard one last', () => {
  expect(received('two soft, one hard')).toEqual(['a', 'b', 'c']);
  expect(messages('only soft')).toHaveLength(3);
});

test('each is framed at its own line', () => {
  expect(messages('two soft, one hard').map((text) => /soft\.test\.js:(\d+):/.exec(text)?.[1])).toEqual([
    '5',
    '6',
    '7',
  ]);
});

test('each, concurrent, done and generators: the right test', () => {
  expect(result.tests['each 1']!.status).toBe('passed');
  expect(received('each 2')).toEqual(['2']);
  expect(received('concurrent a')).toEqual(['ca', 'cA']);
  expect(received('concurrent b')).toEqual(['cb']);
  expect(result.tests['concurrent c']!.status).toBe('passed');
  expect(received('done')).toEqual(['done']);
  expect(received('generator')).toEqual(['gen']);
});

test('a failing test passes by a soft failure', () => {
  expect(result.tests['failing with soft']!.status).toBe('passed');
});

test('a timeout shows them too', () => {
  expect(messages('timeout')).toHaveLength(2);
  expect(messages('timeout')[0]).toContain('Received: "timed"');
  expect(messages('timeout')[1]).toContain('Exceeded timeout of 100 ms');
});

test('not awaited: one error, framed at the call', () => {
  expect(messages('not awaited')).toEqual([expect.stringMatching(/not awaited[\s\S]*soft\.test\.js:22:/)]);
});

test('beforeAll fails the tests of its describe, afterAll the file', () => {
  for (const name of ['beforeAll one', 'beforeAll nested two']) expect(received(name)).toEqual(['all', 'again']);
  expect(result.files['afterall.test.js']).toContain('Received: "late"');
  expect(result.files['afterall.test.js']).toContain('Received: "later"');
  expect(result.tests.fine!.status).toBe('passed');
});

test('beforeEach and afterEach: of the test, which runs', () => {
  expect(messages('each hooks body runs')).toEqual([
    expect.stringContaining('Received: "before"'),
    expect.stringContaining('body'),
    expect.stringContaining('Received: "after"'),
  ]);
});

test('a failed test shows its state, once', () => {
  const [text] = messages('state shows it');
  expect(text).toMatch(/Received: 1\n\nqa\.state:\n {2}api: 'http:\/\/127\.0\.0\.1:1'\n {2}id: 7\n/);
  expect(messages('state timeout shows it')[0]).toContain('qa.state:\n  api');
  expect(result.tests['state passes']!.status).toBe('passed');
});

test('a retry starts without the failures of the first try', () => {
  expect(result.tests.retried).toEqual({ status: 'passed', messages: [] });
});
