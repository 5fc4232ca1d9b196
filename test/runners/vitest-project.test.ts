/** Tags, configs and shapes of projects under the plugin, and that a suite which uses nothing of ours notices nothing. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { project, run } from '../support/consumer.ts';
import { outcome, vitest, vitestConfig } from '../support/vitest.ts';

const qaConfig = (more = '') => ({
  'qa.config.cjs': `module.exports = require('@qa/jest-preset').defineConfig({ connections: {}, ${more} });`,
});

const TAGGED = {
  'tags.test.js': `
    /** @tags shop */
    describe('pays', { tags: ['smoke'] }, () => {
      test('by card', () => {});
      test('by invoice', { tags: 'slow' }, () => {});
    });
    test('refunds @nightly', () => {});
    test('mails a@smoke.example', () => {});
  `,
};

test('QA_TAGS selects by option, title and docblock, with what is inherited', async () => {
  const folder = project({ ...qaConfig(), ...vitestConfig(), ...TAGGED });
  const passed = async (expression: string, args: string[] = []) => {
    const result = await vitest(folder, args, { env: { QA_TAGS: expression } });
    expect(result.code, result.output).toBe(0);
    return Object.entries(outcome(result)).flatMap(([name, status]) => (status === 'passed' ? [name] : []));
  };
  expect(await passed('smoke && !slow')).toEqual(['pays by card']);
  expect(await passed('nightly || slow')).toEqual(['pays by invoice', 'refunds @nightly']);
  expect(await passed('shop', ['--tagsFilter', 'slow'])).toEqual(['pays by invoice']);
  expect(await passed('', ['--tagsFilter', 'shop && !smoke'])).toEqual(['refunds @nightly', 'mails a@smoke.example']);
  const list = await run(folder, 'vitest', ['list', '--no-static-parse'], { env: { QA_TAGS: 'slow' } });
  expect(list.output.trim().split('\n')).toEqual(['tags.test.js > pays > by invoice']);
});

test('declared tags: an undeclared one names the nearest; an empty selection fails the run', async () => {
  const folder = project({ ...qaConfig("tags: ['smoke', 'slow', 'shop', 'nightly']"), ...vitestConfig(), ...TAGGED });
  const wrong = await vitest(folder, [], { env: { QA_TAGS: 'smoek' } });
  expect(wrong.code).toBe(1);
  expect(wrong.files['tags.test.js']).toMatch(/smoek.*Did you mean `smoke`/s);
  const empty = await vitest(folder, [], { env: { QA_TAGS: 'smoke && nightly' } });
  expect(empty.output).toContain("QA_TAGS='smoke && nightly' selects no test of 1 file, so the run fails");
  expect(empty.code).toBe(1);
  const allowed = await vitest(folder, ['--passWithNoTests'], { env: { QA_TAGS: 'smoke && nightly' } });
  expect(allowed.code).toBe(0);
});

test('an undeclared tag, or an expression that cannot be read, is one readable error of its file', async () => {
  const folder = project({
    ...qaConfig("tags: ['smoke', 'slow']"),
    ...vitestConfig(),
    'option.test.js': `
      beforeAll(() => { throw new Error('must not run'); });
      test('x', { tags: ['smke'] }, () => { throw new Error('must not run'); });`,
    'docblock.test.js': "/** @tags sloww */ test('x', () => { throw new Error('must not run'); });",
    'right.test.js': "/** @tags slow */ describe('d', { tags: 'smoke' }, () => { test('right', () => {}); });",
  });
  const undeclared = await vitest(folder);
  expect(undeclared.code).toBe(1);
  expect(undeclared.files['option.test.js']).toMatch(/tag `smke` of `x`.*Did you mean `smoke`/s);
  expect(undeclared.files['docblock.test.js']).toMatch(/tag `sloww` of the docblock.*Did you mean `slow`/s);
  expect(outcome(undeclared)).toMatchObject({ 'd right': 'passed' });
  const unreadable = await vitest(folder, ['right'], { env: { QA_TAGS: 'smoke &&' } });
  expect(unreadable.files['right.test.js']).toMatch(/a tag is missing at the end\n {2}smoke &&\n/);
  for (const { output } of [undeclared, unreadable]) {
    expect(output).not.toContain('must not run');
    expect(output).not.toContain('jest-preset/dist');
  }
});

const SOUND = qaConfig()['qa.config.cjs'];

test.each<[name: string, files: Record<string, string>, message: RegExp]>([
  ['no config', {}, /QaError: There is no config in .*write qa\.config\.ts beside/s],
  [
    'a config that throws',
    { 'qa.config.ts': "const a: number = 1;\nthrow new Error('no good ' + a);" },
    /QaError: .*qa\.config\.ts could not be loaded: no good 1.*qa\.config\.ts:2/s,
  ],
  [
    'an unknown key',
    { 'qa.config.cjs': SOUND.replace('connections', 'conections') },
    /QaError: .*`conections` is not known. Did you mean `connections`/s,
  ],
  ['two configs', { 'qa.config.cjs': SOUND, 'qa.config.mjs': '' }, /QaError: There are 2 configs/],
])('%s is one readable error a file', async (_, files, message) => {
  const folder = project({
    ...files,
    ...vitestConfig(),
    'a.test.js': "test('a', () => {});",
    'b.test.js': "test('b', () => {});",
  });
  const result = await vitest(folder);
  expect(result.code).toBe(1);
  expect(outcome(result)).toEqual({});
  for (const file of ['a.test.js', 'b.test.js']) expect(result.files[file]).toMatch(/qa\.config|conections/);
  expect(result.output).toMatch(message);
  expect(result.output).not.toContain('jest-preset/dist');
});

test('without globals each kind of module imports all from one place', async () => {
  const body = (name: string) => `
    describe('${name}', () => {
      beforeAll(() => { qa.state.set('who', '${name}'); });
      beforeEach(() => { expect(qa.state.require('who')).toBe('${name}'); });
      afterEach(() => { expect(typeof globalThis.test).toBe('undefined'); });
      afterAll(() => {});
      it('runs', { tags: ['x'] }, () => { expect(qa.run.worker).toMatch(/^\\d$/); });
      test('fails', () => { expect.soft('${name}').toBe(1); });
    });`;
  const names = '{ qa, expect, test, it, describe, beforeAll, beforeEach, afterEach, afterAll }';
  const esm = (name: string) => `import ${names} from '@qa/jest-preset/globals';${body(name)}`;
  const folder = project({
    ...qaConfig(),
    ...vitestConfig("globals: false, include: ['**/*.test.*']"),
    'a.test.ts': esm('ts').replace("'ts'", "'ts' as string"),
    'b.test.mts': esm('mts').replace("'mts'", "'mts' as string"),
    'c.test.js': esm('js'),
    'd.test.cjs': `const ${names} = require('@qa/jest-preset/globals');${body('cjs')}`,
    'e.test.mjs': esm('mjs'),
  });
  const result = await vitest(folder);
  const all = ['ts', 'mts', 'js', 'cjs', 'mjs'];
  expect(outcome(result), result.output).toEqual(
    Object.fromEntries(
      all.flatMap((name) => [
        [`${name} runs`, 'passed'],
        [`${name} fails`, 'failed'],
      ]),
    ),
  );
  for (const name of all)
    expect(result.tests[`${name} fails`]!.messages).toEqual([expect.stringContaining(`'${name}'`)]);
});

test('a runner of the user is refused, with the mend', async () => {
  const folder = project({
    ...qaConfig(),
    ...vitestConfig("globals: true, runner: './own.mjs'"),
    'own.mjs': "export { TestRunner as default } from 'vitest';",
    'a.test.js': "test('a', () => {});",
  });
  const result = await run(folder, 'vitest', ['run']);
  expect(result.code).toBe(1);
  expect(result.output).toContain('qaPreset() needs a runner of its own. Remove `test.runner` from it');
});

test('inline projects, each with its config; time limits where the user set none', async () => {
  const folder = project({
    'vitest.config.mts': `
      import { qaPreset } from '@qa/jest-preset/vitest';
      export default { test: { projects: [
        { root: './one', plugins: [qaPreset()], test: { name: 'one', globals: true } },
        { plugins: [qaPreset({ root: './shared' })], test: { name: 'two', globals: true, testTimeout: 5000, include: ['two/*.test.js'] } },
        { test: { name: 'plain', globals: true, include: ['plain/*.test.js'] } },
      ] } };`,
    'one/qa.config.cjs': qaConfig("tags: ['of-one']")['qa.config.cjs'],
    'shared/qa.config.cjs': qaConfig("tags: ['of-two']")['qa.config.cjs'],
    'one/a.test.js':
      "test('a', { tags: ['of-one'] }, ({ task }) => { expect(task.timeout).toBe(30000); expect(qa.run.id).toMatch(/^[a-z0-9]{8}$/); });",
    'two/b.test.js': "test('b', { tags: ['of-two'] }, ({ task }) => { expect(task.timeout).toBe(5000); });",
    'plain/c.test.js':
      "test('c', ({ task }) => { expect(task.timeout).toBe(5000); expect(globalThis.qa).toBeUndefined(); });",
  });
  const result = await vitest(folder);
  expect(result.code, result.output).toBe(0);
  expect(outcome(result)).toEqual({ a: 'passed', b: 'passed', c: 'passed' });
});

test('projects that extend one config: each its own time limits, also by the command line', async () => {
  const is = (name: string, limit: number) =>
    `test('${name}', ({ task }) => { expect([task.timeout, qa.run.worker]).toEqual([${limit}, expect.any(String)]); });`;
  const folder = project({
    ...qaConfig(),
    'vitest.config.mts': `
      import { qaPreset } from '@qa/jest-preset/vitest';
      export default { plugins: [qaPreset()], test: { globals: true, projects: [
        { extends: true, test: { name: 'own', include: ['own.test.js'], testTimeout: 5000 } },
        { extends: true, test: { name: { label: 'none', color: 'red' }, include: ['none.test.js'] } },
        { extends: true, test: { include: ['unnamed.test.js'], testTimeout: 5000 } },
      ] } };`,
    'own.test.js': is('own', 5000),
    'none.test.js': is('none', 30_000),
    'unnamed.test.js': is('unnamed', 5000),
  });
  const result = await vitest(folder);
  expect(outcome(result), result.output).toEqual({ own: 'passed', none: 'passed', unnamed: 'passed' });
  writeFileSync(join(folder, 'none.test.js'), is('none', 5000));
  expect(outcome(await vitest(folder, ['--testTimeout=5000', '--project=none']))).toEqual({ none: 'passed' });
});

const PLAIN = {
  'plain.test.js': `
    import { afterAll, afterEach, aroundEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
    const order = [];
    beforeAll(() => { order.push('beforeAll'); return () => { order.push('cleanup'); }; });
    beforeEach(({ task }) => { order.push('before ' + task.name); });
    afterEach(() => { onTestFinished; });
    afterAll(() => { expect(order[0]).toBe('beforeAll'); });
    aroundEach(async (run) => { await run(); });
    const extended = test.extend({ seven: async ({}, use) => { await use(7); }, file: [async ({}, use) => { await use(8); }, { scope: 'file' }] });
    describe('extended', () => {
      extended.beforeEach(({ seven }) => { expect(seven).toBe(7); });
      extended.beforeAll(({ file }) => { expect(file).toBe(8); });
      extended('fixtures', ({ seven, file }) => { expect([seven, file]).toEqual([7, 8]); });
    });
    test.each([[1, 2], [2, 3]])('%i to %i', (a, b) => { expect(a + 1).toBe(b); });
    test.for([1])('for %i', (n, { expect: own }) => { own(n).toBe(1); });
    test.concurrent('concurrent', async ({ expect: own }) => { own({ a: 1 }).toMatchInlineSnapshot(\`
      {
        "a": 1,
      }
    \`); });
    test.fails('fails', () => { expect(1).toBe(2); });
    test('bad', () => { expect({ a: [1, 2] }).toEqual({ a: [1, 3] }); });
    test('soft', () => { expect.soft(1).toBe(2); expect.soft(2).toBe(3); });
    let tries = 0;
    test('retry', { retry: 2 }, () => { tries += 1; expect(tries).toBe(2); });
    test('repeats', { repeats: 2 }, () => { expect.assertions(1); expect(1).toBe(1); });
    test('counts', () => { expect.assertions(2); expect(1).toBe(1); });
    test('slow', { timeout: 40 }, () => new Promise(() => {}));
    test('skips', ({ skip }) => { skip('no reason'); });
    test('finishes', ({ onTestFinished: done, onTestFailed }) => { done(() => { throw new Error('at the end'); }); onTestFailed(() => {}); });
    test('snapshot', () => { expect({ b: 1 }).toMatchSnapshot(); });
    test.todo('todo');
    test.skip('skip', () => {});
    describe('broken', () => { beforeAll(() => { throw new Error('hook'); }); test('never', () => {}); });
    describe.concurrent('group', () => { test('x', () => {}); test('y', async () => { await 1; throw new TypeError('y'); }); });
    describe('mocks', () => { test('timers', () => { vi.useFakeTimers(); let ran = false; setTimeout(() => { ran = true; }, 1000); vi.advanceTimersByTime(1000); expect(ran).toBe(true); vi.useRealTimers(); }); });
  `,
  'only.test.js':
    "import { test } from 'vitest'; test.only('only', () => {}); test('other', () => { throw new Error('x'); });",
  'syntax.test.js': "import { test } from 'vitest'; test('a', () => {}); throw new Error('at the top');",
  'empty.test.js': '',
  '__snapshots__/plain.test.js.snap':
    '// Vitest Snapshot v1, https://vitest.dev/guide/snapshot.html\n\nexports[`snapshot 1`] = `\n{\n  "b": 1,\n}\n`;\n',
};

/** Without the frames of the runner, ours among them. */
function ownFrames(message: string): string {
  return message
    .split('\n')
    .filter((line) => !/^\s+at (?!.*\.test\.js)/.test(line))
    .join('\n');
}

test('a suite that uses nothing of ours has the same results with and without the plugin', async () => {
  const results: unknown[] = [];
  for (const config of [vitestConfig('testTimeout: 5000'), { 'vitest.config.mts': 'export default {};' }]) {
    const folder = project({ ...qaConfig(), ...config, ...PLAIN });
    const args = ['run', '--reporter=json', '--outputFile=results.json', '--allowOnly'];
    const { code } = await run(folder, 'vitest', args);
    const text = readFileSync(join(folder, 'results.json'), 'utf8').replaceAll(folder, '');
    const { testResults, startTime: _, ...totals } = JSON.parse(text);
    for (const file of testResults) {
      for (const key of ['startTime', 'endTime']) delete file[key];
      for (const assertion of file.assertionResults) {
        delete assertion.duration;
        assertion.failureMessages = (assertion.failureMessages ?? []).map(ownFrames);
      }
      file.message = ownFrames(file.message);
    }
    testResults.sort((a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1));
    results.push({ code, totals, testResults });
  }
  expect(results[0]).toEqual(results[1]);
  expect(JSON.stringify(results[0])).toContain('at the end');
});

for (const pool of ['threads', 'vmThreads', 'vmForks'] as const) {
  test(`the pool ${pool}`, async () => {
    const folder = project({
      ...qaConfig(),
      ...vitestConfig(`globals: true, pool: '${pool}'`),
      'a.test.ts': `
        import { expect as same, qa as imported } from '@qa/jest-preset/globals';
        beforeAll(() => { qa.state.set('key', 1); });
        test('a', () => { same(imported.state.require('key')).toBe(1); });
        test('b', async () => { await expect(async () => expect({}).toHaveRowCount(1)).rejects.toThrow('toHaveRowCount'); });
      `,
    });
    const result = await vitest(folder);
    expect(result.code, result.output).toBe(0);
    expect(outcome(result)).toEqual({ a: 'passed', b: 'passed' });
  });
}

test("the user's environment and setup files stay", async () => {
  const folder = project({
    ...qaConfig(),
    ...vitestConfig("globals: true, environment: './own-env.mjs', setupFiles: ['./own-setup.js']"),
    'own-env.mjs':
      "export default { name: 'own', viteEnvironment: 'ssr', setup(global) { global.page = 'there'; return { teardown() { delete global.page; } }; } };",
    'own-setup.js': `
      import { beforeEach, qa } from '@qa/jest-preset/globals';
      qa.afterReset(() => { globalThis.wasReset = true; });
      beforeEach(() => { qa.state.set('page', page); });`,
    'a.test.js': "test('a', () => { expect(qa.state.require('page')).toBe('there'); });",
  });
  const result = await vitest(folder);
  expect(result.code, result.output).toBe(0);
  expect(outcome(result)).toEqual({ a: 'passed' });
});

test('workers keep what Node has compiled, unseen by tests; what the user has set stays', async () => {
  const folder = project({
    ...qaConfig(),
    ...vitestConfig(),
    'a.test.js': `
      import { writeFileSync } from 'node:fs';
      import { getCompileCacheDir } from 'node:module';
      test('a', () => {
        const { NODE_COMPILE_CACHE: variable } = process.env;
        writeFileSync('seen.json', JSON.stringify({ keeps: getCompileCacheDir() !== undefined, variable }));
      });
    `,
  });
  const seen = async (env: Record<string, string>, args: string[] = []) => {
    const result = await vitest(folder, args, { env });
    expect(result.code, result.output).toBe(0);
    return JSON.parse(readFileSync(join(folder, 'seen.json'), 'utf8'));
  };
  const own = join(folder, 'own');
  expect(await seen({})).toEqual({ keeps: true });
  expect(await seen({}, ['--pool=threads'])).not.toHaveProperty('variable');
  expect(await seen({ NODE_COMPILE_CACHE: own })).toEqual({ keeps: true, variable: own });
  expect(readdirSync(own)).not.toEqual([]);
  expect(await seen({ NODE_DISABLE_COMPILE_CACHE: '1' })).toEqual({ keeps: false });
  expect(await seen({ NODE_V8_COVERAGE: join(folder, 'coverage') })).toEqual({ keeps: false });
});
