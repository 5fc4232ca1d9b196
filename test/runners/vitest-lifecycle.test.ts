/** When a file's connection opens, resets, takes baselines and closes under Vitest, as the server at its end sees it. */
import { expect, test } from 'vitest';
import { project, run } from '../support/consumer.ts';
import { recorder } from '../support/recorder.ts';
import { outcome, type VitestRun, vitest, vitestConfig } from '../support/vitest.ts';

const FIXTURE = 'jest-recorder';

function recording(files: Record<string, string>, more?: string): string {
  return project({ ...vitestConfig(more), ...files }, FIXTURE);
}

function passes(result: VitestRun): void {
  expect(result.code, result.output).toBe(0);
}

test('a describe keeps what its beforeAll wrote; each test starts from there', async () => {
  await using server = await recorder();
  const folder = recording({
    'order.test.js': `
      const say = (line) => qa.rec.say(line);
      qa.afterReset(() => say('of the file'));
      afterAll(() => say('afterAll'));
      test('first', () => say('first'));
      describe('outer', () => {
        qa.afterReset(() => say('of outer'));
        beforeAll(() => say('outer beforeAll'));
        beforeEach(() => say('beforeEach'));
        afterAll(() => say('outer afterAll'));
        test('second', () => say('second'));
        describe('inner', () => {
          beforeAll(() => say('inner beforeAll'));
          test('third', () => say('third'));
          test('fourth', () => say('fourth'));
        });
      });
      test('fifth', () => say('fifth'));
    `,
  });
  passes(await vitest(folder, [], { env: { RECORDER: server.address, AFTER_RESET: '1' } }));
  const hooks = ['afterReset', 'of the file'];
  expect(server.lines).toEqual([
    ...['open', 'reset', ...hooks, 'first'],
    ...['reset', 'outer beforeAll', 'baseline', ...hooks, 'of outer', 'beforeEach', 'second'],
    ...['reset', 'inner beforeAll', 'baseline', ...hooks, 'of outer', 'beforeEach', 'third'],
    ...['reset', ...hooks, 'of outer', 'beforeEach', 'fourth'],
    ...['pop', 'outer afterAll', 'pop'],
    ...['reset', ...hooks, 'fifth', 'afterAll', 'close'],
  ]);
});

test('a reset comes before aroundEach and fixtures, and again before each retry and repeat', async () => {
  await using server = await recorder();
  const folder = recording({
    'around.test.js': `
      import { aroundAll, aroundEach, test as base } from 'vitest';
      const say = (line) => qa.rec.say(line);
      const extended = base
        .extend('seeded', async () => { await say('fixture'); return 7; })
        .extend('shared', { scope: 'file' }, async () => { await say('fixture of the file'); return 8; });
      extended.beforeAll(({ shared }) => { expect(shared).toBe(8); });
      aroundAll(async (run) => { await say('all in'); await run(); await say('all out'); });
      aroundEach(async (run) => { await say('in'); await run(); await say('out'); });
      let tries = 0;
      extended('retried', { retry: 1 }, async ({ seeded }) => { tries += 1; await say('retried'); expect(seeded + tries).toBe(9); });
      test('repeated', { repeats: 1 }, () => say('repeated'));
    `,
  });
  passes(await vitest(folder, [], { env: { RECORDER: server.address } }));
  const retried = ['in', 'fixture', 'retried', 'out'];
  expect(server.lines).toEqual([
    ...['open', 'reset', 'all in', 'fixture of the file', 'baseline', ...retried, 'reset', ...retried],
    ...['reset', 'in', 'repeated', 'out', 'reset', 'in', 'repeated', 'out'],
    ...['all out', 'pop', 'close'],
  ]);
});

