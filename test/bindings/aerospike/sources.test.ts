/** Records as entries, sets as rows, seeding: on the server that the suite runs on. */
import aerospike from 'aerospike';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EntryObserver } from '../../../bindings/core/entries.ts';
import { type RowObserver, SOURCE } from '../../../bindings/core/source.ts';
import { type AerospikeHandle, binding } from '../../../bindings/databases/aerospike/index.ts';
import { AEROSPIKE, type TestAerospike, useAerospike } from '../../support/aerospike.ts';
import { type OpenConnection, openBinding } from '../../support/scope.ts';

const signal = AbortSignal.timeout(60_000);
let server: TestAerospike;
let open: OpenConnection<aerospike.Client, AerospikeHandle>;
let profiles: AerospikeHandle;

beforeAll(async () => {
  server = await useAerospike();
  open = await openBinding(binding, { hosts: server.hosts, namespace: 'test' }, { connection: 'profiles' });
  profiles = open.handle;
});
beforeEach(async () => {
  await profiles.client.truncate('test', 'qa_users', 0);
  await expect.poll(() => profiles.set('qa_users').count()).toBe(0);
});
afterAll(async () => {
  await profiles?.client.truncate('test', 'qa_users', 0);
  await open?.[Symbol.asyncDispose]();
  await server?.stop();
});

const entry = (set: string, id: string | number) => profiles.key(set, id)[SOURCE] as EntryObserver;
const rows = (set: string) => profiles.set(set)[SOURCE] as RowObserver;
const read = (set: string, id: string | number) =>
  entry(set, id).read({ as: undefined, facts: ['ttl', 'generation'], signal });

