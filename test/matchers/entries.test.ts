/** Matchers of entries: what matches, how they wait and are woken, what a failure and a misuse say. */
import { describe, expect, test } from 'vitest';
import { QaError } from '../../bindings/core/errors.ts';
import { plural } from '../../matchers/print.ts';
import { waitForRow } from '../../matchers/wait-for.ts';
import { entryStore } from './entry-source.ts';
import { asTest, failureOf } from './harness.ts';

const hash = (value: Record<string, unknown>) => ({
  type: 'hash',
  value,
  size: plural(Object.keys(value).length, 'field'),
});
const fast = { within: 30 };

async function passes(body: () => unknown): Promise<boolean> {
  const { failures, thrown } = await asTest(body);
  if (thrown !== undefined) throw thrown;
  return failures.length === 0;
}

describe('what matches', () => {
  test.each([
    ['a partial hash', hash({ total: '42', status: 'PAID' }), { total: '42' }, true],
    ['text is no number', hash({ total: '42' }), { total: 42 }, false],
    [
      'a nested partial',
      { type: 'record', value: { a: { b: 1, c: [1, { d: 2, e: 3 }] } } },
      { a: { c: [1, { d: 2 }] } },
      true,
    ],
    ['exact text', { type: 'string', value: '42' }, '42', true],
    ['text and a number', { type: 'string', value: '42' }, 42, false],
    ['text that only contains it', { type: 'string', value: '42' }, '4', false],
    ['an asymmetric matcher', { type: 'string', value: '42' }, expect.stringMatching(/^\d+$/), true],
    ['a list in order', { type: 'list', value: ['a', 'b'] }, ['a', 'b'], true],
    ['a list in another order', { type: 'list', value: ['a', 'b'] }, ['b', 'a'], false],
    ['a longer list', { type: 'list', value: ['a', 'b'] }, ['a'], false],
    ['a set in any order', { type: 'set', value: ['a', 'b'], unordered: true }, ['b', 'a'], true],
    ['a set as a Set', { type: 'set', value: ['a', 'b'], unordered: true }, new Set(['b', 'a']), true],
    ['a set and a smaller one', { type: 'set', value: ['a', 'b'], unordered: true }, ['b'], false],
    [
      'a set by matchers, paired as they fit',
      { type: 'set', value: ['a1', 'b'], unordered: true },
      [expect.any(String), expect.stringMatching(/^a/)],
      true,
    ],
    ['a sorted set by score', { type: 'zset', value: { a: 1, b: 2 }, list: ['a', 'b'] }, { b: 2 }, true],
    ['a sorted set by order', { type: 'zset', value: { a: 1, b: 2 }, list: ['a', 'b'] }, ['a', 'b'], true],
    [
      'a sorted set in part',
      { type: 'zset', value: { a: 1, b: 2 }, list: ['a', 'b'] },
      expect.arrayContaining(['b']),
      true,
    ],
    ['null', { type: 'json', value: null }, null, true],
    ['an unreadable value', { type: 'string', value: undefined, unreadable: 'not JSON' }, expect.anything(), false],
  ])('%s', async (_, entry, expected, matches) => {
    const { source } = entryStore(entry);
    expect(await passes(() => expect(source).toHaveEntry(expected, fast))).toBe(matches);
    expect(await passes(() => expect(source).not.toHaveEntry(expected, fast))).toBe(!matches);
  });

  test.each([
    [{ ttl: { atMost: 60_000 } }, 59_000, true],
    [{ ttl: { atMost: 60_000 } }, 61_000, false],
    [{ ttl: { atMost: 60_000 } }, null, false],
    [{ ttl: { atLeast: 60_000 } }, 61_000, true],
    [{ ttl: { atLeast: 60_000 } }, null, true],
    [{ ttl: 'none' as const }, null, true],
    [{ ttl: 'none' as const }, 5, false],
  ])('%j of an entry whose time to live is %s', async (options, ttl, matches) => {
    const { source } = entryStore({ type: 'string', value: 'x', ttl });
    expect(await passes(() => expect(source).toHaveEntry('x', { ...options, ...fast }))).toBe(matches);
  });

  test.each([
    [3, 3, true],
    [3, 4, false],
    [{ atLeast: 2 }, 4, true],
    [{ atLeast: 2, atMost: 3 }, 4, false],
  ])('generation %j of an entry of generation %s', async (generation, actual, matches) => {
    const { source } = entryStore({ type: 'record', value: { n: 1 }, generation: actual }, { facts: ['generation'] });
    expect(await passes(() => expect(source).toHaveEntry({ n: 1 }, { generation, ...fast }))).toBe(matches);
  });

  test("the source's own equality counts, at any depth", async () => {
    const equal = (actual: unknown, expected: unknown) =>
      typeof expected === 'bigint' ? String(actual) === String(expected) : undefined;
    const { source } = entryStore({ type: 'record', value: { n: 1, list: [2] } }, { equal });
    expect(await passes(() => expect(source).toHaveEntry({ n: 1n, list: [2n] }, fast))).toBe(true);
    expect(await passes(() => expect(source).toHaveEntry({ n: 2n }, fast))).toBe(false);
  });
});

