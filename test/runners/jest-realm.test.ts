/** What comes from drivers, which live outside of Jest's sandbox, behaves as the sandbox's own. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { jest } from '../support/jest.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const CONFIG = `
const { connection, defineBinding, defineConfig, fromEnv } = require('@qa/jest-preset');
const raw = defineBinding({
  kind: 'raw',
  driver: { name: 'pg', range: '>=8' },
  parse: ({ url }) => ({ url }),
  withAddress: (_, url) => ({ url }),
  describe: () => ({ address: 'raw://' }),
  async open({ url }, scope) { const { Pool } = await scope.driver(); return new Pool({ connectionString: url, max: 1 }); },
  health: async () => ({ version: '1', latency: 0, identity: '' }),
  close: (pool) => pool.end(),
  handle: (opened, scope) => ({
    get pool() { return opened().client; },
    get driver() { return opened().driver; },
    rows: async (sql) => scope.adopt((await opened().client.query(sql)).rows),
    adopt: scope.adopt,
    outer: () => ({ map: new Map([['a', new Date(0)]]), set: new Set([1]), re: /x/gi, list: [[1]], none: null,
      bytes: Buffer.from('ab'), floats: new Float32Array(1), bare: Object.assign(Object.create(null), { a: 1 }),
      error: new TypeError('bad'), many: new AggregateError([new RangeError('r')], 'm'), promise: Promise.resolve(1) }),
  }),
});
module.exports = defineConfig({ connections: { db: connection(raw, { url: fromEnv('URL_OF_DB') }) } });
`;
const BASE = { 'qa.config.cjs': CONFIG, 'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };" };

test('rows, values and errors are of the sandbox', async () => {
  const folder = project({
    ...BASE,
    'realm.test.ts': `
      const node = require('node:assert');
      test('rows', async () => {
        const [row] = await qa.db.rows("select 1 as n, now() as at, array[1, 2] as list, '{\\"a\\": [1]}'::jsonb as doc, 'x'::bytea as bytes, null as nothing");
        expect(row.at).toBeInstanceOf(Date);
        expect(row.at instanceof Date && row.list instanceof Array && row instanceof Object).toBe(true);
        expect(row).toStrictEqual({ n: 1, at: expect.any(Date), list: [1, 2], doc: { a: [1] }, bytes: Buffer.from('x'), nothing: null });
        node.deepStrictEqual(row.doc, { a: [1] });
        node.deepStrictEqual(row.list, [1, 2]);
      });
      test('errors', async () => {
        const bad = () => qa.db.pool.query('select bad');
        await expect(bad()).rejects.toThrow(Error);
        await expect(bad()).rejects.toBeInstanceOf(Error);
        await expect(bad()).rejects.toThrow(qa.db.driver.DatabaseError);
        await expect(bad()).rejects.toMatchObject({ code: '42703' });
        await bad().catch((error) => {
          expect(error).toEqual(expect.any(Error));
          expect(error instanceof TypeError).toBe(false);
          class Own extends Error {}
          expect(error instanceof Own).toBe(false);
        });
      });
      test('errors of this package', async () => {
        const { QaError, isQaError } = require('@qa/jest-preset');
        expect(() => qa.state.require('nothing')).toThrow(QaError);
        expect(() => qa.state.require('nothing')).toThrow(Error);
        expect(new Error('x') instanceof QaError).toBe(false);
        class Special extends QaError {}
        const thrown = (() => { try { qa.state.require('nothing'); } catch (error) { return error; } })();
        expect([thrown instanceof Special, isQaError(thrown), thrown.code]).toEqual([false, true, 'QA_STATE']);
      });
      test('adopted', () => {
        const { adopt } = qa.db;
        const outer = qa.db.outer();
        const inner = adopt(outer);
        expect(inner.map).toStrictEqual(new Map([['a', new Date(0)]]));
        expect(Object.getPrototypeOf(inner.map)).toBe(Map.prototype);
        expect(Object.getPrototypeOf(inner.list)).toBe(Array.prototype);
        expect(Object.getPrototypeOf(inner.bare)).toBe(null);
        expect(inner.set).toStrictEqual(new Set([1]));
        expect([inner.re.source, inner.re.flags, inner.re instanceof RegExp]).toEqual(['x', 'gi', true]);
        expect(inner.bytes).toBe(outer.bytes);
        expect(inner.floats).toBeInstanceOf(Float32Array);
        expect(() => { throw inner.error; }).toThrow(TypeError);
        expect(inner.error).toBeInstanceOf(Error);
        expect(inner.error instanceof RangeError).toBe(false);
        expect(inner.many).toBeInstanceOf(AggregateError);
        expect(inner.many.errors[0]).toBeInstanceOf(RangeError);
        expect(inner.promise).toBeInstanceOf(Promise);
        const loop: any = qa.db.outer(); loop.self = loop; loop.list.push(loop);
        expect(adopt(loop).self.self.list[1].none).toBe(null);
        expect([adopt(1), adopt('a'), adopt(null), adopt(undefined)]).toEqual([1, 'a', null, undefined]);
      });
      test('dates under fake timers', async () => {
        jest.useFakeTimers({ now: 0, doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
        const [{ at }] = await qa.db.rows('select now() as at');
        jest.useRealTimers();
        expect(at).toBeInstanceOf(Date);
        expect(at.getFullYear()).toBeGreaterThan(2020);
      });`,
  });
  for (const node of ['newer', 'system'] as const) {
    const result = await jest(folder, [], { node, env: { URL_OF_DB: server.url() } });
    expect(result.code, result.output).toBe(0);
  }
});

test('importing the driver gives the module that the connection uses', async () => {
  const folder = project({
    ...BASE,
    'service.js': "const { Pool } = require('pg');\nexports.Pool = Pool;",
    'a.test.ts': `
      import pg, { Pool } from 'pg';
      import { Pool as Served } from './service.js';
      test('import', () => { expect(pg.Pool).toBe(Pool); expect(qa.db.pool).toBeInstanceOf(Pool); expect(pg).toBe(qa.db.driver); });
      test('in service code', () => { expect(Served).toBe(Pool); });
      test('after a reset of modules', () => {
        jest.resetModules();
        expect(require('pg').Pool).toBe(Pool);
        jest.isolateModules(() => expect(require('pg').Pool).toBe(Pool));
      });
      test('dynamic', async () => { expect((await import('pg')).Pool).toBe(Pool); });`,
    'b.test.js': `
      const { Pool } = require('pg');
      test('in a second file', async () => { expect(qa.db.pool).toBeInstanceOf(Pool); expect(await qa.db.rows('select 1 as n')).toEqual([{ n: 1 }]); });`,
    'mocked.test.js': `
      jest.mock('pg');
      const { Pool } = require('pg');
      test('a mock of one\\'s own wins', () => { expect(jest.isMockFunction(Pool)).toBe(true); expect(qa.db.pool).not.toBeInstanceOf(Pool); });`,
    'factory.test.js': `
      jest.mock('pg', () => ({ Pool: 'mine' }));
      test('a factory too', () => { expect(require('pg').Pool).toBe('mine'); });`,
    'esm.test.mjs': `
      import pg, { Client } from 'pg';
      test('native ESM', async () => { expect(Client).toBe(pg.Client); expect(qa.db.pool).toBeInstanceOf(pg.Pool); expect((await import('pg')).default.Pool).toBe(pg.Pool); });`,
  });
  const env = { URL_OF_DB: server.url(), NODE_OPTIONS: '--experimental-vm-modules' };
  const result = await jest(folder, ['-i', '--testMatch', '**/*.test.?(m)[jt]s'], { env });
  expect(result.code, result.output).toBe(0);
  expect(Object.keys(result.tests)).toHaveLength(8);
});
