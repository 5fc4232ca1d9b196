/** The cache in both runners: the code of the docs word for word, throwaway servers, and a server that misbehaves. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { project, run } from '../support/consumer.ts';
import { jest } from '../support/jest.ts';
import { ANY, startRedis, type TestRedis } from '../support/redis.ts';
import { vitest } from '../support/vitest.ts';

const RUNNERS = { jest, vitest };
const FILES = {
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };",
  'vitest.config.mts':
    "import { qaPreset } from '@qa/jest-preset/vitest';\nexport default { plugins: [qaPreset()], test: { globals: true } };\n",
};
/** The address is another server's: QA_CACHE_URL replaces it. */
const LENT = {
  ...FILES,
  'qa.config.ts': `
    import { defineConfig, dragonfly } from '@qa/jest-preset';
    const config = defineConfig({
      connections: {
        cache: dragonfly({ url: 'redis://127.0.0.1:6379/0', keyPrefix: 'shop:', channels: ['news'] }),
      },
      openTimeout: 1500,
    });
    export default config;
    declare module '@qa/jest-preset' { interface Register { config: typeof config } }`,
};
const EMBEDDED = {
  ...FILES,
  'qa.config.ts': `
    import { defineConfig, embedded, redis } from '@qa/jest-preset';
    const config = defineConfig({ connections: { cache: redis({ server: embedded(), keyPrefix: 'shop:', channels: ['news'] }) } });
    export default config;
    declare module '@qa/jest-preset' { interface Register { config: typeof config } }`,
};
/** As a service writes: another connection. */
const SERVICE = `
  import { Redis } from 'ioredis';
  let service: Redis;
  beforeAll(() => { service = new Redis(qa.cache.url); });
  afterAll(() => service.disconnect());
`;
const WORD_FOR_WORD = `${SERVICE}
  test('a hash', async () => {
    await service.hset('shop:order:o-1', { id: 'o-1', total: '42' });
    await expect(qa.cache.key('order:o-1')).toHaveEntry({ total: '42' });          // hash
    await service.del('shop:order:o-1');
  });
  test('JSON', async () => {
    setTimeout(() => service.set('shop:order:o-1', JSON.stringify({ id: 'o-1', total: 42 }), 'PX', 60_000), 50);
    await expect(qa.cache.key('order:o-1')).toHaveEntry(expect.objectContaining({ id: 'o-1' }), { as: 'json', ttl: { atMost: 60_000 } });
  });
  test('a stream', async () => {
    setTimeout(() => service.xadd('shop:events', '*', 'type', 'paid'), 50);
    await expect(qa.cache.stream('events')).toReceiveMessage({ type: 'paid' });    // woken by XREAD
  });
  test('a channel', async () => {
    await service.publish('news', 'paid');
    await expect(qa.cache.channel('news')).toReceiveMessage('paid');               // pub/sub, recorded from file open for channels named in the config
    await expect(qa.cache.channel('news')).not.toReceiveMessage('refused', { stays: 20 });
  });
`;

