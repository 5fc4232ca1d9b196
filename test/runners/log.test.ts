/** The log in both runners: below failed tests, streamed with QA_LOG, and in the file of the config. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { type JestRun, jest } from '../support/jest.ts';
import { type VitestRun, vitest, vitestConfig } from '../support/vitest.ts';

const CONFIG = `import { defineConfig, embedded, postgres } from '@qa/jest-preset';
export default defineConfig({
  connections: { db: postgres({ server: embedded({ schema: './schema.sql' }) }) },
  log: { file: 'qa.ndjson' },
});
`;

const SUITE = `
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test('fails', async () => {
  qa.log.info({ orderId: 'o-1', url: qa.db.url }, 'paying');
  await qa.db.seed('orders', [{ id: 'o-1' }]);
  await qa.db.transaction((tx) => tx.query('update orders set id = id'));
  qa.log.error(new TypeError('in the sandbox'));
  await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-2' }, { within: 100 });
});
test('passes', () => { qa.log.info('of another test'); });
test.concurrent('side a', async () => { qa.log.info('a1'); await later(20); qa.log.info('a2'); expect(1).toBe(2); });
test.concurrent('side b', async () => { qa.log.info('b1'); await later(10); qa.log.info('b2'); expect(1).toBe(2); });
test('hangs', { timeout: 300 }, async () => { await qa.db.query('select pg_sleep(20)').catch(() => undefined); await new Promise(() => {}); });
describe('hooks', () => {
  beforeAll(() => { qa.log.info('in beforeAll'); });
  beforeEach(() => { qa.log.info('in beforeEach'); });
  afterEach(() => { qa.log.info('in afterEach'); });
  test('fails', () => { expect(1).toBe(2); });
});
describe('blocked', () => {
  beforeAll(() => { qa.log.warn('on the way'); throw new Error('no set up'); });
  test('one', () => {});
});
`;
const RETRIED = {
  jest: `jest.retryTimes(1);\nlet n = 0;\ntest('retried', () => { n += 1; qa.log.info('attempt ' + n); expect(1).toBe(2); });\n`,
  vitest: `let n = 0;\ntest('retried', { retry: 1 }, () => { n += 1; qa.log.info('attempt ' + n); expect(1).toBe(2); });\n`,
};

const files = (runner: 'jest' | 'vitest', config = CONFIG) => ({
  'qa.config.ts': config,
  'schema.sql': 'create table orders (id text primary key);\n',
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };",
  ...vitestConfig('globals: true, maxWorkers: 2'),
  'log.test.js': SUITE,
  'retry.test.js': RETRIED[runner],
});

/** The block below a failure, a line each, without times and indentation. */
function block(messages: readonly string[] | undefined): string[] {
  const [, text = ''] = /qa\.log(?:, the last .*)?:\n((?: {2}.*\n?)+)/.exec(messages?.[0] ?? '') ?? [];
  return text
    .split('\n')
    .map((line) =>
      line
        .trim()
        .replace(/^([+-])\d+\.\d{3} s/, '$1')
        .replace(/\b\d+(\.\d+)? m?s\b/g, '‹time›')
        .replace(/, \d+ times/, ', ‹n› times'),
    )
    .filter(Boolean);
}