test('one reset where all tests are concurrent; what comes after a time limit or --bail is still closed', async () => {
  await using server = await recorder();
  const folder = recording({
    'a.test.js': "test('a', () => qa.rec.say('in')); test('b', () => qa.rec.say('in'));",
    'b.test.js': `
      /** @tags bad */
      test('slow', { timeout: 50 }, () => new Promise(() => {}));
      test('next', () => qa.rec.say('next'));`,
  });
  const env = { RECORDER: server.address };
  passes(await vitest(folder, ['--sequence.concurrent', 'a.test'], { env }));
  expect(server.lines.splice(0)).toEqual(['open', 'reset', 'in', 'in', 'close']);
  expect(outcome(await vitest(folder, ['b.test'], { env }))).toEqual({ slow: 'failed', next: 'passed' });
  expect(server.lines.splice(0)).toEqual(['open', 'reset', 'reset', 'next', 'close']);
  expect(outcome(await vitest(folder, ['b.test', '--bail=1'], { env }))).toMatchObject({ slow: 'failed' });
  expect(server.lines.at(-1)).toBe('close');
});

test('a group of concurrent tests is reset before once, describes in it too', async () => {
  await using server = await recorder();
  const folder = recording({
    'group.test.js': `
      const say = (line) => qa.rec.say(line);
      let met = 0;
      const together = async () => { met += 1; while (met < 3) await new Promise((r) => setTimeout(r, 5)); };
      test('before', () => say('before'));
      test.concurrent('one', async () => { await together(); await expect(qa.reset()).rejects.toThrow('concurrent'); });
      describe.concurrent('two', () => {
        beforeAll(() => say('seed'));
        test('a', async () => { await together(); qa.state.set('who', 'a'); await say('in'); expect(qa.state.get('who')).toBe('a'); });
        test('b', async () => { await together(); qa.state.set('who', 'b'); await say('in'); expect(qa.state.get('who')).toBe('b'); });
      });
      test('after', () => say('after'));
    `,
  });
  passes(await vitest(folder, [], { env: { RECORDER: server.address } }));
  expect(server.lines).toEqual([
    ...['open', 'reset', 'before', 'reset', 'seed', 'in', 'in', 'reset', 'after', 'close'],
  ]);
});

test('a file of which nothing is selected, or that is only listed, opens nothing', async () => {
  await using server = await recorder();
  const folder = recording(
    {
      'none.test.js': `
        beforeAll(() => qa.rec.say('beforeAll of the file'));
        describe('none', () => {
          beforeAll(() => qa.rec.say('beforeAll'));
          test('slow', { tags: ['slow'] }, () => qa.rec.say('slow'));
          test.skip('skipped', () => {});
          test.todo('later');
        });
      `,
      'some.test.js': `test('smoke', { tags: ['smoke'] }, () => qa.rec.say('smoke'));`,
    },
    'globals: true, fileParallelism: false',
  );
  const env = { RECORDER: server.address, QA_TAGS: 'smoke' };
  const listed = await run(folder, 'vitest', ['list', '--no-static-parse'], { env });
  expect(listed.output.trim().split('\n')).toEqual(['some.test.js > smoke']);
  expect(server.lines).toEqual([]);
  const result = await vitest(folder, [], { env });
  passes(result);
  expect(server.lines).toEqual(['open', 'reset', 'smoke', 'close']);
  expect(outcome(result)).toEqual({
    'none slow': 'skipped',
    'none skipped': 'skipped',
    'none later': 'todo',
    smoke: 'passed',
  });
});

test('a server that cannot be reached fails each selected test with one readable error; the next file works', async () => {
  const folder = recording({
    'a.test.js': `
      /** @qa rec */
      beforeAll(() => { throw new Error('must not run'); });
      afterEach(() => { throw new Error('must not run'); });
      test('one', () => {});
      test.fails('one that is to fail', () => { throw new Error('as it should'); });
      test.skip('two', () => {});
      describe('inner', () => { afterAll(() => { throw new Error('must not run'); }); test('three', () => {}); });
    `,
    'b.test.js': `/** @qa */ test('needs nothing', () => {});`,
    'c.test.js': `/** @qa recc */ test('names what is not there', () => {});`,
  });
  const result = await vitest(folder, [], { env: { RECORDER: '127.0.0.1:1' } });
  expect(result.code).toBe(1);
  expect(outcome(result)).toEqual({
    one: 'failed',
    'one that is to fail': 'failed',
    two: 'skipped',
    'inner three': 'failed',
    'needs nothing': 'passed',
    'names what is not there': 'failed',
  });
  expect(result.tests.one!.messages).toEqual([expect.stringContaining('recorder://127.0.0.1:1')]);
  expect(result.tests['names what is not there']!.messages).toEqual([
    expect.stringMatching(/^QaError: .*`@qa` line names `recc`.*Did you mean `rec`/s),
  ]);
  expect(result.output).not.toContain('must not run');
});