describe('how it waits', () => {
  test('a look that passes is the only one, and nothing is watched', async () => {
    const store = entryStore({ type: 'string', value: 'x' });
    await asTest(() => expect(store.source).toHaveEntry('x'));
    expect(store).toMatchObject({ reads: 1 });
    expect(store.watchers.size).toBe(0);
  });

  test('a change wakes it, and it does not poll meanwhile', async () => {
    const store = entryStore();
    setTimeout(() => store.set({ type: 'string', value: 'x' }), 150);
    expect(await passes(() => expect(store.source).toHaveEntry('x'))).toBe(true);
    // One at once, one when the watch stood, one at the change; polling would have looked a dozen times.
    expect(store.reads).toBe(3);
    expect(store.watchers.size).toBe(0);
  });

  test('what changed before the watch stood is found as soon as it does', async () => {
    const store = entryStore();
    const { source } = entryStore(undefined, {
      async read() {
        return store.entry;
      },
      async watch() {
        store.entry = { type: 'string', value: 'x' };
        return true;
      },
    });
    const start = performance.now();
    expect(await passes(() => expect(source).toHaveEntry('x', { within: 5000 }))).toBe(true);
    expect(performance.now() - start).toBeLessThan(200);
  });

  test('where the store cannot tell, it polls', async () => {
    const store = entryStore(undefined, { tells: false });
    setTimeout(() => store.set({ type: 'string', value: 'x' }), 100);
    expect(await passes(() => expect(store.source).toHaveEntry('x'))).toBe(true);
    expect(store.reads).toBeGreaterThan(3);
  });

  test('where watching fails, it polls', async () => {
    const store = entryStore(undefined, { watch: () => Promise.reject(new Error('no')) });
    setTimeout(() => store.set({ type: 'string', value: 'x' }), 100);
    expect(await passes(() => expect(store.source).toHaveEntry('x'))).toBe(true);
  });

  test('`.not` waits until it is gone; `stays` is broken by a change at once', async () => {
    const store = entryStore({ type: 'string', value: 'x' });
    setTimeout(() => store.set(undefined), 60);
    expect(await passes(() => expect(store.source).not.toHaveEntry('x'))).toBe(true);
    setTimeout(() => store.set({ type: 'string', value: 'x' }), 60);
    const start = performance.now();
    expect(await passes(() => expect(store.source).not.toHaveEntry('x', { stays: 5000 }))).toBe(false);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  test('waitFor gives the value, and throws when the time is up', async () => {
    const { source } = entryStore(hash({ total: '42', status: 'PAID' }));
    const wait = () => undefined;
    expect(await waitForRow(source, { total: '42' }, undefined, wait)).toEqual({ total: '42', status: 'PAID' });
    await expect(waitForRow(source, { total: '1' }, fast, wait)).rejects.toMatchObject({ code: 'QA_WAIT_FAILED' });
  });
});

describe('what a failure says', () => {
  test('no such entry', async () => {
    const { source } = entryStore();
    expect(await failureOf(() => expect(source).toHaveEntry({ total: '42' }))).toMatchInlineSnapshot(`
      "expect(qa.cache.key('order:o-1')).toHaveEntry({ total: '42' })

      There is no such key.

      Looked in  key order:o-1 of qa.cache (memory)
                 for ‹time›, ‹n› times
      Saw        nothing; near to it: order:o-2
      History    no such key, all the time
      Look with  cli GET order:o-1"
    `);
  });

  test('fields that differ, and how that changed', async () => {
    const store = entryStore();
    setTimeout(() => store.set({ ...hash({ total: '41', status: 'PENDING', id: 'o-1' }), ttl: 59_000 }), 150);
    expect(
      await failureOf(() =>
        expect(store.source).toHaveEntry({ id: 'o-1', total: '42' }, { ttl: { atMost: 10_000 }, within: 400 }),
      ),
    ).toMatchInlineSnapshot(`
      "expect(qa.cache.key('order:o-1')).toHaveEntry({ id: 'o-1', total: '42' }, { ttl: { atMost: 10000 } })

      The key's hash is not as expected.

      Looked in  key order:o-1 of qa.cache (memory)
                 for ‹time›, ‹n› times
      Saw        hash of 3 fields, expires in ‹time›
                 { total: '41', status: 'PENDING', id: 'o-1' }
                 differs (- expected, + received)
                 - total: '42'
                 + total: '41'
                 - ttl: at most ‹time›
                 + ttl: expires in ‹time›
      History    no such key until ‹time›
                 total '41', ttl expires in ‹time› since ‹time›
      Look with  cli GET order:o-1"
    `);
  });

  test('items of a set', async () => {
    const { source } = entryStore({ type: 'set', value: ['a', 'b', 'c'], unordered: true, size: '3 members' });
    expect(await failureOf(() => expect(source).toHaveEntry(['c', 'd'], fast))).toMatchInlineSnapshot(`
      "expect(qa.cache.key('order:o-1')).toHaveEntry([ 'c', 'd' ])

      The key's set is not as expected.

      Looked in  key order:o-1 of qa.cache (memory)
                 for ‹time›, ‹n› times
      Saw        set of 3 members
                 [ 'a', 'b', 'c' ]
                 differs (- expected, + received)
                 - 'd'
                 + 'a'
                 + 'b'
      History    1 item missing, 2 items too many, all the time
      Look with  cli GET order:o-1"
    `);
  });

  test('a hint of the source', async () => {
    const { source } = entryStore(
      { type: 'string', value: '42' },
      { hint: () => "It is text: write '42', or `{ as: 'number' }`" },
    );
    expect(await failureOf(() => expect(source).toHaveEntry(42, fast))).toMatchInlineSnapshot(`
      "expect(qa.cache.key('order:o-1')).toHaveEntry(42)

      The key's string is not as expected.

      Looked in  key order:o-1 of qa.cache (memory)
                 for ‹time›, ‹n› times
      Saw        string
                 '42'
                 differs (- expected, + received)
                 - value: 42
                 + value: '42'
      Hint       It is text: write '42', or \`{ as: 'number' }\`
      History    '42', all the time
      Look with  cli GET order:o-1"
    `);
  });

  test('what cannot be read as asked for', async () => {
    const { source } = entryStore({ type: 'string', value: undefined, unreadable: "it is not JSON: 'hello'" });
    expect(await failureOf(() => expect(source).toHaveEntry({ a: 1 }, { as: 'json', ...fast }))).toMatchInlineSnapshot(`
      "expect(qa.cache.key('order:o-1')).toHaveEntry({ a: 1 }, { as: 'json' })

      The key cannot be read as json.

      Looked in  key order:o-1 of qa.cache (memory)
                 for ‹time›, ‹n› times
      Saw        string
                 it is not JSON: 'hello'
      History    not readable, all the time
      Look with  cli GET order:o-1"
    `);
  });

  test('`.not`', async () => {
    const { source } = entryStore(hash({ total: '42' }));
    expect(await failureOf(() => expect(source).not.toHaveEntry(expect.anything(), fast))).toMatchInlineSnapshot(`
      "expect(qa.cache.key('order:o-1')).not.toHaveEntry(Anything)

      The key still matches.

      Looked in  key order:o-1 of qa.cache (memory)
                 for ‹time›, ‹n› times
      Saw        hash of 1 field
                 { total: '42' }
      History    it matches, all the time
      Look with  cli GET order:o-1"
    `);
  });

  test('a connection that was lost', async () => {
    const store = entryStore();
    store.broken = new QaError('QA_CONNECTION_LOST', {
      what: 'The server is away',
      mend: 'Start it',
      connection: 'cache',
    });
    expect(await failureOf(() => expect(store.source).toHaveEntry('x', fast))).toMatchInlineSnapshot(`
      "expect(qa.cache.key('order:o-1')).toHaveEntry('x')

      The connection was lost and did not come back in time.

      Looked in  key order:o-1 of qa.cache (memory)
                 for ‹time›, ‹n› times
      History    no answer, all the time
      Last error qa.cache: The server is away. Start it.
      Look with  cli GET order:o-1"
    `);
  });
});

test.each<[string, (source: never) => unknown, RegExp]>([
  [
    'a wrong subject',
    () => expect({ a: 1 } as never).toHaveEntry('x' as never),
    /needs a source of an entry, but received an object.*`qa\.cache\.key\('…'\)`|`qa\.<connection>\.key/s,
  ],
  [
    'a promise',
    () => expect(Promise.resolve('x') as never).toHaveEntry('x' as never),
    /received a Promise.*without `\.get\(\)`/s,
  ],
  [
    'undefined',
    (source) => expect(source).not.toHaveEntry(undefined as never),
    /is undefined, which no key can have.*\.not\.toHaveEntry\(expect\.anything\(\)\)/s,
  ],
  [
    'undefined inside',
    (source) => expect(source).not.toHaveEntry({ a: [1, undefined] } as never),
    /`a\[1\]` of the expected value is undefined/,
  ],
  [
    'an empty object',
    (source) => expect(source).not.toHaveEntry({} as never),
    /is an empty object, which every object matches.*at least one field/s,
  ],
  [
    'an unknown option',
    (source) => expect(source).toHaveEntry('x' as never, { tll: { atMost: 1 } } as never),
    /unknown option `tll`.*`ttl`/s,
  ],
  [
    'an unknown form',
    (source) => expect(source).toHaveEntry('x' as never, { as: 'jsno' }),
    /`as` cannot be 'jsno'.*`json`/s,
  ],
  [
    'a time to live that is a number',
    (source) => expect(source).toHaveEntry('x' as never, { ttl: 5 } as never),
    /`ttl` cannot be 5.*atMost/s,
  ],
  [
    'a fact that is not known',
    (source) => expect(source).toHaveEntry('x' as never, { generation: 1 }),
    /`generation` is not known of a key/,
  ],
])('misuse is thrown at once, also behind `.not`: %s', async (_, body, message) => {
  const { source } = entryStore();
  const { failures, thrown } = await asTest(() => body(source as never));
  expect(failures).toEqual([]);
  expect(thrown).toMatchObject({ code: 'QA_MISUSE', message: expect.stringMatching(message) });
});