describe(`a record on ${AEROSPIKE}`, () => {
  test('is its bins, with generation and time to live in ms', async () => {
    expect(await read('qa_users', 'u-1')).toBeUndefined();
    await profiles.seed('qa_users', { 'u-1': { name: 'Ann', visits: 3 } }, { ttl: 1000 });
    const found = await read('qa_users', 'u-1');
    expect(found).toMatchObject({ type: 'record', value: { name: 'Ann', visits: 3 }, generation: 1 });
    expect(found!.ttl).toBeGreaterThan(990_000);
    await profiles.seed('qa_users', { 'u-1': { name: 'Ben' } });
    const again = await read('qa_users', 'u-1');
    expect(again).toMatchObject({ value: { name: 'Ben' }, generation: 2 });
    expect(again!.value).not.toHaveProperty('visits');
  });

  test('one that never expires says so', async () => {
    await profiles.seed('qa_users', { 'u-1': { name: 'Ann' } }, { ttl: aerospike.ttl.NEVER_EXPIRE });
    expect((await read('qa_users', 'u-1'))!.ttl).toBeNull();
  });

  test('get gives its bins or undefined', async () => {
    expect(await profiles.key('qa_users', 1).get()).toBeUndefined();
    await profiles.seed('qa_users', new Map([[1, { n: 1 }]]));
    expect(await profiles.key('qa_users', 1).get()).toEqual({ n: 1 });
  });

  test('texts, numbers and bytes are keys', async () => {
    const bytes = Buffer.from([1, 2]);
    await profiles.seed(
      'qa_users',
      new Map<string | number | bigint | Uint8Array, object>([
        ['1', { is: 'text' }],
        [1, { is: 'number' }],
        [2n ** 60n, { is: 'large' }],
        [bytes, { is: 'bytes' }],
      ]) as never,
    );
    expect(await profiles.key('qa_users', '1').get()).toEqual({ is: 'text' });
    expect(await profiles.key('qa_users', 1).get()).toEqual({ is: 'number' });
    expect(await profiles.key('qa_users', 2n ** 60n).get()).toEqual({ is: 'large' });
    expect(await profiles.key('qa_users', new Uint8Array(bytes)).get()).toEqual({ is: 'bytes' });
  });

  test.each<[string, unknown, unknown]>([
    ["'' cannot be the name of a set. It is a text of 1 to 63 bytes: write set('users'), key('users', 'u-1')", '', 1],
    ["'' cannot be the key of a record. A key is a text, a whole number of 64 bits or bytes, and not empty.", 's', ''],
    ['1.5 cannot be the key of a record', 's', 1.5],
    ['18446744073709551616 cannot be the key of a record', 's', 2n ** 64n],
    ['undefined cannot be the key of a record', 's', undefined],
  ])('%s', (message, set, id) => {
    expect(() => profiles.key(set as string, id as string)).toThrow(`qa.profiles: ${message}`);
  });

  test('values compare as people write them', async () => {
    const stored = {
      n: 3,
      large: 2n ** 60n,
      whole: new aerospike.Double(5),
      share: 2.5,
      list: [1, { b: 2n ** 55n }],
      map: { a: 1, deep: { b: [1, 2] } },
      bytes: Buffer.from([1, 2]),
      place: new aerospike.GeoJSON({ type: 'Point', coordinates: [1, 2] } as never),
      yes: true,
    };
    await profiles.seed('qa_users', { 'u-1': stored });
    const { value } = (await read('qa_users', 'u-1'))!;
    const bins = value as Record<string, unknown>;
    const equal = (name: string, expected: unknown) => entry('qa_users', 'u-1').equal!(bins[name], expected);
    expect(equal('n', 3n)).toBe(true);
    expect(equal('n', new aerospike.Double(3))).toBe(true);
    expect(equal('n', '3')).not.toBe(true);
    expect(equal('n', 4)).not.toBe(true);
    expect(equal('large', 2n ** 60n)).toBe(true);
    expect(equal('large', 2 ** 60)).toBe(true);
    expect(equal('whole', 5)).toBe(true);
    expect(equal('share', 2.5)).toBe(true);
    expect(equal('list', [1, { b: 2n ** 55n }])).toBe(true);
    expect(equal('list', [1n, { b: expect.anything() }])).toBe(true);
    expect(equal('list', [1])).not.toBe(true);
    expect(equal('map', { deep: { b: [1n, 2] } })).toBe(true);
    expect(
      equal(
        'map',
        new Map<string, unknown>([
          ['a', 1],
          ['deep', { b: [1, 2] }],
        ]),
      ),
    ).toBe(true);
    expect(equal('map', new Map([['a', 1]]))).not.toBe(true);
    expect(equal('bytes', new Uint8Array([1, 2]))).toBe(true);
    expect(equal('bytes', Buffer.from([1]))).not.toBe(true);
    expect(equal('place', new aerospike.GeoJSON({ coordinates: [1, 2], type: 'Point' } as never))).toBe(true);
    expect(equal('yes', 1)).not.toBe(true);
  });

  test('a failure can tell what is near, and how to look for oneself', async () => {
    expect(await entry('qa_users', 'u-1').explain(signal)).toEqual(['the set qa_users holds no record']);
    await profiles.seed('qa_users', { 'u-11': { n: 1 }, other: { n: 2 } });
    expect(await entry('qa_users', 'u-1').explain(signal)).toEqual([
      "the set qa_users holds 2 records; near to this key: 'u-11'",
    ]);
    await profiles.client.put(new aerospike.Key('test', 'qa_users', 'x') as never, { n: 3 });
    expect((await entry('qa_users', 'zzz').explain(signal))[0]).toMatch(
      /^the set qa_users holds 3 records; keys: '(u-11|other)', '(u-11|other)'$/,
    );
    const [host, port] = server.hosts.split(':');
    expect(entry('qa_users', 'u-1').command({})).toBe(
      `aql -h ${host} -p ${port} -c "SELECT * FROM test.qa_users WHERE PK = 'u-1'"`,
    );
    expect(entry('qa_users', 'u-1').where()).toBe(
      `record 'u-1' of the set qa_users, qa.profiles (aerospike://${server.hosts}/test)`,
    );
  });
});

