/** Our environment beside others: jsdom's and Allure's in Jest, the user's own in Vitest; and JUnit's reporters. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { project, stripColours } from '../support/consumer.ts';
import { jest } from '../support/jest.ts';
import { vitest, vitestConfig } from '../support/vitest.ts';

const CONFIG = {
  'qa.config.cjs': `
    const { defineConfig, postgres, embedded, secret, fromEnv } = require('@qa/jest-preset');
    const applicationName = secret(fromEnv('PASSWORD', 'unset-password'));
    module.exports = defineConfig({ connections: { db: postgres({ server: embedded({ schema: './schema.sql' }), applicationName }) } });`,
  'schema.sql': 'create table orders (id text primary key, total numeric, placed timestamptz);',
};

const DOCUMENT = `
  const nothing = (options) => expect(qa.db.table('orders')).toHaveRowMatching({ id: 'nope' }, options);
  test('both are there', async () => {
    document.body.innerHTML = '<p id="x">paid</p>';
    window.addEventListener('paid', () => void qa.db.query("insert into orders values ('o-1', 1, '2026-01-02T03:04:05Z')"));
    setTimeout(() => window.dispatchEvent(new CustomEvent('paid')), 50);
    await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1', placed: new Date('2026-01-02T03:04:05Z') });
    const [row] = await qa.db.table('orders').all();
    expect(row.placed instanceof Date).toBe(true);
    expect(row).toEqual({ id: 'o-1', total: '1', placed: expect.any(Date) });
    expect(document.querySelector('#x').textContent).toBe('paid');
  });
  test('both fail', { tags: ['x'] }, async () => {
    qa.state.set('order', 'o-7');
    await nothing({ within: 50 });
    expect(document.title).toBe('orders');
  });`;

const SOFT = `
  describe('orders', () => {
    test('two soft, one hard', async () => {
      qa.state.set('order', 'o-7');
      await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'first' }, { within: 20 });
      await expect(qa.db.table('orders')).toHaveRowCount(7, { within: 20 });
      expect('hard <&> last').toBe('other');
    });
    test('soft alone', async () => {
      await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'alone' }, { within: 20 });
      qa.state.set('after', 'it went on');
    });
    test('passes', async () => { await expect(qa.db.table('orders')).toHaveRowCount(0); });
  });`;

describe('Jest', () => {
  test('withQa on the environment of jsdom', async () => {
    const folder = project({
      ...CONFIG,
      'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset', testEnvironment: './qa-environment.cjs' };",
      'qa-environment.cjs': `
        const { withQa } = require('@qa/jest-preset/environment');
        module.exports = withQa(require('jest-environment-jsdom').TestEnvironment);`,
      'a.test.js': DOCUMENT,
      'b.test.js': DOCUMENT,
    });
    const { tests, output, json } = await jest(folder, ['--maxWorkers=1']);
    expect(tests['both are there'], output).toEqual({ status: 'passed', messages: [] });
    expect(tests['both fail']!.messages).toEqual([
      expect.stringMatching(/\{ id: 'nope' \}.*qa\.state:\n {2}order: 'o-7'.*at .*[ab]\.test\.js/s),
      expect.stringContaining('Expected: "orders"'),
    ]);
    expect(json.testResults).toHaveLength(2);
  });

  test('withQa on no class says which classes there are', async () => {
    const folder = project({
      ...CONFIG,
      'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset', testEnvironment: './qa-environment.cjs' };",
      'qa-environment.cjs':
        "require('@qa/jest-preset/environment').withQa(require('jest-environment-jsdom').default.nope);",
      'a.test.js': SOFT,
    });
    const { files } = await jest(folder);
    expect(files['a.test.js']).toMatch(/withQa\(\) was given undefined.*require\('allure-jest\/node'\)/s);
  });

  test('withQa on the environment of Allure: its results carry all failures, the state and the log', async () => {
    const folder = project({
      ...CONFIG,
      'jest.config.cjs': `module.exports = {
        preset: '@qa/jest-preset', testEnvironment: './qa-environment.cjs', testEnvironmentOptions: { resultsDir: 'allure-results' },
      };`,
      'qa-environment.cjs': `
        const { withQa } = require('@qa/jest-preset/environment');
        module.exports = withQa(require('allure-jest/node'));`,
      'a.test.js': `const allure = require('allure-js-commons');
        beforeEach(async () => { await allure.owner('qa'); });
        test('secrets', async () => {
          qa.state.set('login', 'qa:canary-4711-allure');
          await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'canary-4711-allure' }, { within: 20 });
          expect({ login: 'canary-4711-allure' }).toEqual({});
        });\n${SOFT}`,
    });
    const { output } = await jest(folder, [], { env: { PASSWORD: 'canary-4711-allure' } });
    const written = readdirSync(join(folder, 'allure-results')).map((file) =>
      readFileSync(join(folder, 'allure-results', file), 'utf8'),
    );
    expect(written.join('\n')).toContain('‹redacted›');
    expect(written.filter((text) => text.includes('canary-4711'))).toEqual([]);
    const results = allureResults(join(folder, 'allure-results'));
    expect(Object.keys(results).sort(), output).toEqual(['passes', 'secrets', 'soft alone', 'two soft, one hard']);

    const three = results['two soft, one hard']!;
    expect(three.status).toBe('failed');
    expect(three.labels).toContainEqual({ name: 'owner', value: 'qa' });
    expect(three.attachments).toEqual({
      'failure 1': expect.stringMatching(/\{ id: 'first' \}.*No row matched.*at .*a\.test\.js/s),
      'failure 2': expect.stringContaining('toHaveRowCount(7'),
      'failure 3': expect.stringContaining('hard <&> last'),
      'qa.state': "order: 'o-7'",
      'qa.log': expect.stringMatching(/qa\.db {2}expect\(qa\.db\.table\('orders'\)\)\.toHaveRowCount\(7\) failed/),
    });
    // The evidence has an attachment of its own.
    expect(three.attachments['failure 1']).not.toContain('o-7');

    const alone = results['soft alone']!;
    expect(alone.status).toBe('failed');
    expect(alone.message).toMatch(/\{ id: 'alone' \}/);
    expect(Object.keys(alone.attachments)).toEqual(['failure 1', 'qa.state', 'qa.log']);
    expect(results.passes).toMatchObject({ status: 'passed', attachments: {} });
  });

  test('the JUnit reporter shows soft failures completely', async () => {
    const folder = project({
      ...CONFIG,
      'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset', reporters: ['default', 'jest-junit'] };",
      'a.test.js': SOFT,
    });
    await jest(folder);
    expectComplete(readFileSync(join(folder, 'junit.xml'), 'utf8'));
  });
});

describe('Vitest', () => {
  test("the environment jsdom stays the user's; the JUnit reporter shows soft failures completely", async () => {
    const folder = project({
      ...CONFIG,
      'vitest.config.mts': `import { qaPreset } from '@qa/jest-preset/vitest';
        export default { plugins: [qaPreset()], test: { globals: true, environment: 'jsdom', reporters: ['default', ['junit', { outputFile: 'junit.xml' }]] } };`,
      'a.test.js': SOFT,
      'dom.test.js': DOCUMENT,
    });
    const { tests, output } = await vitest(folder, ['--reporter=junit', '--outputFile.junit=junit.xml']);
    expect(tests['both are there'], output).toEqual({ status: 'passed', messages: [] });
    expect(tests['both fail']!.messages).toEqual([
      expect.stringMatching(/\{ id: 'nope' \}.*qa\.state:\n {2}order: 'o-7'/s),
      expect.stringContaining("expected '' to be 'orders'"),
    ]);
    expectComplete(readFileSync(join(folder, 'junit.xml'), 'utf8'));
  });

  test('a window for the global object of drivers is refused, with the pools that do', async () => {
    const folder = project({
      ...CONFIG,
      ...vitestConfig("globals: true, environment: 'jsdom', pool: 'vmForks'"),
      'a.test.js': "test('a', () => {});",
    });
    const { tests } = await vitest(folder);
    expect(tests.a!.messages).toEqual([
      expect.stringMatching(/The driver `pg` needs the timers of Node.*\(jsdom\).*Vitest set `pool: 'forks'`/),
    ]);
  });
});

interface AllureResult {
  name: string;
  status: string;
  message: string;
  labels: { name: string; value: string }[];
  /** By name, their text. */
  attachments: Record<string, string>;
}

