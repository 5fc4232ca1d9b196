/** What a test writes, against what a real Cassandra holds: every type, in memory and pushed down. */
import cassandra from 'cassandra-driver';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Decimal } from '../../../bindings/core/decimal.ts';
import { SOURCE } from '../../../bindings/core/source.ts';
import type { CassandraHandle } from '../../../bindings/databases/cassandra/index.ts';
import { plan } from '../../../bindings/databases/cassandra/plan.ts';
import { loadShape } from '../../../bindings/databases/cassandra/shape.ts';
import { same } from '../../../bindings/databases/cassandra/values/nested.ts';
import { parseType } from '../../../bindings/databases/cassandra/values/type.ts';
import { hasCassandra, startCassandra, type TestCassandra } from '../../support/cassandra.ts';
import { makeKeyspace, matches, open, signal } from './harness.ts';

const { types } = cassandra;
const ID = '63a947f5-afcc-41e3-b3c6-17ae8533e5ed';
const TIME_ID = 'ae0c30ea-e7fe-11f1-9281-611815926da7';
const MOMENT = new Date('2026-11-23T10:00:00.123Z');

/** For each type: values of CQL, what equals them, and what does not. */
const SCALARS: Record<string, { cql: string; plain: unknown; equal: unknown[]; other: unknown[]; odd?: unknown[] }> = {
  ascii: { cql: "'Ann'", plain: 'Ann', equal: ['Ann'], other: ['ann', ''] },
  text: { cql: "'42'", plain: '42', equal: ['42'], other: ['42.0'], odd: [42] },
  boolean: { cql: 'true', plain: true, equal: [true], other: [false], odd: ['true', 1] },
  tinyint: { cql: '-7', plain: -7, equal: [-7, -7n, '-7'], other: [7], odd: [1.5, 'x'] },
  smallint: { cql: '300', plain: 300, equal: [300, 300n], other: [301] },
  int: { cql: '42', plain: 42, equal: [42, 42n, '42', '42.0'], other: [43, 2 ** 40], odd: [42.5, '', {}] },
  bigint: {
    cql: '9007199254740993',
    plain: 9007199254740993n,
    equal: [9007199254740993n, '9007199254740993', types.Long.fromString('9007199254740993')],
    other: [9007199254740992, 1n],
  },
  varint: {
    cql: '12345678901234567890123',
    plain: 12345678901234567890123n,
    equal: [12345678901234567890123n, '12345678901234567890123', types.Integer.fromString('12345678901234567890123')],
    other: [1, -12345678901234567890123n],
  },
  decimal: {
    cql: '1.50',
    plain: '1.50',
    equal: [1.5, '1.5', '1.500', types.BigDecimal.fromString('1.5'), Decimal.from('1.50')],
    other: [1.51, '15', 15n],
    odd: ['1,5', Number.NaN],
  },
  double: { cql: '0.1', plain: 0.1, equal: [0.1], other: [0.10000000000000002, 1], odd: ['0.1'] },
  float: { cql: '0.1', plain: 0.1, equal: [0.1, Math.fround(0.1)], other: [0.2] },
  uuid: {
    cql: ID,
    plain: ID,
    equal: [ID, ID.toUpperCase(), types.Uuid.fromString(ID)],
    other: [TIME_ID],
    odd: ['63a947f5', 42],
  },
  timeuuid: {
    cql: TIME_ID,
    plain: TIME_ID,
    equal: [TIME_ID, types.TimeUuid.fromString(TIME_ID), types.Uuid.fromString(TIME_ID)],
    other: [ID],
  },
  blob: {
    cql: '0xcafe',
    plain: Buffer.from([0xca, 0xfe]),
    equal: [Buffer.from([0xca, 0xfe]), new Uint8Array([0xca, 0xfe]), '0xCAFE'],
    other: [Buffer.from([0xca]), '0x'],
    odd: ['cafe'],
  },
  timestamp: {
    cql: "'2026-11-23T10:00:00.123Z'",
    plain: MOMENT,
    equal: [MOMENT, MOMENT.toISOString(), MOMENT.getTime(), '2026-11-23T12:00:00.123+02:00'],
    other: [new Date(0), '2026-11-23'],
    odd: ['today'],
  },
  date: {
    cql: "'2026-11-23'",
    plain: '2026-11-23',
    equal: ['2026-11-23', types.LocalDate.fromString('2026-11-23')],
    other: ['2026-11-24'],
    odd: [MOMENT, '23.11.2026'],
  },
  time: {
    cql: "'10:00:00.500'",
    plain: '10:00:00.5',
    equal: ['10:00:00.5', '10:00:00.500000000', types.LocalTime.fromString('10:00:00.5')],
    other: ['10:00', '10:00:00'],
    odd: ['ten'],
  },
  inet: {
    cql: "'::1'",
    plain: '::1',
    equal: ['::1', '0:0:0:0:0:0:0:1', types.InetAddress.fromString('::1')],
    other: ['::2', '127.0.0.1'],
    odd: ['localhost'],
  },
  duration: {
    cql: '1mo2d90m',
    plain: '1mo2d1h30m',
    equal: ['1mo2d1h30m', '1mo2d90m', 'P1M2DT1H30M', types.Duration.fromString('1mo2d1h30m')],
    other: ['1mo2d1h31m', '32d90m'],
    odd: ['soon'],
  },
};

