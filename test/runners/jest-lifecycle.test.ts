/** When a file's connection opens, resets, takes baselines and closes, as the server at its other end sees it. */
import { expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { jest, outcome } from '../support/jest.ts';
import { recorder } from '../support/recorder.ts';

const FIXTURE = 'jest-recorder';

test('a describe keeps what its beforeAll wrote; each test starts from there', async () => {
  await using server = await recorder();
  const folder = project(
    {
      'order.test.js': `
        const say = (line) => qa.rec.say(line);
        afterAll(() => say('afterAll'));
        test('first', () => say('first'));
        describe('outer', () => {
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
    },
    FIXTURE,
  );
  const result = await jest(folder, [], { env: { RECORDER: server.address, AFTER_RESET: '1' } });
  expect(result.code, result.output).toBe(0);
  expect(server.lines).toEqual([
    ...['open', 'reset', 'afterReset', 'first'],
    ...['reset', 'outer beforeAll', 'baseline', 'afterReset', 'beforeEach', 'second'],
    ...['reset', 'inner beforeAll', 'baseline', 'afterReset', 'beforeEach', 'third'],
    ...['reset', 'afterReset', 'beforeEach', 'fourth'],
    ...['pop', 'outer afterAll', 'pop'],
    ...['reset', 'afterReset', 'fifth', 'afterAll', 'close'],
  ]);
});

test('afterReset hooks: of the config, the file and the describe, in this order; qa.reset() by hand', async () => {
  await using server = await recorder();
  const folder = project(
    {
      'hooks.test.js': `
        const say = (line) => qa.rec.say(line);
        qa.afterReset(() => say('file hook'));
        test('first', () => say('first'));
        describe('inner', () => {
          qa.afterReset(() => say('describe hook'));
          test('second', async () => { await say('second'); await qa.reset(); expect(() => qa.afterReset(() => {})).toThrow(/while tests run/); });
        });
        describe('bad', () => { qa.afterReset(() => { return qa.reset().catch((error) => { throw new Error('hook failed: ' + error.message); }); }); test('third', () => say('third')); });
        test('fourth', () => say('fourth'));
      `,
    },
    FIXTURE,
  );
  const result = await jest(folder, [], { env: { RECORDER: server.address, AFTER_RESET: '1' } });
  expect(outcome(result)).toEqual({
    first: 'passed',
    'inner second': 'passed',
    'bad third': 'failed',
    fourth: 'passed',
  });
  expect(result.tests['bad third']!.messages).toEqual([expect.stringMatching(/hook failed[\s\S]*hooks\.test\.js:9:/)]);
  expect(server.lines.filter((line) => !['open', 'close', 'afterReset'].includes(line))).toEqual([
    ...[
      'reset',
      'file hook',
      'first',
      'reset',
      'file hook',
      'describe hook',
      'second',
      'reset',
      'file hook',
      'describe hook',
    ],
    ...['reset', 'file hook', 'reset', 'file hook', 'fourth'],
  ]);
});

test('a group of concurrent tests is reset before once, their late retries each', async () => {
  await using server = await recorder();
  const folder = project(
    {
      'group.test.js': `
        jest.retryTimes(1);
        const say = (line) => qa.rec.say(line);
        let met = 0;
        const together = async () => { met += 1; while (met < 2) await new Promise((r) => setTimeout(r, 5)); };
        let tries = 0;
        test('before', () => say('before'));
        test.concurrent('one', async () => { await together(); await expect(qa.reset()).rejects.toThrow('concurrent'); });
        test.concurrent('two', async () => { await together(); tries += 1; await say('two'); if (tries < 2) throw new Error('again'); });
        test('after', () => say('after'));
      `,
    },
    FIXTURE,
  );
  const result = await jest(folder, [], { env: { RECORDER: server.address } });
  expect(result.code, result.output).toBe(0);
  expect(server.lines).toEqual(['open', 'reset', 'before', 'reset', 'two', 'reset', 'after', 'reset', 'two', 'close']);
});

test('retries of a describe take its baseline anew', async () => {
  await using server = await recorder();
  const folder = project(
    {
      'retry.test.js': `
        const say = (line) => qa.rec.say(line);
        let tries = 0;
        describe('flaky', () => {
          jest.retryTimes(1, { entireDescribe: true });
          beforeAll(() => say('beforeAll'));
          test('one', async () => { qa.state.set('try', tries); await say('one'); });
          test('two', async () => { await say('two'); tries += 1; if (tries < 2) expect.soft(1).toBe(2); });
        });
      `,
    },
    FIXTURE,
  );
  const result = await jest(folder, [], { env: { RECORDER: server.address } });
  expect(result.code, result.output).toBe(0);
  const once = ['reset', 'beforeAll', 'baseline', 'one', 'reset', 'two', 'pop'];
  expect(server.lines).toEqual(['open', ...once, ...once, 'close']);
});

test('a file of which nothing is selected, or that is only collected, opens nothing', async () => {
  await using server = await recorder();
  const folder = project(
    {
      'none.test.js': `
        describe('none', () => {
          beforeAll(() => qa.rec.say('beforeAll'));
          test('slow', { tags: ['slow'] }, () => qa.rec.say('slow'));
          test.skip('skipped', () => {});
          test.todo('later');
        });
      `,
      'some.test.js': `test('smoke', { tags: ['smoke'] }, () => qa.rec.say('smoke'));`,
    },
    FIXTURE,
  );
  const env = { RECORDER: server.address, QA_TAGS: 'smoke' };
  const result = await jest(folder, ['-i'], { env });
  expect(result.code, result.output).toBe(0);
  expect(server.lines).toEqual(['open', 'reset', 'smoke', 'close']);
  expect(outcome(result)).toEqual({
    'none slow': 'pending',
    'none skipped': 'pending',
    'none later': 'pending',
    smoke: 'passed',
  });
});

test('QA_TAGS that selects nothing in the whole run fails it', async () => {
  await using server = await recorder();
  const folder = project({ 'one.test.js': `test('one', { tags: ['slow'] }, () => {});` }, FIXTURE);
  const result = await jest(folder, [], { env: { RECORDER: server.address, QA_TAGS: 'smoke' } });
  expect(result.output).toContain("QA_TAGS='smoke' selected no test of this run");
  expect(result.code).toBe(1);
  expect(server.lines).toEqual([]);
});

test('a server that cannot be reached fails each selected test with one readable error; the next file works', async () => {
  const folder = project(
    {
      'a.test.js': `
        /** @qa rec */
        beforeAll(() => { throw new Error('must not run'); });
        afterEach(() => { throw new Error('must not run'); });
        test('one', () => {});
        test.skip('two', () => {});
        describe('inner', () => { afterAll(() => { throw new Error('must not run'); }); test('three', () => {}); });
      `,
      'b.test.js': `/** @qa */ test('needs nothing', () => {});`,
      'c.test.js': `/** @qa recc */ test('names what is not there', () => {});`,
    },
    FIXTURE,
  );
  const result = await jest(folder, ['-i'], { env: { RECORDER: '127.0.0.1:1' } });
  expect(result.code).toBe(1);
  expect(outcome(result)).toEqual({
    one: 'failed',
    two: 'pending',
    'inner three': 'failed',
    'needs nothing': 'passed',
    'names what is not there': 'failed',
  });
  expect(result.tests.one!.messages).toHaveLength(1);
  expect(result.tests.one!.messages[0]).toContain('recorder://127.0.0.1:1');
  expect(result.tests['inner three']!.messages).toEqual(result.tests.one!.messages);
  expect(result.tests['names what is not there']!.messages).toEqual([
    expect.stringMatching(/^QaError: .*`@qa` line names `recc`.*Did you mean `rec`/s),
  ]);
  expect(result.output).not.toContain('must not run');
});

test('a reset or baseline that fails, fails what comes after it and nothing else', async () => {
  await using server = await recorder();
  server.refused.add('baseline');
  const folder = project(
    {
      'a.test.js': `
        const say = (line) => qa.rec.say(line);
        describe('blocked', () => {
          beforeAll(() => say('beforeAll'));
          afterEach(() => { throw new Error('must not run'); });
          test('one', () => say('one'));
        });
        test('two', () => say('two'));
      `,
    },
    FIXTURE,
  );
  const result = await jest(folder, [], { env: { RECORDER: server.address } });
  expect(outcome(result)).toEqual({ 'blocked one': 'failed', two: 'passed' });
  expect(result.tests['blocked one']!.messages).toEqual([expect.stringContaining('baseline was refused')]);
  expect(server.lines).toEqual(['open', 'reset', 'beforeAll', 'baseline', 'reset', 'two', 'close']);
});

test('a describe whose reset fails does not run its hooks and tests', async () => {
  await using server = await recorder();
  server.refused.add('reset');
  const folder = project(
    {
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
    },
    FIXTURE,
  );
  const result = await jest(folder, [], { env: { RECORDER: server.address } });
  expect(outcome(result)).toEqual({ 'blocked one': 'failed', 'blocked inner two': 'failed', three: 'passed' });
  expect(server.lines).toEqual(['open', 'reset', 'reset', 'three', 'close']);
});

test('QA_KEEP=1 keeps what the first failed test left', async () => {
  await using server = await recorder();
  const folder = project(
    {
      'a.test.js': `
        const say = (line) => qa.rec.say(line);
        jest.retryTimes(1);
        test('one', () => say('one'));
        test('two', async () => { await say('two'); throw new Error('bad'); });
        test('three', () => say('three'));
        describe('inner', () => { beforeAll(() => say('beforeAll')); test('four', () => say('four')); });
      `,
    },
    FIXTURE,
  );
  const result = await jest(folder, [], { env: { RECORDER: server.address, QA_KEEP: '1' } });
  expect(result.tests.two!.status).toBe('failed');
  expect(server.lines.slice(-3)).toEqual(['reset', 'two', 'close']);
  expect(result.output).toContain('QA_KEEP=1 and a test failed');
});
