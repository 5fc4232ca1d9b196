/** The preset alone runs TypeScript, JSX and `import`, with right frames, snapshots and coverage. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { jest } from '../support/jest.ts';

const BASE = {
  'qa.config.cjs': "module.exports = require('@qa/jest-preset').defineConfig({ connections: {} });",
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };",
};

test('a code frame points at the line and column of TypeScript', async () => {
  const folder = project({
    ...BASE,
    'frame.test.ts': [
      "import type { X } from './nowhere';",
      'interface Y { a: number }',
      "test('fails', () => {",
      '  const name = `x ${1 as number}`;',
      '  const y: Y = { a: 1 } satisfies Y; expect(y.a as unknown as X, ).toBe(name);',
      '});',
    ].join('\n'),
  });
  const { tests, output } = await jest(folder);
  expect(tests.fails!.messages[0]).toMatch(/frame\.test\.ts:5:68\)/);
  expect(output, 'no frame of ours').not.toContain('@qa/jest-preset');
});

test('inline snapshots are written into TypeScript', async () => {
  const source = [
    "test('writes', () => {",
    '  const value: Record<string, number> = { a: 1 }; const text = `${1}`;',
    '  expect(value as object).toMatchInlineSnapshot(); expect(text!).toMatchInlineSnapshot();',
    '  expect(',
    '    value,',
    '  ).toMatchInlineSnapshot({ a: expect.any(Number) });',
    '});',
  ].join('\n');
  const folder = project({ ...BASE, 'snap.test.ts': source });
  const written = await jest(folder, ['--ci=false']);
  expect(written.code, written.output).toBe(0);
  const text = readFileSync(join(folder, 'snap.test.ts'), 'utf8');
  expect(text).toContain('value as object).toMatchInlineSnapshot(`\n');
  expect(text).toContain('toMatchInlineSnapshot(`"1"`)');
  const again = await jest(folder);
  expect(again.code, again.output).toBe(0);
});

test.each(['babel', 'v8'])('coverage by %s names the lines of the source', async (provider) => {
  const folder = project({
    ...BASE,
    'src/price.ts': [
      'import type { Options } from "./options";',
      'export function price(total: number, options: Options = {} as Options): number {',
      '  if (options.free) {',
      '    return 0;',
      '  }',
      '  return total;',
      '}',
      'export const never = (): string => {',
      '  const text: string = `x ${1}`;',
      '  return text;',
      '};',
    ].join('\n'),
    'price.test.ts': "import { price } from './src/price';\ntest('p', () => expect(price(1)).toBe(1));",
  });
  const result = await jest(folder, ['--coverage', `--coverageProvider=${provider}`, '--coverageReporters=text']);
  expect(result.output).toMatch(provider === 'babel' ? /price\.ts.*\| 4,9-10/ : /price\.ts.*\| 4-5,9-11/);
});

test('JSX and import in .js and .jsx', async () => {
  const folder = project({
    ...BASE,
    'node_modules/react/jsx-runtime.js': 'exports.jsx = (type, props) => ({ type, props });',
    'view.jsx': 'export default ({ name }) => <b title="x">{name}</b>;',
    'lib.js': "export * from './more.js';\nexport const late = () => import('./more.js');",
    'more.js': 'export let count = 0;\nexport const add = () => { count += 1; };',
    'a.test.js': `
      import View from './view.jsx';
      import { count, add, late } from './lib.js';
      test('jsx', () => expect(View({ name: 'n' })).toEqual({ type: 'b', props: { title: 'x', children: 'n' } }));
      test('live bindings', () => { add(); expect(count).toBe(1); });
      test('dynamic import', async () => expect((await late()).count).toBe(1));`,
  });
  const result = await jest(folder);
  expect(result.code, result.output).toBe(0);
});

test('jest.mock is hoisted, of the global and of the imported jest', async () => {
  const folder = project({
    ...BASE,
    'lib.ts': 'export const value: string = "real"; export const other = "other";',
    'a.test.ts': `
      import { value, other } from './lib';
      const mockValue = (): string => 'mocked';
      jest.mock('./lib', () => ({ ...jest.requireActual('./lib'), get value() { return mockValue(); } }));
      test('mocked', () => expect([value, other]).toEqual(['mocked', 'other']));`,
    'b.test.ts': `
      // The comment stays. import { jest } from 'nowhere'
      import type { Mock } from 'jest-mock';
      import { value } from './lib';
      import { expect, jest, test } from '@jest/globals';
      jest.mock('./lib', () => ({ value: 'mocked' }));
      test('imported', () => expect(value).toBe('mocked'));`,
    'd.test.ts': `
      import { jest, test, expect } from '@jest/globals';
      const code = \`
      import { jest } from '@jest/globals';\`;
      const fn: jest.Mock = jest.fn(() => 1);
      test('typed', () => { expect(fn()).toBe(1); expect(code).toContain('{ jest }'); });`,
    'c.test.ts': `
      import { value } from './lib';
      jest.mock<typeof import('./lib')>('./lib');
      jest.unmock('./lib');
      test('unmocked', () => expect(value).toBe('real'));`,
  });
  for (const args of [[], ['--injectGlobals=false', '-t', 'imported|typed', 'b.test', 'd.test']]) {
    const result = await jest(folder, args);
    expect(result.code, result.output).toBe(0);
  }
});

test("the user's own transform wins; node_modules stay as they are", async () => {
  const folder = project({
    ...BASE,
    'jest.config.cjs': `module.exports = { preset: '@qa/jest-preset', transform: { '\\\\.mine\\\\.js$': './own.cjs' } };`,
    'own.cjs': 'module.exports = { process: () => ({ code: \'module.exports = "own";\' }) };',
    'x.mine.js': 'anything',
    'node_modules/dep/index.js': "module.exports = 'import x from y';",
    'a.test.ts':
      "test('own', () => { expect(require('./x.mine.js')).toBe('own'); expect(require('dep')).toContain('import'); });",
  });
  const result = await jest(folder);
  expect(result.code, result.output).toBe(0);
});

describe('native ESM', () => {
  for (const node of ['newer', 'system'] as const) {
    test(`.mjs, .mts and "type": "module" (${node} Node)`, async () => {
      const folder = project({
        ...BASE,
        'package.json': '{ "private": true, "type": "module" }',
        'jest.config.cjs':
          "module.exports = { preset: '@qa/jest-preset', extensionsToTreatAsEsm: ['.ts'], testMatch: ['**/*.test.*'] };",
        'lib.ts':
          'export const add = (a: number, b: number): number => a + b;\nexport const here: string = import.meta.url;',
        'a.test.ts': `
          import { add, here } from './lib.ts';
          const top: number = await Promise.resolve(2);
          test('ts', { tags: ['x'] }, async () => {
            expect(add(1, top)).toBe(3);
            expect(here).toMatch(/lib\\.ts$/);
            expect((await import('./lib.ts')).add).toBe(add);
            expect(typeof qa.unique()).toBe('string');
            expect.soft(1).toBe(1);
          });`,
        'b.test.mjs':
          "import { expect, test } from '@jest/globals';\ntest('mjs', { tags: ['x'] }, () => expect(import.meta.url).toMatch('b.test'));",
        'c.test.js':
          "import fs from 'node:fs';\ntest('js', () => expect(fs.existsSync(import.meta.filename ?? '.')).toBe(true));",
        'e.test.mjs': `
          import { qa, expect, test, describe } from '@qa/jest-preset/globals';
          import { QaError } from '@qa/jest-preset';
          describe('globals', () => {
            test('esm', { tags: ['x'] }, () => {
              expect(() => qa.state.require('nothing')).toThrow(QaError);
              expect(qa.unique).toBe(globalThis.qa.unique);
            });
          });`,
        'd.test.ts':
          "test('fails', () => {\n  const text = `${1 as number}`;\n  expect(text as string).toBe('2');\n});",
      });
      const result = await jest(folder, [], { node, env: { NODE_OPTIONS: '--experimental-vm-modules' } });
      expect(
        Object.fromEntries(Object.entries(result.tests).map(([name, { status }]) => [name, status])),
        result.output,
      ).toEqual({
        ts: 'passed',
        mjs: 'passed',
        js: 'passed',
        'globals esm': 'passed',
        fails: 'failed',
      });
      expect(result.tests.fails!.messages[0]).toMatch(/d\.test\.ts:3:26/);
    });
  }
});