/** Types that make keys. */
const KEYS = [
  'int',
  'bigint',
  'varint',
  'text',
  'uuid',
  'timeuuid',
  'timestamp',
  'date',
  'time',
  'inet',
  'boolean',
  'blob',
  'decimal',
  'smallint',
];

/** Collections and what is made of parts. */
const NESTED: { type: string; cql: string; equal: unknown[]; other: unknown[] }[] = [
  {
    type: 'list<int>',
    cql: '[1, 2]',
    equal: [
      [1, 2],
      [1n, '2'],
      [expect.any(Number), 2],
    ],
    other: [[2, 1], [1], {}],
  },
  {
    type: 'set<text>',
    cql: "{'b', 'a'}",
    equal: [['a', 'b'], ['b', 'a'], new Set(['b', 'a']), [expect.any(String), 'a']],
    other: [['a'], ['a', 'a'], ['a', 'b', 'c'], 'ab'],
  },
  {
    type: 'map<text, int>',
    cql: "{'x': 1, 'y': 2}",
    equal: [
      { x: 1 },
      { x: 1, y: 2n },
      new Map([
        ['y', 2],
        ['x', 1],
      ]),
      { x: expect.any(Number) },
    ],
    other: [{ x: 2 }, { z: 1 }, new Map([['x', 1]]), []],
  },
  {
    type: 'map<int, date>',
    cql: "{1: '2026-11-23'}",
    equal: [{ 1: '2026-11-23' }, new Map([[1, '2026-11-23']])],
    other: [{ 2: '2026-11-23' }],
  },
  {
    type: `map<uuid, int>`,
    cql: `{${ID}: 1}`,
    equal: [{ [ID]: 1 }, new Map([[types.Uuid.fromString(ID), 1]])],
    other: [{ [TIME_ID]: 1 }],
  },
  {
    type: 'tuple<int, decimal, text>',
    cql: "(1, 1.50, 'x')",
    equal: [[1, 1.5, 'x'], new types.Tuple(1, 1.5, 'x')],
    other: [
      [1, 1.5],
      [1, 1.5, 'y'],
    ],
  },
  {
    type: 'frozen<addr>',
    cql: "{street: 'High', nr: 1, since: '2020-01-01', tags: {'a'}}",
    equal: [{ street: 'High' }, { nr: 1n, tags: ['a'] }, { since: '2020-01-01' }],
    other: [{ street: 'Low' }, { city: 'X' }, [], { nr: null }],
  },
  {
    type: 'list<frozen<addr>>',
    cql: '[{nr: 1}]',
    equal: [[{ nr: 1 }], [{ nr: 1, street: null }]],
    other: [[{ nr: 2 }], []],
  },
  {
    type: 'vector<float, 3>',
    cql: '[0.1, 2, 3]',
    equal: [[0.1, 2, 3], new Float32Array([0.1, 2, 3])],
    other: [
      [0.1, 2],
      [0.2, 2, 3],
    ],
  },
  { type: 'vector<int, 2>', cql: '[1, 2]', equal: [[1, 2]], other: [[2, 1]] },
];

