/** What tests see as `qa.cache`, on each real server that is here. */
import { describe, expect, test } from 'vitest';
import { asTest, failureOf } from '../../matchers/harness.ts';
import { PROGRAMS } from '../../support/redis.ts';
import { redisSuite } from './harness.ts';

describe.each(PROGRAMS)('$name', (program) => {
  const it = redisSuite(program, { keyPrefix: 'shop:', channels: ['news', 'orders.*'] });

  const passes = async (body: () => unknown) => {
    const { failures, thrown } = await asTest(body);
    if (thrown !== undefined) throw thrown;
    return failures.length === 0;
  };

  describe('keys', () => {
    test('the prefix is put before the names of handles, not before those of the client', async () => {
      await it.cache.seed({ a: 'x' });
      expect(await it.cache.client.get('shop:a')).toBe('x');
      expect(await it.cache.client.get('a')).toBeNull();
      expect(await it.cache.key('a').get()).toBe('x');
    });

    test('every type is seeded, read back and matched', async () => {
      await it.cache.seed({
        text: 'PAID',
        number: 42,
        big: 9_007_199_254_740_993n,
        bytes: Buffer.from([0xff, 0, 1]),
        hash: { total: '42', count: 3, raw: Buffer.from([0xfe]) },
        list: ['a', 'b', 1],
        set: new Set(['x', 'y']),
        zset: new Map([
          ['ann', 2.5],
          ['bob', Number.NEGATIVE_INFINITY],
        ]),
        json: it.cache.value({ id: 'o-1', items: [{ sku: 'a' }] }, { as: 'json' }),
        stream: it.cache.value([{ type: 'paid', id: 'o-1' }], { as: 'stream' }),
      });
      const get = (name: string, as?: string) => it.cache.key(name).get(as === undefined ? {} : { as });
      expect(await get('text')).toBe('PAID');
      expect(await get('number')).toBe('42');
      expect(await get('number', 'number')).toBe(42);
      expect(await get('big')).toBe('9007199254740993');
      expect(await get('bytes')).toEqual(Buffer.from([0xff, 0, 1]));
      expect(await get('text', 'bytes')).toEqual(Buffer.from('PAID'));
      expect(await get('hash')).toEqual({ total: '42', count: '3', raw: Buffer.from([0xfe]) });
      expect(await get('hash', 'number')).toEqual({ total: 42, count: 3, raw: Buffer.from([0xfe]) });
      expect(await get('list')).toEqual(['a', 'b', '1']);
      expect((await get('set')) as string[]).toEqual(expect.arrayContaining(['x', 'y']));
      expect(await get('zset')).toEqual({ ann: 2.5, bob: Number.NEGATIVE_INFINITY });
      expect(await get('json', 'json')).toEqual({ id: 'o-1', items: [{ sku: 'a' }] });
      expect(await get('stream')).toEqual([
        { id: expect.stringMatching(/^\d+-0$/), fields: { type: 'paid', id: 'o-1' } },
      ]);
      expect(await get('missing')).toBeUndefined();

      const { failures, thrown } = await asTest(async () => {
        await expect(it.cache.key('text')).toHaveEntry('PAID');
        await expect(it.cache.key('text')).not.toHaveEntry('PAI');
        await expect(it.cache.key('number')).toHaveEntry(42, { as: 'number' });
        await expect(it.cache.key('number')).not.toHaveEntry(42, { stays: 30 });
        await expect(it.cache.key('bytes')).toHaveEntry(Buffer.from([0xff, 0, 1]));
        await expect(it.cache.key('text')).toHaveEntry(new Uint8Array(Buffer.from('PAID')));
        await expect(it.cache.key('hash')).toHaveEntry({ total: '42' });
        await expect(it.cache.key('hash')).toHaveEntry({ total: 42, raw: Buffer.from([0xfe]) }, { as: 'json' });
        await expect(it.cache.key('list')).toHaveEntry(['a', 'b', '1']);
        await expect(it.cache.key('list')).not.toHaveEntry(['b', 'a', '1']);
        await expect(it.cache.key('set')).toHaveEntry(['y', 'x']);
        await expect(it.cache.key('zset')).toHaveEntry({ ann: 2.5 });
        await expect(it.cache.key('zset')).toHaveEntry(['bob', 'ann']);
        await expect(it.cache.key('json')).toHaveEntry({ items: [{ sku: 'a' }] }, { as: 'json' });
        await expect(it.cache.key('json')).toHaveEntry(expect.objectContaining({ id: 'o-1' }), { as: 'json' });
        await expect(it.cache.key('stream')).toHaveEntry([{ fields: { type: 'paid' } }]);
        await expect(it.cache.key('missing')).not.toHaveEntry(expect.anything());
      });
      expect(thrown).toBeUndefined();
      expect(failures).toEqual([]);
    });

    test('seeding replaces what was there, also of another type; times to live', async () => {
      await it.cache.seed({ a: ['x', 'y'], b: 'plain' }, { ttl: 60_000 });
      await it.cache.seed({ a: { f: '1' }, b: it.cache.value('short', { ttl: 5000 }) });
      expect(await it.cache.key('a').get()).toEqual({ f: '1' });
      expect(await it.cache.key('a').ttl()).toBeNull();
      expect(await it.cache.key('b').ttl()).toBeLessThanOrEqual(5000);
      expect(await it.cache.key('c').ttl()).toBeUndefined();
      expect(await it.cache.key('c').exists()).toBe(false);
      expect(
        await passes(() => expect(it.cache.key('b')).toHaveEntry('short', { ttl: { atLeast: 1, atMost: 5000 } })),
      ).toBe(true);
      expect(await passes(() => expect(it.cache.key('a')).toHaveEntry({ f: '1' }, { ttl: 'none' }))).toBe(true);
    });

    test.each([
      [{ a: { b: { c: 1 } } }, {}, /`a` holds an object in its field `b`.*as: 'json'/s],
      [{ a: undefined }, {}, /`a` is undefined, which no key can be/],
      [{ a: null }, {}, /`a` is null/],
      [{ a: [] }, {}, /`a` is an empty list/],
      [{ a: {} }, {}, /`a` is an empty hash/],
      [{ a: 'x' }, { ttl: 0 }, /the time to live 0/],
      [{ a: 'x' }, { as: 'hash' as const }, /`a` is a string, but is to be a hash/],
      [{ a: { m: 'x' } }, { as: 'zset' as const }, /gives `m` the score x/],
    ])('what cannot be stored is refused before anything is: %j', async (values, options, message) => {
      await expect(it.cache.seed({ ...values, before: 'x' }, options)).rejects.toThrow(message);
      expect(await it.cache.key('before').exists()).toBe(false);
    });

    test('a value that is not of the form it is asked for', async () => {
      await it.cache.seed({ a: 'hello' });
      await expect(it.cache.key('a').get({ as: 'json' })).rejects.toMatchObject({
        code: 'QA_DECODE',
        message: expect.stringContaining('it is no JSON'),
      });
      await expect(it.cache.key('a').get({ as: 'number' })).rejects.toThrow(/it is no number: 'hello'/);
      await expect(it.cache.key('a').get({ as: 'jsno' })).rejects.toThrow(/Known: json, number/);
      expect(() => it.cache.key('')).toThrow(/key\(\) needs a name/);
    });

    test('waitFor gives the value when it is there, and throws with what it saw when the time is up', async () => {
      setTimeout(() => void it.service.hset('shop:o', { total: '42', status: 'PAID' }), 50);
      expect(await it.cache.key('o').waitFor({ status: 'PAID' })).toEqual({ total: '42', status: 'PAID' });
      await expect(it.cache.key('o').waitFor({ status: 'NEW' }, { within: 50 })).rejects.toMatchObject({
        code: 'QA_WAIT_FAILED',
        message: expect.stringContaining("+ status: 'PAID'"),
      });
    });

    test('a change, a removal and an expiry wake a matcher', async () => {
      await it.cache.seed({ a: '1', gone: 'x', short: it.cache.value('x', { ttl: 200 }) });
      setTimeout(() => void it.service.incr('shop:a'), 80);
      setTimeout(() => void it.service.del('shop:gone'), 80);
      const { failures } = await asTest(() =>
        Promise.all([
          expect(it.cache.key('a')).toHaveEntry('2'),
          expect(it.cache.key('gone')).not.toHaveEntry(expect.anything()),
          expect(it.cache.key('short')).not.toHaveEntry(expect.anything(), { within: 3000 }),
        ]),
      );
      expect(failures).toEqual([]);
    });

    test('failures', async () => {
      await it.cache.seed({ 'order:o-1': { total: '41', status: 'PENDING' }, 'order:o-10': '{"total":1}', n: 42 });
      const server = (text: string) =>
        text.replaceAll(`:${it.server.port}`, ':‹port›').replaceAll(`-p ${it.server.port}`, '-p ‹port›');
      const failure = async (body: () => unknown) => server(await failureOf(body));
      expect(
        await failure(() =>
          expect(it.cache.key('order:o-1')).toHaveEntry({ total: '42', status: 'PENDING' }, { within: 150 }),
        ),
      ).toMatchInlineSnapshot(`
        "expect(qa.cache.key('order:o-1')).toHaveEntry({ total: '42', status: 'PENDING' })

        The key's hash is not as expected.

        Looked in  key shop:order:o-1 of qa.cache (redis://127.0.0.1:‹port›/0)
                   for ‹time›, ‹n› times
        Saw        hash of 2 fields, never expires
                   { total: '41', status: 'PENDING' }
                   differs (- expected, + received)
                   - total: '42'
                   + total: '41'
        History    total '41', all the time
        Look with  redis-cli -h 127.0.0.1 -p ‹port› HGETALL shop:order:o-1"
      `);
      expect(
        await failure(() => expect(it.cache.key('order:o-2')).toHaveEntry('x', { within: 30 })),
      ).toMatchInlineSnapshot(`
        "expect(qa.cache.key('order:o-2')).toHaveEntry('x')

        There is no such key.

        Looked in  key shop:order:o-2 of qa.cache (redis://127.0.0.1:‹port›/0)
                   for ‹time›, ‹n› times
        Saw        nothing; 2 other keys below \`shop:order:\`; near to it: shop:order:o-1
        History    no such key, all the time
        Look with  redis-cli -h 127.0.0.1 -p ‹port› GET shop:order:o-2"
      `);
      expect(
        await failure(() => expect(it.cache.key('order:o-10')).toHaveEntry({ total: 2 }, { within: 30 })),
      ).toContain("Hint       It is JSON text: to compare it as JSON write `{ as: 'json' }`");
      expect(await failure(() => expect(it.cache.key('n')).toHaveEntry(42, { within: 30 }))).toContain(
        "Hint       It is text: write '42', or `{ as: 'number' }`",
      );
      expect(
        await failure(() => expect(it.cache.key('order:o-1')).toHaveEntry({ total: 41 }, { within: 30 })),
      ).toContain("Hint       Fields of a hash are text: write total: '41', or `{ as: 'json' }`");
      await it.service.set('plain', 'x');
      expect(await failure(() => expect(it.cache.key('plain')).toHaveEntry('x', { within: 30 }))).toContain(
        'nothing; but there is a key `plain`, without the prefix `shop:`',
      );
    });
  });

  describe('keys by a pattern', () => {
    test('rows with key, type, time to live and value', async () => {
      await it.cache.seed({
        'order:1': { total: '1' },
        'order:2': it.cache.value('x', { ttl: 60_000 }),
        'user:1': 'u',
      });
      await it.service.set('foreign:order:1', 'x');
      const orders = it.cache.keys('order:*');
      expect(await orders.count()).toBe(2);
      expect((await orders.all()).sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
        { key: 'order:1', type: 'hash', ttl: null, value: { total: '1' } },
        { key: 'order:2', type: 'string', ttl: expect.any(Number), value: 'x' },
      ]);
      const { failures, thrown } = await asTest(async () => {
        await expect(orders).toHaveRowCount(2);
        await expect(orders).toHaveRowMatching({ key: 'order:1', value: { total: '1' } });
        await expect(orders).toHaveRowsMatching([{ type: 'hash' }, { key: 'order:2' }], { exactly: true });
        await expect(orders).not.toHaveRowMatching({ key: 'order:3' });
        await expect(it.cache.keys('order:[13]')).toHaveRowCount(1);
      });
      expect(thrown).toBeUndefined();
      expect(failures).toEqual([]);
      expect(
        await failureOf(() => expect(orders).toHaveRowMatching({ key: 'order:1', type: 'list' }, { within: 30 })),
      ).toContain("+ type: 'hash'");
      const { thrown: misuse } = await asTest(() =>
        expect(orders).toHaveRowMatching({ kye: 'x' } as never, { within: 30 }),
      );
      expect(misuse).toMatchObject({ code: 'QA_MISUSE', message: expect.stringContaining('Did you mean `key`?') });
    });

    test('thousands are walked over to the end, each once', async () => {
      const values: Record<string, string> = {};
      for (let index = 0; index < 5000; index += 1) values[`many:${index}`] = 'x';
      await it.cache.seed(values);
      expect(await it.cache.keys('many:*').count()).toBe(5000);
    });

    test('waitFor is woken by a new key', async () => {
      setTimeout(() => void it.service.set('shop:job:7', 'done'), 50);
      expect(await it.cache.keys('job:*').waitFor({ value: 'done' })).toMatchObject({ key: 'job:7' });
    });
  });

  describe('streams', () => {
    test('entries since the test began, by their fields', async () => {
      await it.service.xadd('shop:events', '*', 'type', 'old');
      await it.resetter.reset(AbortSignal.timeout(5000));
      await it.service.xadd('shop:events', '*', 'type', 'paid', 'id', 'o-1', 'total', '42');
      const events = it.cache.stream('events');
      expect(await events.messages()).toEqual([{ type: 'paid', id: 'o-1', total: '42' }]);
      expect(await it.cache.stream('events', { as: 'json' }).messages()).toEqual([
        { type: 'paid', id: 'o-1', total: 42 },
      ]);
      const { failures, thrown } = await asTest(async () => {
        await expect(events).toReceiveMessage({ type: 'paid' });
        await expect(events).toReceiveMessage({ type: 'old' }, { since: 'file' });
        await expect(events).not.toReceiveMessage({ type: 'old' }, { stays: 30 });
        await expect(events).toReceiveMessages([{ id: 'o-1' }], { exactly: true });
      });
      expect(thrown).toBeUndefined();
      expect(failures).toEqual([]);
    });

    test('ids that are no times: what came before the mark does not count once the stream is known', async () => {
      await it.service.xadd('shop:custom', '1-1', 'n', '1');
      await it.cache.stream('custom').messages();
      await it.resetter.reset(AbortSignal.timeout(5000));
      await it.service.xadd('shop:custom', '2-1', 'n', '2');
      expect(await it.cache.stream('custom').messages()).toEqual([{ n: '2' }]);
    });

    test('a new entry wakes a matcher, also of a stream that was not there', async () => {
      setTimeout(() => void it.service.xadd('shop:later', '*', 'type', 'paid'), 60);
      const start = performance.now();
      expect(await it.cache.stream('later').waitFor({ type: 'paid' })).toEqual({ type: 'paid' });
      expect(performance.now() - start).toBeLessThan(900);
    });

    test('a failure counts, shows the nearest, and tells of a stream that is missing', async () => {
      expect(
        await failureOf(() => expect(it.cache.stream('none')).toReceiveMessage({ type: 'x' }, { within: 30 })),
      ).toContain('there is no such stream');
      await it.service.xadd('shop:events', '*', 'type', 'refused', 'id', 'o-1');
      const text = await failureOf(() =>
        expect(it.cache.stream('events')).toReceiveMessage({ type: 'paid', id: 'o-1' }, { within: 30 }),
      );
      expect(text).toContain("- type: 'paid'");
      expect(text).toMatch(/entry \d+-0/);
      expect(text).toMatch(/Look with {2}redis-cli .* XRANGE shop:events - \+/);
    });

    test('misuse: another type, offsets', async () => {
      await it.cache.seed({ text: 'x' });
      const wrong = await asTest(() => expect(it.cache.stream('text')).toReceiveMessage({ a: 1 }));
      expect(wrong.thrown).toMatchObject({ code: 'QA_MISUSE', message: expect.stringContaining('is no stream') });
      const offsets = await asTest(() => expect(it.cache.stream('s')).toReceiveMessage({ a: 1 }, { since: { 0: 1 } }));
      expect(offsets.thrown).toMatchObject({ code: 'QA_MISUSE', message: expect.stringContaining('no partitions') });
    });
  });

  describe('channels', () => {
    test('what was published before the matcher looked counts, and what comes wakes it', async () => {
      await it.service.publish('news', 'paid');
      setTimeout(() => void it.service.publish('news', 'shipped'), 60);
      const news = it.cache.channel('news');
      const { failures, thrown } = await asTest(async () => {
        await expect(news).toReceiveMessage('paid');
        await expect(news).toReceiveMessage(expect.stringMatching(/^ship/));
        await expect(news).not.toReceiveMessage('refused', { stays: 30 });
        await expect(news).toReceiveMessages(['paid', 'shipped'], { inOrder: true, exactly: true });
      });
      expect(thrown).toBeUndefined();
      expect(failures).toEqual([]);
      expect(await news.messages()).toEqual(['paid', 'shipped']);
      expect(await news.waitFor('paid')).toBe('paid');
    });

    test('JSON, patterns, and the mark of a test', async () => {
      await it.service.publish('orders.eu', '{"id":"o-0"}');
      await it.resetter.reset(AbortSignal.timeout(5000));
      await it.service.publish('orders.eu', '{"id":"o-1","total":42}');
      await it.service.publish('orders.us', 'no JSON');
      const orders = it.cache.channel<{ id: string; total?: number }>('orders.*', { as: 'json' });
      const { failures, thrown } = await asTest(async () => {
        await expect(orders).toReceiveMessage({ id: 'o-1' });
        await expect(it.cache.channel('orders.us')).toReceiveMessage('no JSON');
        await expect(orders).toReceiveMessage({ id: 'o-0' }, { since: 'file' });
      });
      expect(thrown).toBeUndefined();
      expect(failures).toEqual([]);
      const text = await failureOf(() => expect(orders).toReceiveMessage({ id: 'o-0' }, { within: 30 }));
      expect(text).toContain("- message.id: 'o-0'");
      expect(text).toContain('it is no JSON');
    });

    test('a channel that is not in the config is refused', async () => {
      const { thrown } = await asTest(() => expect(it.cache.channel('other')).toReceiveMessage('x'));
      expect(thrown).toMatchObject({
        code: 'QA_MISUSE',
        message: expect.stringContaining("`channels: ['news', 'orders.*', 'other']` of `cache`"),
      });
    });
  });

  test('the client is the real one, and the addresses are there', async () => {
    expect(it.cache.url).toBe(it.server.url());
    expect(await it.cache.client.ping()).toBe('PONG');
    expect(new it.cache.driver({ lazyConnect: true }).status).toBe('wait');
  });
});