test('a reset or baseline that fails, fails what comes after it and nothing else', async () => {
  await using server = await recorder();
  server.refused.add('baseline');
  const folder = recording({
    'a.test.js': `
      const say = (line) => qa.rec.say(line);
      describe('blocked', () => {
        beforeAll(() => say('beforeAll'));
        afterEach(() => { throw new Error('must not run'); });
        test('one', () => say('one'));
      });
      test('two', () => say('two'));
    `,
  });
  const result = await vitest(folder, [], { env: { RECORDER: server.address } });
  expect(outcome(result)).toEqual({ 'blocked one': 'failed', two: 'passed' });
  expect(result.tests['blocked one']!.messages).toEqual([expect.stringContaining('baseline was refused')]);
  expect(server.lines).toEqual(['open', 'reset', 'beforeAll', 'baseline', 'reset', 'two', 'close']);
});

test('a describe whose reset fails does not run its hooks and tests', async () => {
  await using server = await recorder();
  server.refused.add('reset');
  const folder = recording({
    'a.test.js': `
      const say = (line) => qa.rec.say(line);
      describe('blocked', () => {
        beforeAll(() => say('beforeAll'));
        afterAll(() => say('afterAll'));
        test('one', () => say('one'));
        describe('inner', () => { beforeAll(() => say('inner')); test('two', () => say('two')); });
      });
      test('three', () => say('three'));
    `,
  });
  const result = await vitest(folder, [], { env: { RECORDER: server.address } });
  expect(outcome(result)).toEqual({ 'blocked one': 'failed', 'blocked inner two': 'failed', three: 'passed' });
  expect(server.lines).toEqual(['open', 'reset', 'reset', 'three', 'close']);
});

test('QA_KEEP=1 keeps what the first failed test left', async () => {
  await using server = await recorder();
  const folder = recording({
    'a.test.js': `
      const say = (line) => qa.rec.say(line);
      test('one', () => say('one'));
      test('two', { retry: 1 }, async () => { await say('two'); throw new Error('bad'); });
      test('three', () => say('three'));
      describe('inner', () => { beforeAll(() => say('beforeAll')); test('four', () => say('four')); });
    `,
  });
  const result = await vitest(folder, [], { env: { RECORDER: server.address, QA_KEEP: '1' } });
  expect(outcome(result)).toEqual({ one: 'passed', two: 'failed', three: 'skipped', 'inner four': 'skipped' });
  expect(server.lines).toEqual(['open', 'reset', 'one', 'reset', 'two', 'reset', 'two', 'close']);
  expect(result.output).toContain('QA_KEEP=1 and a test failed');
});

for (const pool of ['forks', 'threads'] as const) {
  test(`files that share a process (${pool}) each open and close their own, and hand nothing on`, async () => {
    await using server = await recorder();
    const file = (name: string) => `
      import { qa as imported, test as same } from '@qa/jest-preset/globals';
      same('${name}', async () => {
        expect(imported.state.has('left')).toBe(false);
        imported.state.set('left', 1);
        expect(imported.rec).toBe(qa.rec);
        await imported.rec.say('in');
      });`;
    const folder = recording(
      { 'a.test.js': file('a'), 'b.test.js': file('b'), 'c.test.js': `/** @qa */ test('c', () => {});` },
      `globals: true, isolate: false, fileParallelism: false, pool: '${pool}'`,
    );
    passes(await vitest(folder, [], { env: { RECORDER: server.address } }));
    const once = ['open', 'reset', 'in', 'close'];
    expect(server.lines).toEqual([...once, ...once]);
  });
}