describe.skipIf(!hasCassandra())('values on a real Cassandra', () => {
  let server: TestCassandra;
  let db: { handle: CassandraHandle } & AsyncDisposable;
  let keyspace: string;
  const nested = NESTED.map((each, index) => ({ ...each, column: `n${index}` }));

  beforeAll(async () => {
    server = await startCassandra();
    const columns = Object.keys(SCALARS).map((type) => `c_${type} ${type}`);
    keyspace = await makeKeyspace(server, [
      'CREATE TYPE $ks.addr (street text, nr int, since date, tags set<text>)',
      `CREATE TABLE $ks.scalars (id int PRIMARY KEY, ${columns.join(', ')})`,
      `CREATE TABLE $ks.nested (id int PRIMARY KEY, ${nested.map(({ column, type }) => `${column} ${type}`).join(', ')})`,
      'CREATE TABLE $ks.hits (page text PRIMARY KEY, n counter)',
      ...KEYS.map((type) => `CREATE TABLE $ks.by_${type} (p ${type}, c ${type}, v int, PRIMARY KEY (p, c))`),
      `INSERT INTO $ks.scalars (id, ${Object.keys(SCALARS)
        .map((type) => `c_${type}`)
        .join(', ')}) VALUES (1, ${Object.values(SCALARS)
        .map(({ cql }) => cql)
        .join(', ')})`,
      'INSERT INTO $ks.scalars (id) VALUES (2)',
      `INSERT INTO $ks.nested (id, ${nested.map(({ column }) => column).join(', ')}) VALUES (1, ${nested.map(({ cql }) => cql).join(', ')})`,
      'INSERT INTO $ks.nested (id) VALUES (2)',
    ]);
    for (const type of KEYS)
      await server.run(
        `INSERT INTO ${keyspace}.by_${type} (p, c, v) VALUES (${SCALARS[type]!.cql}, ${SCALARS[type]!.cql}, 1)`,
      );
    db = await open(server, keyspace);
  });
  afterAll(async () => {
    await db?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  test('a source gives plain values, and plain objects', async () => {
    const rows = await db.handle.table('scalars', { id: 1 }).all();
    const plain = Object.fromEntries(Object.entries(SCALARS).map(([type, each]) => [`c_${type}`, each.plain]));
    expect(rows).toStrictEqual([{ id: 1, ...plain }]);
    expect(Object.getPrototypeOf(rows[0])).toBe(Object.prototype);
  });

  test.each(Object.entries(SCALARS))('%s', async (type, { equal, other, odd = [] }) => {
    for (const value of equal)
      expect(await matches(db.handle, 'scalars', { [`c_${type}`]: value }), String(value)).toBe(true);
    for (const value of other)
      expect(await matches(db.handle, 'scalars', { [`c_${type}`]: value }), String(value)).toBe(false);
    for (const value of odd)
      await expect(matches(db.handle, 'scalars', { [`c_${type}`]: value }), String(value)).rejects.toMatchObject({
        code: 'QA_MISUSE',
      });
    expect(await matches(db.handle, 'scalars', { id: 1, [`c_${type}`]: null })).toBe(false);
    expect(await matches(db.handle, 'scalars', { id: 2, [`c_${type}`]: null })).toBe(true);
    expect(await matches(db.handle, 'scalars', { [`c_${type}`]: expect.anything() })).toBe(true);
  });

  test.each(nested)('$type', async ({ column, equal, other }) => {
    for (const value of equal) expect(await matches(db.handle, 'nested', { [column]: value })).toBe(true);
    for (const value of other) expect(await matches(db.handle, 'nested', { id: 1, [column]: value })).toBe(false);
  });

  test('an empty collection that is not frozen is none to Cassandra, and equals both', async () => {
    expect(await matches(db.handle, 'nested', { id: 2, n0: [] })).toBe(true);
    expect(await matches(db.handle, 'nested', { id: 2, n2: {} })).toBe(true);
    expect(await matches(db.handle, 'nested', { id: 2, n1: null })).toBe(true);
    expect(await matches(db.handle, 'nested', { id: 2, n0: {} })).toBe(false);
    expect(await matches(db.handle, 'nested', { id: 2, n2: [] })).toBe(false);
    expect(await matches(db.handle, 'nested', { id: 2, n5: [] })).toBe(false);
  });

  test.each(KEYS)('a key of type %s is pushed down, and finds what memory would', async (type) => {
    const table = `by_${type}`;
    const { equal, other } = SCALARS[type]!;
    for (const value of equal)
      expect(await matches(db.handle, table, { p: value, c: value, v: 1 }), String(value)).toBe(true);
    for (const value of other) {
      expect(await matches(db.handle, table, { p: value })).toBe(false);
      expect(await matches(db.handle, table, { p: equal[0], c: value })).toBe(false);
    }
  });

  test('which keys are pushed down', async () => {
    const { Database } = await import('../../../bindings/databases/cassandra/database.ts');
    const own = new Database(
      () => ({
        client: db.handle.client,
        options: { address: { keyspace, contactPoints: [] } } as never,
        driver: cassandra,
      }),
      (await open(server, keyspace)).scope,
    );
    const pushed = async (table: string, parts: object) =>
      plan(await loadShape(own, table, signal), parts as never, types).pushed;
    expect(await pushed('by_uuid', { p: ID, c: ID, v: 1 })).toEqual(['p', 'c']);
    expect(await pushed('by_uuid', { c: ID })).toEqual([]);
    expect(await pushed('by_uuid', { p: expect.any(String), c: ID })).toEqual([]);
    // 1.5 and 1.50 are one value and two keys; as a clustering column they are one.
    expect(await pushed('by_decimal', { p: 1.5, c: 1.5 })).toEqual([]);
    expect(await pushed('by_smallint', { p: 1, c: 2 ** 20 })).toEqual(['p']);
  });

  test('what is seeded is what was written, for every type', async () => {
    const values = Object.fromEntries(Object.entries(SCALARS).map(([type, { equal }]) => [`c_${type}`, equal.at(-1)]));
    await db.handle.seed('scalars', [
      { id: 10, ...values },
      { id: 11, c_text: undefined, c_int: null },
    ]);
    await db.handle.seed('nested', [
      {
        id: 10,
        ...Object.fromEntries(
          nested
            .filter(({ equal }) => !JSON.stringify(equal[0]).includes('$$'))
            .map(({ column, equal }) => [column, equal[0]]),
        ),
        n0: [1, 2],
      },
    ]);
    for (const [type, { equal }] of Object.entries(SCALARS))
      expect(await matches(db.handle, 'scalars', { id: 10, [`c_${type}`]: equal[0] }), type).toBe(true);
    for (const { column, equal } of nested)
      expect(await matches(db.handle, 'nested', { id: 10, [column]: equal[0] })).toBe(true);
    expect(await matches(db.handle, 'scalars', { id: 11, c_text: null, c_int: null })).toBe(true);
  });

  test('counters are added', async () => {
    await db.handle.seed('hits', [
      { page: 'a', n: 2 },
      { page: 'a', n: 3n },
      { page: 'b', n: '1' },
    ]);
    expect(await matches(db.handle, 'hits', { page: 'a', n: 5 })).toBe(true);
    expect(await matches(db.handle, 'hits', { page: 'b', n: 1n })).toBe(true);
  });

  test('any number that is seeded is found again, by number and by text', async () => {
    const numbers = fc.record({
      c_bigint: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      c_varint: fc.bigInt(-(10n ** 40n), 10n ** 40n),
      c_double: fc.double({ noNaN: true }),
      c_float: fc.float({ noNaN: true }),
      c_decimal: fc
        .tuple(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.nat(20))
        .map(([unscaled, scale]) => String(new Decimal(unscaled, scale))),
      c_text: fc.string({ unit: 'binary' }),
      c_timestamp: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }),
      c_blob: fc.uint8Array(),
    });
    const samples = fc
      .sample(numbers, { numRuns: 60, seed: 20261124 })
      .map((row, index) => ({ id: 100 + index, ...row }));
    await db.handle.seed('scalars', samples);
    for (const row of samples) {
      expect(
        await matches(db.handle, 'scalars', row),
        JSON.stringify(row, (_, part) => (typeof part === 'bigint' ? `${part}n` : part)),
      ).toBe(true);
      const { c_double: _, c_float: __, c_timestamp: ___, c_blob: ____, ...rest } = row;
      expect(
        await matches(db.handle, 'scalars', Object.fromEntries(Object.entries(rest).map(([k, v]) => [k, String(v)]))),
      ).toBe(true);
    }
  });

  test('a value equals itself and not another, for every scalar type', () => {
    for (const [type, { plain, equal, other }] of Object.entries(SCALARS)) {
      const parsed = parseType(type, new Map());
      for (const value of [plain, ...equal]) expect(same(parsed, plain, value), type).toBe(true);
      for (const value of other) expect(same(parsed, plain, value), type).toBe(false);
    }
  });

  test('`query` gives the driver’s values in plain objects', async () => {
    const [row] = await db.handle.query('select id, c_uuid, c_bigint from scalars where id = ?', [1]);
    expect(row!.c_uuid).toBeInstanceOf(types.Uuid);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
    expect(db.handle.table('scalars')[SOURCE].kind).toBe('rows');
  });
});
