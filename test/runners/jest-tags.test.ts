/** `{ tags, timeout }` in every form of test and describe, also from `@jest/globals`; titles and docblocks. */
import { expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { jest, outcome } from '../support/jest.ts';

const BASE = {
  'qa.config.cjs': "module.exports = require('@qa/jest-preset').defineConfig({ connections: {} });",
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };",
};
const TAGGED = { 'qa.config.cjs': BASE['qa.config.cjs'].replace('{}', "{}, tags: ['smoke', 'slow']") };

const FORMS = `
const no = () => { throw new Error('must not run'); };
test('test', { tags: ['smoke'] }, () => {});
it('it', { tags: 'smoke' }, () => {});
test.skip('skip', { tags: ['smoke'] }, no);
test.todo('todo', { tags: ['smoke'] });
test.failing('failing', { tags: ['smoke'] }, () => { throw new Error('yes'); });
test.concurrent('concurrent', { tags: ['smoke'] }, async () => {});
test.concurrent.failing('concurrent failing', { tags: ['smoke'] }, async () => { throw new Error('yes'); });
test.each([1, 2])('each %i', { tags: ['smoke'] }, (n) => expect(n).toBeGreaterThan(0));
test.each\`
  a | b
  \${1} | \${1}
\`('table $a', { tags: ['smoke'] }, ({ a }) => expect(a).toBe(1));
test.concurrent.each([1])('concurrent each %i', { tags: ['smoke'] }, async (n) => expect(n).toBe(1));
test.failing.each([1])('failing each %i', { tags: ['smoke'] }, no);
describe('group', { tags: ['smoke'] }, () => {
  test('inherits', () => {});
  describe('deeper', { tags: ['slow'] }, () => { test('both', () => {}); });
});
describe.each(['x', 'y'])('each %s', { tags: ['smoke'] }, () => { test('inherits', () => {}); test('adds', { tags: ['slow'] }, () => {}); });
describe.skip('skipped group', { tags: ['smoke'] }, () => { test('in it', no); });
test('title @smoke', () => {});
test('mail me@smoke.org', no);
test('not tagged', no);
test('slow only', { tags: ['slow'] }, no);
`;

for (const [name, source] of Object.entries({
  'injected globals': FORMS,
  '@jest/globals': `const { test, it, describe, expect } = require('@jest/globals');\n${FORMS}`,
})) {
  test(`every form: ${name}`, async () => {
    const folder = project({ ...BASE, 'forms.test.js': source });
    const args = name === '@jest/globals' ? ['--injectGlobals=false'] : [];
    const result = await jest(folder, args, { env: { QA_TAGS: 'smoke' } });
    expect(result.code, result.output).toBe(0);
    const by = (status: string) =>
      Object.entries(outcome(result))
        .filter((entry) => entry[1] === status)
        .map(([title]) => title);
    expect(by('passed')).toEqual([
      ...['test', 'it', 'failing', 'concurrent', 'concurrent failing', 'each 1', 'each 2', 'table 1'],
      ...['concurrent each 1', 'failing each 1', 'group inherits', 'group deeper both'],
      ...['each x inherits', 'each x adds', 'each y inherits', 'each y adds', 'title @smoke'],
    ]);
    expect(by('todo')).toEqual(['todo']);
    expect(by('pending')).toEqual(['skip', 'skipped group in it', 'mail me@smoke.org', 'not tagged', 'slow only']);
  });
}

test('only works with options', async () => {
  const folder = project({
    ...BASE,
    'only.test.js': `
      test.only('a', { tags: ['x'] }, () => {});
      fit('b', { tags: ['x'] }, () => {});
      test.only.each([1])('c %i', { tags: ['x'] }, () => {});
      test.concurrent.only('d', { tags: ['x'] }, async () => {});
      fdescribe('e', { tags: ['x'] }, () => { test('f', () => {}); });
      test('g', { tags: ['x'] }, () => {});`,
  });
  const result = await jest(folder);
  expect(outcome(result)).toEqual({
    a: 'passed',
    b: 'passed',
    'c 1': 'passed',
    d: 'passed',
    'e f': 'passed',
    g: 'pending',
  });
});

test('the docblock tags the whole file; expressions combine', async () => {
  const folder = project({
    ...BASE,
    'a.test.js': `/**\n * @tags slow db\n */\ntest('a', () => {});\ntest('b', { tags: ['smoke'] }, () => {});`,
    'c.test.js': `test('c', { tags: ['smoke'] }, () => {});`,
  });
  const result = await jest(folder, [], { env: { QA_TAGS: '(slow || smoke) && !(slow && smoke)' } });
  expect(outcome(result)).toEqual({ a: 'passed', b: 'pending', c: 'passed' });
});

test('a timeout is an option, of a describe too', async () => {
  const folder = project({
    ...BASE,
    't.test.js': `
      const hang = () => new Promise(() => {});
      test('own', { timeout: 30 }, hang);
      describe('all', { timeout: 40 }, () => { test('inherits', hang); test('own', { timeout: 50 }, hang); });`,
  });
  const { tests } = await jest(folder);
  expect(tests.own!.messages[0]).toContain('Exceeded timeout of 30 ms');
  expect(tests['all inherits']!.messages[0]).toContain('Exceeded timeout of 40 ms');
  expect(tests['all own']!.messages[0]).toContain('Exceeded timeout of 50 ms');
});

test.each([
  ["test('x', { tag: ['smoke'] }, () => {});", /`x`: `tag` is not known\. Did you mean `tags`\?/],
  [
    "test('x', { retry: 2 }, () => {});",
    /`retry` is not known.*In Jest the options of a test are `tags` and `timeout`/s,
  ],
  ["describe('x', { tags: 7 }, () => { test('y', () => {}); });", /`tags` is not a list of names/],
  ["test('x', { timeout: 'long' }, () => {});", /`timeout` is not a number of milliseconds/],
])('misuse is an error at its line: %s', async (line, message) => {
  const folder = project({ ...BASE, 'm.test.js': `\n\n${line}` });
  const { files, code } = await jest(folder);
  expect(code).toBe(1);
  expect(files['m.test.js']).toMatch(message);
  expect(files['m.test.js']).toMatch(/> 3 \|/);
  expect(files['m.test.js']).not.toContain('jest-preset/dist');
});

test.each<[source: string, env: Record<string, string>, message: RegExp]>([
  ["test('x', { tags: ['smke'] }, () => {});", {}, /tag `smke` of `x`.*Did you mean `smoke`/s],
  ["/** @tags sloww */ test('x', () => {});", {}, /tag `sloww` of the docblock.*Did you mean `slow`/s],
  ["test('x', () => {});", { QA_TAGS: 'smok' }, /tag `smok` of QA_TAGS.*Did you mean `smoke`/s],
  ["test('x', () => {});", { QA_TAGS: 'smoke &&' }, /a tag is missing at the end/],
])('an undeclared tag fails the file, readably: %s %o', async (source, env, message) => {
  const folder = project({ ...BASE, ...TAGGED, 'u.test.js': source });
  const { tests, code } = await jest(folder, [], { env });
  expect(code).toBe(1);
  expect(tests.x!.messages).toEqual([expect.stringMatching(message)]);
});