describe(`a set on ${AEROSPIKE}`, () => {
  const people = { 'u-1': { name: 'Ann', n: 1 }, 'u-2': { name: 'Ben', n: 2 }, 'u-3': { name: 'Ann', n: 3 } };

  test('gives its records as rows', async () => {
    expect(await profiles.set('qa_users').all()).toEqual([]);
    await profiles.seed('qa_users', people);
    const all = await profiles.set<{ name: string; n: number }>('qa_users').all();
    expect(all.sort((a, b) => a.n - b.n)).toEqual(Object.values(people));
    expect(await profiles.set('qa_users').count()).toBe(3);
  });

  test('find gives what can match, and says whether there is more', async () => {
    await profiles.seed('qa_users', people);
    expect(await rows('qa_users').find({ name: 'Ann' }, { limit: 1, signal })).toMatchObject({ more: true });
    const all = await rows('qa_users').find({ name: 'Ann', n: expect.anything() }, { limit: 9, signal });
    expect(all.rows).toHaveLength(2);
    expect(all.more).toBe(false);
    const accept = (row: Readonly<Record<string, unknown>>) => row.n === 3;
    expect(await rows('qa_users').find({}, { limit: 9, signal, accept })).toEqual({
      rows: [{ name: 'Ann', n: 3 }],
      more: false,
    });
    expect(await rows('qa_users').count({ signal, atMost: 2 })).toBe(2);
  });

  test('explain counts the parts and puts the nearest first', async () => {
    await profiles.seed('qa_users', people);
    const told = await rows('qa_users').explain({ name: 'Ann', n: 2 }, { limit: 1, signal });
    expect(told).toEqual({
      rows: [{ name: 'Ben', n: 2 }],
      total: 3,
      totalIsFloor: false,
      fulfilled: { name: 2, n: 1 },
    });
  });

  test('expectations that nothing can match are misuse', async () => {
    const check = (expected: Record<string, unknown>) => rows('qa_users').check(expected, signal);
    await expect(check({ name: undefined })).rejects.toThrow("qa.profiles.set('qa_users'): `name` is undefined");
    await expect(check({ name: null })).rejects.toThrow('a bin without a value does not exist');
    await expect(check({ a_name_far_too_long: 1 })).rejects.toThrow('Names of bins have at most 15 bytes');
    expect(() => profiles.set('')).toThrow("'' cannot be the name of a set");
  });

  test('more records than are read is an error, never a silent "not there"', { timeout: 60_000 }, async () => {
    for (let from = 0; from <= 10_000; from += 2500) {
      const part = new Map(Array.from({ length: from === 10_000 ? 1 : 2500 }, (_, i) => [from + i, { n: from + i }]));
      await profiles.seed('qa_users', part);
    }
    expect(await profiles.set('qa_users').count()).toBe(10_001);
    await expect(rows('qa_users').find({ n: -1 }, { limit: 1, signal })).rejects.toThrow(
      /^qa.profiles \(.*\): The set `qa_users` holds more than the 10,000 records that are read of one, and not all of what was looked for may be among them. Look at the record itself, qa.profiles.key\('qa_users', …\)/,
    );
    await expect(profiles.set('qa_users').all()).rejects.toMatchObject({ code: 'QA_QUERY_FAILED' });
    const told = await rows('qa_users').explain({ n: -1 }, { limit: 2, signal });
    expect(told).toMatchObject({ total: 10_000, totalIsFloor: true });
    expect(rows('qa_users').where()).toContain('at most 10,000 records');
  });
});

describe(`seeding on ${AEROSPIKE}`, () => {
  test.each<[string, Record<string, unknown>, string]>([
    [
      'a Date',
      { at: new Date(0) },
      '`at` is a Date, which Aerospike has not: write value.toISOString() or value.getTime()',
    ],
    ['a Set', { tags: new Set([1]) }, '`tags` is a Set, which Aerospike has not: write a list, [...value]'],
    ['a function', { list: [1, () => 1] }, '`list[1]` is of a kind (function) that no bin can hold'],
    ['undefined in a list', { list: [undefined] }, '`list[0]` is undefined'],
    ['an instance', { deep: { re: /x/ } }, '`deep.re` is of a kind (RegExp) that no bin can hold'],
    ['too large an integer', { n: 2n ** 64n }, '`n` is larger than the 64 bits of an integer'],
    [
      'a long name',
      { a_name_far_too_long: 1 },
      'no bin can be called `a_name_far_too_long`. Names of bins have at most 15 bytes',
    ],
    ['nothing', { name: null }, 'has no bin with a value, and cannot exist without. Give it one'],
  ])('%s is refused before anything is written', async (_, bins, message) => {
    const seeding = profiles.seed('qa_users', { 'u-1': { n: 1 }, 'u-2': bins });
    await expect(seeding).rejects.toThrow(`qa.profiles: The record 'u-2'`);
    await expect(seeding).rejects.toThrow(message);
    await expect(seeding).rejects.toMatchObject({ code: 'QA_MISUSE' });
    expect(await profiles.set('qa_users').count()).toBe(0);
  });

  test('a refused record is named', async () => {
    const big = Buffer.alloc(9 * 2 ** 20);
    await expect(profiles.seed('qa_users', { 'u-1': { n: 1 }, 'u-2': { big } })).rejects.toThrow(
      /Seeding qa_users, record 'u-2', failed: .* \(status 13\)\. Write less into one record, or raise the namespace's write-block-size\./,
    );
  });

  test('more records than one batch takes', async () => {
    const many = new Map(Array.from({ length: 5200 }, (_, i) => [i, { i }]));
    await profiles.seed('qa_users', many);
    expect(await profiles.set('qa_users').count()).toBe(5200);
  });

  test('a wrong argument says what to write', async () => {
    await expect(profiles.seed('qa_users', [{ n: 1 }] as never)).rejects.toThrow(
      "qa.profiles: seed() needs a set and its records by their keys. Write seed('users', { 'u-1': { name: 'Ann' } })",
    );
  });
});