describe.each(['jest', 'vitest'] as const)('%s', (runner) => {
  let result: JestRun | VitestRun;
  let lines: Record<string, unknown>[];

  beforeAll(async () => {
    const folder = project(files(runner));
    const env = { QA_LOG: 'info' };
    result = await (runner === 'jest' ? jest(folder, ['--maxWorkers=2'], { env }) : vitest(folder, [], { env }));
    lines = readFileSync(join(folder, 'qa.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  });

  test('a failed test shows its lines, and those of its connections, at the end of its first failure', () => {
    expect(block(result.tests.fails?.messages)).toEqual([
      '+  debug  qa.db  reset in ‹time›',
      expect.stringMatching(/^\+ {2}info {10}paying {2}\{ orderId: 'o-1', url: 'postgres:.*' \}$/),
      expect.stringMatching(/^\+ {2}debug {2}qa\.db {2}query in ‹time› {2}\{ sql: 'insert into .*', rows: 1 \}$/),
      "+  debug  qa.db  query in ‹time›  { sql: 'begin' }",
      "+  debug  qa.db  query in ‹time›  { sql: 'update orders set id = id', rows: 1 }",
      "+  debug  qa.db  query in ‹time›  { sql: 'commit' }",
      '+  error         in the sandbox  { err: TypeError: in the sandbox }',
      "+  debug  qa.db  expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-2' }) failed in ‹time›, ‹n› times",
    ]);
  });

  test('each of two concurrent tests shows its own', () => {
    expect(block(result.tests['side a']?.messages).filter((line) => line.includes('info'))).toEqual(
      ['+  info   a1', '+  info   a2'].map((text) =>
        expect.stringMatching(text.replace(/ +/g, ' +').replace('+ +', '\\+ +')),
      ),
    );
    expect(block(result.tests['side b']?.messages).filter((line) => line.includes('info'))).toHaveLength(2);
  });

  test('what was under way when the time was up', () => {
    expect(block(result.tests.hangs?.messages).join('\n')).toMatch(/query (failed in|, under way).*pg_sleep/);
  });

  test('with hooks: beforeAll of the describe first', () => {
    const told = block(result.tests['hooks fails']?.messages).filter((line) => line.includes(' in '));
    expect(told.map((line) => /in (beforeAll|beforeEach|afterEach)/.exec(line)?.[1]).filter(Boolean)).toEqual([
      'beforeAll',
      'beforeEach',
      'afterEach',
    ]);
    expect(told[0]).toMatch(/^-/);
  });

  test('a beforeAll that fails shows what it logged', () => {
    expect(result.output).toMatch(/no set up\s+qa\.log:\s+[+-]\d+\.\d{3} s {2}warn {2,9}on the way/);
  });

  test('a retry shows its own attempt', () => {
    const { messages } = result.tests.retried!;
    const told = block(messages.slice(-1)).filter((line) => line.includes('attempt'));
    expect(told).toEqual([expect.stringContaining('attempt 2')]);
  });

  test('QA_LOG=info streams NDJSON where stderr is no terminal, from info on', () => {
    const streamed = result.output.split('\n').flatMap((line) => (/^\{"level"/.test(line) ? [JSON.parse(line)] : []));
    expect(streamed.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['paying', 'of another test', 'attempt 1', 'in beforeAll']),
    );
    expect(streamed.every(({ level }) => level >= 30)).toBe(true);
  });

  test('the file has all lines of all workers, each whole', () => {
    expect(new Set(lines.map(({ run }) => run)).size).toBe(1);
    expect(new Set(lines.map(({ file }) => file))).toEqual(new Set(['log.test.js', 'retry.test.js']));
    expect(lines.find(({ msg }) => msg === 'paying')).toMatchObject({
      level: 30,
      test: 'fails',
      orderId: 'o-1',
      worker: expect.any(String),
    });
    expect(lines.find(({ hook, msg }) => msg === 'in beforeEach' && hook)).toMatchObject({
      test: expect.stringMatching(/^hooks (> )?fails$/),
    });
    expect(lines.find(({ operation }) => operation === 'toHaveRowMatching')).toMatchObject({
      level: 20,
      connection: 'db',
      test: 'fails',
      ok: false,
      took: expect.any(Number),
      looks: expect.any(Number),
    });
    expect(lines.filter(({ level }) => Number(level) < 20)).toEqual([]);
  });
});

const TRIVIAL = { 'a.test.js': "test('a', () => {});" };

test('Jest: a level that there is not', async () => {
  const folder = project({ ...files('jest'), ...TRIVIAL });
  const { files: failed, code } = await jest(folder, ['a.test.js'], { env: { QA_LOG: 'debgu' } });
  expect(code).toBe(1);
  expect(failed['a.test.js']).toContain("QA_LOG is 'debgu', which is no level of the log. Did you mean `debug`?");
});

test('Vitest: a file that cannot be written', async () => {
  const folder = project({ ...files('vitest', CONFIG.replace('qa.ndjson', 'nowhere/qa.ndjson')), ...TRIVIAL });
  const { files: failed } = await vitest(folder, ['a.test.js']);
  expect(failed['a.test.js']).toContain('The log `nowhere/qa.ndjson`');
  expect(failed['a.test.js']).toContain('its folder does not exist');
});
