/** Where the environment comes from, and what is said when it or the config is not right. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { project, start } from '../support/consumer.ts';
import { jest, outcome } from '../support/jest.ts';
import { recorder } from '../support/recorder.ts';

const CONFIG = "module.exports = require('@qa/jest-preset').defineConfig({ connections: {} });";
const BASE = { 'qa.config.cjs': CONFIG, 'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };" };

test('under another environment each use of qa says so, other tests run', async () => {
  const folder = project({
    ...BASE,
    'a.test.js': `
      /** @jest-environment node */
      test('uses qa', () => qa.state.set('a', 1));
      test('awaits it', async () => { await qa.db; });
      test('does not', () => { expect(typeof qa).toBe('object'); expect(globalThis.qa).toBeDefined(); });`,
  });
  const result = await jest(folder);
  expect(outcome(result)).toEqual({ 'uses qa': 'failed', 'awaits it': 'failed', 'does not': 'passed' });
  for (const name of ['uses qa', 'awaits it']) {
    expect(result.tests[name]!.messages[0]).toMatch(
      /QaError: This file runs under the environment `node` that its docblock names.*Remove `@jest-environment node`/s,
    );
    expect(result.tests[name]!.messages[0]).toContain('a.test.js:');
  }
});

test('under another testEnvironment of the config: the same, naming the config', async () => {
  const folder = project({
    ...BASE,
    'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset', testEnvironment: 'node' };",
    'a.test.js': "test('uses qa', () => qa.unique('x'));",
  });
  const result = await jest(folder);
  expect(result.tests['uses qa']!.messages[0]).toMatch(/another `testEnvironment` of Jest's config.*withQa\(Base\)/s);
});

test('withQa makes an environment of another one', async () => {
  const folder = project({
    ...BASE,
    'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset', testEnvironment: './own.cjs' };",
    'own.cjs': `
      const { TestEnvironment } = require('jest-environment-node');
      const { withQa } = require('@qa/jest-preset/environment');
      class Own extends TestEnvironment {
        async setup() { await super.setup(); this.global.order = ['setup']; }
        async handleTestEvent(event) { if (event.name === 'test_start') { await null; this.global.order.push(event.test.name); } }
        async teardown() { process.stderr.write('torn down\\n'); await super.teardown(); }
      }
      module.exports = withQa(Own);`,
    'a.test.js': `
      test('first', { tags: ['x'] }, () => { expect(order).toEqual(['setup', 'first']); expect(qa.unique('o')).toMatch(/^o-/); });
      test('second', () => { expect(order).toEqual(['setup', 'first', 'second']); });
      test('third', { tags: ['y'] }, () => { throw new Error('not selected'); });`,
  });
  const result = await jest(folder, [], { env: { QA_TAGS: '!y' } });
  expect(result.code, result.output).toBe(0);
  expect(result.output).toContain('torn down');
});

test('the environment can be imported by ESM too', async () => {
  const folder = project({
    ...BASE,
    'package.json': '{ "private": true, "type": "module" }',
    'jest.config.js': "export default { preset: '@qa/jest-preset', testEnvironment: './own.js' };",
    'own.js': `
      import Qa, { withQa } from '@qa/jest-preset/environment';
      if (typeof withQa !== 'function') throw new Error('withQa is missing');
      export default class extends Qa { async setup() { await super.setup(); this.global.own = true; } }`,
    'a.test.cjs': "test('both', () => { expect(own).toBe(true); expect(typeof qa.unique()).toBe('string'); });",
  });
  const result = await jest(folder, ['--config=jest.config.js', '--testMatch=**/*.test.cjs']);
  expect(result.code, result.output).toBe(0);
});

test.each<[name: string, files: Record<string, string>, message: RegExp]>([
  ['no config', {}, /QaError: There is no config in .*write qa\.config\.ts beside/s],
  [
    'a config that throws',
    { 'qa.config.ts': "const a: number = 1;\nthrow new Error('no good ' + a);" },
    /QaError: .*qa\.config\.ts could not be loaded: no good 1/s,
  ],
  [
    'an unknown key',
    { 'qa.config.cjs': 'module.exports = { connections: {}, tag: [] };' },
    /QaError: .*`tag` is not known\. Did you mean `tags`/s,
  ],
  ['two configs', { 'qa.config.cjs': CONFIG, 'qa.config.mjs': '' }, /QaError: There are 2 configs/],
])('%s is one readable error for the file', async (_, files, message) => {
  const { 'qa.config.cjs': __, ...base } = BASE;
  const folder = project({ ...base, ...files, 'a.test.js': "test('a', () => {});" });
  const result = await jest(folder);
  expect(result.code).toBe(1);
  expect(result.files['a.test.js']).toMatch(message);
  expect(result.files['a.test.js']).not.toContain('@qa/jest-preset/dist');
});

test('a watch session opens and closes for each of its runs', async () => {
  await using server = await recorder();
  const folder = project({ 'a.test.js': "test('a', () => qa.rec.say('one'));" }, 'jest-recorder');
  const env = { RECORDER: server.address };
  const { child, done, output } = start(folder, 'jest', ['--watchAll', '-i'], { env });
  const until = async (ready: () => boolean) => {
    for (let i = 0; !ready(); i += 1) {
      if (i > 600) throw new Error(`Waited in vain:\n${output()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  try {
    await until(() => server.lines.includes('close'));
    writeFileSync(join(folder, 'a.test.js'), "test('a', () => qa.rec.say('two'));");
    await until(() => server.lines.filter((line) => line === 'close').length === 2);
  } finally {
    child.kill('SIGTERM');
    await done;
  }
  expect(server.lines).toEqual(['open', 'reset', 'one', 'close', 'open', 'reset', 'two', 'close']);
});