interface Step {
  attachments: { name: string; source: string }[];
}

function allureResults(folder: string): Record<string, AllureResult> {
  const files = readdirSync(folder).filter((file) => file.endsWith('-result.json'));
  const all = files.map((file): AllureResult => {
    const { name, status, statusDetails, labels, steps } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    // Allure wraps an attachment in a step of its name.
    const attached = (steps as Step[]).flatMap(({ attachments }) => attachments);
    const texts = attached.map(({ name, source }) => [name, readFileSync(join(folder, source), 'utf8')]);
    const message = stripColours(statusDetails?.message ?? '');
    return { name, status, labels, message, attachments: Object.fromEntries(texts) };
  });
  return Object.fromEntries(all.map((result) => [result.name, result]));
}

/** Every failure of SOFT, with its frame, and the evidence. */
function expectComplete(xml: string): void {
  const cases = xml.split('<testcase ').slice(1);
  const caseOf = (name: string) => cases.find((text) => text.includes(name))!;
  const three = caseOf('two soft, one hard');
  expect(three.match(/<failure/g)).toHaveLength(3);
  for (const part of [
    'first',
    'toHaveRowCount(7',
    'hard &lt;&amp;&gt; last',
    'o-7',
    'a.test.js:5',
    'a.test.js:6',
    'a.test.js:7',
  ])
    expect(three).toContain(part);
  expect(caseOf('soft alone').match(/<failure/g)).toHaveLength(1);
  expect(caseOf('soft alone')).toContain('it went on');
  expect(caseOf('passes')).not.toContain('<failure');
}
