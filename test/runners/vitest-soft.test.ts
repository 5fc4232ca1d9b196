/** Soft failures in Vitest: each its own error with its own frame, of the right test, whatever else happens. */
import { beforeAll, expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { type VitestRun, vitest, vitestConfig } from '../support/vitest.ts';

const CONFIG = { 'qa.config.cjs': "module.exports = require('@qa/jest-preset').defineConfig({ connections: {} });" };

/** A source of rows of the suite's own: its rows are never there, or always. */
const SUITE = `
import { afterEach as after, aroundAll, aroundEach, beforeEach as before, onTestFailed, onTestFinished, test as base } from 'vitest';
const SOURCE = Symbol.for('@qa/jest-preset/source');
const rows = (found) => ({ [SOURCE]: {
  kind: 'rows', label: 'rows(' + JSON.stringify(found) + ')', ordered: true, where: () => 'here',
  check: async () => {}, find: async (_, { accept }) => ({ rows: found.filter((r) => !accept || accept(r)), more: false }),
  count: async () => found.length,
  explain: async () => ({ rows: found, total: found.length, totalIsFloor: false, fulfilled: {} }),
  equal: () => undefined, command: () => 'look' } });
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const miss = (id) => expect(rows([{ id: 'x' }])).toHaveRowMatching({ id }, { within: 30 });

test('two soft, one hard', async () => {
  await miss('s1');
  await miss('s2');
  expect('c').toBe('C');
});
test.each([1, 2])('each %i', async (n) => { if (n === 2) await miss('e2'); });
test.concurrent('concurrent a', async () => { await later(20); expect.soft('ca').toBe(1); await miss('cA'); });
test.concurrent('concurrent b', async () => { await later(30); expect.soft('cb').toBe(1); });
test.concurrent('concurrent c', async () => { await later(25); });
test.fails('fails with soft', async () => { await miss('f'); throw new Error('not reached'); });
test('timeout', { timeout: 600 }, async () => { await miss('t'); await later(5000); });
test('not awaited', () => { void miss('n'); });
test.fails('not awaited in fails', () => { void miss('nf'); });
test('assertions', async () => { expect.assertions(1); await miss('as'); });
test('fake timers', async () => { vi.useFakeTimers(); try { await miss('ft'); } finally { vi.useRealTimers(); } });
test('skips after soft', async ({ skip }) => { await miss('sk'); skip(); });
describe('beforeAll', () => {
  beforeAll(async () => { await miss('all'); await miss('again'); });
  test('never', () => {});
});
describe('afterAll', () => {
  let order = [];
  afterAll(() => { if (order.length !== 1) throw new Error('the other afterAll did not run'); });
  afterAll(async () => { order.push(1); await miss('late'); await miss('later'); });
  test('fine', () => {});
});
describe('each hooks', () => {
  before(async () => { await miss('before'); return async () => { await miss('cleanup'); }; });
  after(async () => { await miss('after'); });
  test('body runs', () => { qa.state.set('ran', true); throw new Error('body'); });
});
describe('state', () => {
  beforeAll(() => { qa.state.set('api', 'http://127.0.0.1:1'); });
  test('shows it', () => { qa.state.set('id', 7); expect(1).toBe(2); });
  test('passes', () => { expect(qa.state.has('id')).toBe(false); expect(qa.state.require('api')).toMatch('http'); });
});
test('hard in between', async () => {
  await miss('h1');
  await expect(rows([{ id: 'x' }])).toHaveRowMatching({ id: 'h2' }, { within: 30, soft: false });
  throw new Error('not reached');
});
test('soft of Vitest', async () => {
  await expect.soft(Promise.resolve('v1')).resolves.toBe(1);
  await expect.soft(Promise.reject(new Error('v2'))).rejects.toThrow('yes');
  expect.soft('v3').not.toBe('v3');
  await expect.soft(rows([{ id: 'v4' }])).not.toHaveRowMatching({ id: 'v4' }, { within: 30 });
});
test('expect of the context', async ({ expect: own }) => {
  await own(rows([{ id: 'x' }])).toHaveRowMatching({ id: 'own' }, { within: 30 });
  own.soft('of the context').toBe(1);
});
test.concurrent('concurrent resolves', async () => { await later(20); await expect.soft(Promise.resolve('cr')).resolves.toBe(1); });
test.concurrent('concurrent beside it', async () => { await later(30); });
describe.concurrent('concurrent hooks', () => {
  before(async ({ task }) => { await later(5); if (task.name === 'x') expect.soft('in its hook').toBe(1); });
  test('x', () => later(10));
  test('y', () => later(15));
});
const fixtures = base.extend({
  order: async ({}, use) => { await miss('fixture in'); await use(1); await miss('fixture out'); },
  late: async ({}, use) => { await use(1); await miss('fixture late'); },
  file: [async ({}, use) => { await use(1); await miss('fixture of the file'); }, { scope: 'file' }],
});
fixtures('fixture', ({ order }) => {});
fixtures('fixture that ends badly', ({ late, file }) => {});
test('callbacks', () => {
  onTestFinished(async () => { await miss('finished'); expect.soft('finished too').toBe(1); });
  onTestFailed(async () => { await miss('failed'); });
});
test('callback not awaited', () => { onTestFinished(() => { void miss('cn'); }); });
test.fails('callback in fails', () => { onTestFinished(async () => { await miss('cf'); }); });
describe('around', () => { aroundEach(async (run) => { await miss('around in'); await run(); await miss('around out'); }); test('each', () => {}); });
describe('around all', () => { aroundAll(async (run) => { await miss('all in'); await run(); await miss('all out'); }); test('runs', () => { qa.state.set('ran', 1); }); });
describe('soft of Vitest in hooks', () => {
  describe('before', () => { beforeAll(async () => { expect.soft('ball').toBe(1); await miss('b2'); await expect.soft(Promise.resolve('b3')).resolves.toBe(1); }); test('never', () => {}); });
  describe('after', () => { afterAll(() => { expect.soft('aall').toBe(1); }); test('fine', () => {}); });
});
test('repeated', { repeats: 1 }, () => miss('rep'));
let abandoned;
test('abandoned', { timeout: 1000, retry: 1 }, async () => {
  if (abandoned) return abandoned.catch(() => {});
  abandoned = later(1100).then(() => miss('stale'));
  await abandoned;
});
let tries = 0;
test('retried', { retry: 1 }, async () => { tries += 1; if (tries < 2) await miss('r'); });
`;

let result: VitestRun;
let junit: string;
const LINES = SUITE.split('\n');
const lineOf = (text: string) => LINES.findIndex((line) => line.includes(text)) + 1;
const messages = (name: string) => {
  const found = result.tests[name];
  if (!found) throw new Error(`No test ${name} among ${Object.keys(result.tests).join(', ')}\n${result.output}`);
  return found.messages;
};

beforeAll(async () => {
  const folder = project({ ...CONFIG, ...vitestConfig(), 'soft.test.js': SUITE });
  result = await vitest(folder, ['--reporter=junit', '--outputFile.junit=junit.xml']);
  const { readFileSync } = await import('node:fs');
  junit = readFileSync(`${folder}/junit.xml`, 'utf8');
});

test('every failure is an error of its own, framed at its own line, the hard one last', () => {
  const all = messages('two soft, one hard');
  expect(all.map((text) => /soft\.test\.js:(\d+):/.exec(text)?.[1])).toEqual(
    [String(lineOf("miss('s1')")), String(lineOf("miss('s2')")), String(lineOf("toBe('C')"))].map((line, index) =>
      index < 2 ? String(lineOf('const miss')) : line,
    ),
  );
  expect(all[0]).toContain('s1');
  expect(all[1]).toContain('s2');
  for (const id of ['s1', 's2']) expect(junit).toContain(id);
});

test('each, concurrent, fails: the right test', () => {
  expect(result.tests['each 1']!.status).toBe('passed');
  expect(messages('each 2')).toHaveLength(1);
  expect(messages('concurrent a').map((text) => /'?c[aA]'?/.test(text))).toEqual([true, true]);
  expect(messages('concurrent b')).toEqual([expect.stringContaining('cb')]);
  expect(result.tests['concurrent c']!.status).toBe('passed');
  expect(result.tests['fails with soft']!.status).toBe('passed');
});

test('a timeout shows them too', () => {
  expect(messages('timeout')).toEqual([expect.stringContaining("'t'"), expect.stringContaining('timed out in 600ms')]);
});

test('not awaited: one error, also where a failure is expected', () => {
  for (const name of ['not awaited', 'not awaited in fails'])
    expect(messages(name)).toEqual([expect.stringMatching(/not awaited.*soft\.test\.js:/s)]);
});

test('assertions are counted as without us, fake timers stop no wait, a skip stays one', () => {
  expect(messages('assertions')).toHaveLength(1);
  expect(messages('fake timers')).toEqual([expect.stringContaining("'ft'")]);
  expect(result.tests['skips after soft']!.status).toBe('skipped');
});

test('beforeAll ends its describe, afterAll fails it when its tests have passed', () => {
  expect(result.tests['beforeAll never']!.status).toBe('skipped');
  for (const id of ['all', 'again', 'late', 'later']) expect(result.output).toContain(`'${id}'`);
  expect(result.tests['afterAll fine']!.status).toBe('passed');
  expect(result.output).not.toContain('did not run');
});

test('beforeEach and afterEach: of the test, which runs', () => {
  expect(messages('each hooks body runs')).toEqual([
    expect.stringContaining("'before'"),
    expect.stringContaining('body'),
    expect.stringContaining("'after'"),
    expect.stringContaining("'cleanup'"),
  ]);
});

test('a failed test shows its state, once', () => {
  expect(messages('state shows it')[0]).toMatch(/\n\nqa\.state:\n {2}api: 'http:\/\/127\.0\.0\.1:1'\n {2}id: 7\n/);
  expect(result.output.match(/ {2}id: 7/g)).toHaveLength(1);
  expect(result.tests['state passes']!.status).toBe('passed');
});

test('a retry may pass, also while the function of the first one goes on; each repeat tells', () => {
  expect(result.tests.retried!.status).toBe('passed');
  expect(result.tests.abandoned).toEqual({ status: 'passed', messages: [expect.stringContaining('timed out')] });
  expect(messages('repeated')).toEqual([expect.stringContaining("'rep'"), expect.stringContaining("'rep'")]);
});

test("Vitest's own soft failures, in either expect; a hard one ends the test", () => {
  expect(messages('hard in between')).toEqual(['h1', 'h2'].map((id) => expect.stringContaining(`'${id}'`)));
  expect(messages('soft of Vitest')).toEqual(['v1', 'v2', 'v3', 'v4'].map((id) => expect.stringContaining(id)));
  expect(messages('expect of the context')).toEqual(['own', 'of the context'].map((id) => expect.stringContaining(id)));
  expect(messages('concurrent resolves')).toEqual([expect.stringContaining("'cr'")]);
  expect(result.tests['concurrent beside it']!.status).toBe('passed');
  expect(messages('concurrent hooks x')).toEqual([expect.stringContaining('in its hook')]);
  expect(result.tests['concurrent hooks y']!.status).toBe('passed');
});

test('fixtures, callbacks and hooks around a test fail it, before and after', () => {
  expect(messages('fixture')).toEqual(['fixture in', 'fixture out'].map((id) => expect.stringContaining(id)));
  expect(messages('fixture that ends badly')).toEqual([expect.stringContaining('fixture late')]);
  expect(result.files['soft.test.js']).toContain('fixture of the file');
  expect(messages('callbacks')).toEqual(
    ['finished', 'finished too', 'failed'].map((id) => expect.stringContaining(`'${id}'`)),
  );
  expect(messages('callback not awaited')).toEqual([expect.stringContaining('was not awaited: when the hook ended')]);
  expect(result.tests['callback in fails']!.status).toBe('passed');
  expect(messages('around each')).toEqual(['around in', 'around out'].map((id) => expect.stringContaining(id)));
});

test('around all and soft failures of Vitest in hooks of a describe fail that describe', () => {
  expect(result.tests['around all runs']!.status).toBe('passed');
  expect(result.tests['soft of Vitest in hooks before never']!.status).toBe('skipped');
  expect(result.tests['soft of Vitest in hooks after fine']!.status).toBe('passed');
  for (const id of ["'all in'", "'all out'", "'ball'", "'b2'", "'b3'", "'aall'"]) expect(result.output).toContain(id);
  expect(result.output).not.toContain('only be used inside a test');
  expect(result.output).not.toContain('Unhandled');
  // Only the reader's own frames are shown.
  expect(result.output).not.toContain('jest-preset/dist');
});