describe.skipIf(ANY === undefined)('with a real server', () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  beforeEach(() => server.run('FLUSHALL'));

  describe.each(['jest', 'vitest'] as const)('%s', (runner) => {
    const runs = RUNNERS[runner];
    const inBand = runner === 'jest' ? ['-i', '--detectOpenHandles'] : ['--no-file-parallelism'];

    test('the code of the docs, word for word, and its types', async () => {
      const types = {
        jest: ['node', 'jest', '@qa/jest-preset/jest'],
        vitest: ['node', 'vitest/globals', '@qa/jest-preset/vitest'],
      };
      const folder = project({
        ...LENT,
        'cache.test.ts': WORD_FOR_WORD,
        'tsconfig.json': JSON.stringify({
          compilerOptions: {
            strict: true,
            noEmit: true,
            module: 'nodenext',
            target: 'es2023',
            skipLibCheck: true,
            types: types[runner],
          },
          include: ['cache.test.ts', 'qa.config.ts'],
        }),
      });
      const result = await runs(folder, inBand, { env: { QA_CACHE_URL: server.url() } });
      expect(result.code, result.output).toBe(0);
      expect(Object.keys(result.tests)).toHaveLength(4);
      expect(result.output).toContain('nothing is reset: redis://127.0.0.1');
      expect(result.output).not.toContain('open handle');
      expect(await run(folder, 'tsc', ['-p', '.'])).toEqual({ code: 0, output: '' });
    });

    test('a throwaway server: the baseline of beforeAll comes back, files and workers do not meet', async () => {
      const file = (name: string) => `${SERVICE}
        beforeAll(() => qa.cache.seed({ seed: { by: '${name}' } }));
        test('writes', async () => {
          await service.hset('shop:seed', 'by', 'a test');
          await service.set('shop:new', '${name}');
          await service.publish('news', '${name}');
          await expect(qa.cache.key('new')).toHaveEntry('${name}');
          await expect(qa.cache.channel('news')).toReceiveMessages(['${name}'], { exactly: true });
        });
        test('starts from what beforeAll wrote', async () => {
          await expect(qa.cache.keys('*')).toHaveRowsMatching([{ key: 'seed', value: { by: '${name}' } }], { exactly: true });
          expect(await qa.cache.channel('news').messages()).toEqual([]);
        });`;
      const folder = project({
        ...EMBEDDED,
        ...Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`${name}.test.ts`, file(name)])),
      });
      for (const args of [inBand, ['--maxWorkers=2']]) {
        const result = await runs(folder, args);
        expect(result.code, result.output).toBe(0);
        expect(result.output).not.toMatch(/open handle|did not exit/);
      }
    });

    test('failures are soft, framed at their lines, and say what to look at', async () => {
      const folder = project({
        ...EMBEDDED,
        'fails.test.js': `
          test('fails', async () => {
            await qa.cache.seed({ 'order:o-1': { total: '41' } });
            await expect(qa.cache.key('order:o-1')).toHaveEntry({ total: '42' }, { within: 50 });
            await expect(qa.cache.stream('events')).toReceiveMessage({ type: 'paid' }, { within: 50 });
            await expect(qa.cache.channel('news')).toReceiveMessage('paid', { within: 50 });
          });
          test('misuse', async () => { await expect(qa.cache.key('a')).toHaveEntry({}); });
          test('not recorded', async () => { await expect(qa.cache.channel('other')).toReceiveMessage('x'); });`,
      });
      const result = await runs(folder, inBand);
      expect(result.code).toBe(1);
      const { messages } = result.tests.fails!;
      expect(messages).toHaveLength(3);
      for (const [index, message] of messages.entries())
        expect(message).toMatch(new RegExp(`fails\\.test\\.js:${index + 4}:`));
      expect(messages[0]).toContain("- total: '42'");
      expect(messages[0]).toMatch(/redis-cli -h 127\.0\.0\.1 -p \d+ --askpass HGETALL shop:order:o-1/);
      expect(messages[1]).toContain('there is no such stream');
      expect(messages[2]).toContain('no messages at all');
      expect(result.tests.misuse!.messages[0]).toContain('is an empty object, which every object matches');
      expect(result.tests['not recorded']!.messages[0]).toContain("`channels: ['news', 'other']` of `cache`");
    });

    test('a server that is down: one error that names it, for each file', async () => {
      const folder = project({ ...LENT, 'a.test.js': "test('never runs', () => undefined);" });
      const result = await runs(folder, inBand, { env: { QA_CACHE_URL: 'redis://app:pass-word-1@127.0.0.1:1/0' } });
      expect(result.code).toBe(1);
      expect(result.output).toContain(
        'qa.cache (redis://app@127.0.0.1:1/0): Nothing listens there: the connection was refused. Start the server, or correct host and port.',
      );
      expect(result.output).not.toContain('pass-word-1');
    });

    test('one that is killed in the midst of a test and comes back: the next file works', async () => {
      await using own = await startRedis();
      const folder = project({
        ...LENT,
        'a.test.js': `
          test('is cut off', async () => {
            await qa.cache.client.set('shop:a', '1');
            process.kill(${'Number(/process_id:(\\d+)/.exec(await qa.cache.client.info("server"))[1])'}, 'SIGKILL');
            await expect(qa.cache.key('a')).toHaveEntry('1', { within: 400, soft: false });
          });`,
        'b.test.js':
          "test('works', async () => { await qa.cache.client.set('shop:b', '1'); await expect(qa.cache.key('b')).toHaveEntry('1'); });",
      });
      const env = { QA_CACHE_URL: own.url() };
      const first = await runs(folder, [...inBand, 'a.test'], { env });
      expect(first.tests['is cut off']!.messages[0]).toMatch(
        /The connection was lost and did not come back in time[\s\S]*Last error qa\.cache \(redis:\/\/127\.0\.0\.1:\d+\/0\)/,
      );
      await own.start();
      const second = await runs(folder, [...inBand, 'b.test'], { env });
      expect(second.code, second.output).toBe(0);
    });
  });
});
