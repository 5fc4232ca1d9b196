/**
 * For every built-in type: what SQL says of an equality part and what memory says is the same, on edge cases whose
 * answer is written here and on generated values.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Database } from '../../../bindings/databases/postgres/database.ts';
import { binding } from '../../../bindings/databases/postgres/index.ts';
import { Parameters, predicate } from '../../../bindings/databases/postgres/predicate.ts';
import { type Column, queryShape } from '../../../bindings/databases/postgres/shape.ts';
import { same } from '../../../bindings/databases/postgres/values/nested.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { testScope } from '../../support/scope.ts';

interface Spec {
  /** Texts that the server reads as values of the type. */
  stored: fc.Arbitrary<string>;
  /** Values that a test may write. */
  expected: fc.Arbitrary<unknown>;
  equal: [stored: string, expected: unknown][];
  unequal: [stored: string, expected: unknown][];
  /** Every equality has a part in SQL; false: some are judged in memory only. Default: true. */
  isPushed?: boolean;
}

let server: TestPostgres;
let db: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  server = await startPostgres();
  await server.run(`
    create type mood as enum ('sad', 'ok', 'it''s');
    create domain cents as int8;
    create domain short as text check (length(value) < 100);
    create type pair as (n numeric, t text, at timestamptz);
    create type nested as (p pair, l int4[]);
    create collation loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
    create domain loose_text as text collate loose;`);
  const scope = testScope('postgres', 'pg');
  const options = binding.parse({ url: server.url(), pool: { max: 2 } }, 'connections.db');
  const client = await binding.open(options, scope);
  const driver = await scope.driver();
  db = new Database(() => ({ client, options, driver }), scope);
  close = () => binding.close(client);
});
afterAll(async () => {
  await close?.();
  await server?.stop();
});

const words = fc.oneof(
  fc.constantFrom('', 'a', 'A', 'a ', ' a', 'ä', "it's", '"', '\\', '{}', 'NULL', 'null', '42', '😀'),
  fc.string({ maxLength: 6 }),
);
const sane = words.filter((text) => !text.includes('\0') && !/\p{Surrogate}/u.test(text));
const junk = fc.constantFrom<unknown>(
  '42',
  '42.00',
  'x',
  '',
  42,
  0,
  42n,
  true,
  false,
  1.5,
  NaN,
  new Date(0),
  Buffer.from('a'),
  [],
  [42],
  {},
  { n: 42 },
);
const int = (bits: number) => fc.bigInt({ min: -(2n ** BigInt(bits - 1)), max: 2n ** BigInt(bits - 1) - 1n });
const near = fc.bigInt({ min: -3n, max: 50n });
const integers = (bits: number): fc.Arbitrary<string> => fc.oneof(near, int(bits)).map(String);
const numbers = fc.oneof(
  near,
  near.map(Number),
  fc.double(),
  int(64),
  fc.constantFrom(42, -0, 42.5, 2 ** 53, 1e21, 1e-7, Infinity, -Infinity, NaN),
  junk,
);
const decimals = fc.oneof(
  near.map(String),
  fc.tuple(near, fc.nat(999)).map(([n, f]) => `${n}.${f}`),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('NaN', 'Infinity', '0.00', '-0.0'),
);
const floats = fc.oneof(
  near.map(String),
  fc.double({ min: -1e30, max: 1e30 }).map(String),
  fc.constantFrom('NaN', 'Infinity', '-Infinity', '-0', '0.1', '1e-30'),
);
const instants = fc.oneof(
  fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
  fc.constantFrom(new Date(0), new Date('2024-03-31T01:30:00Z'), new Date('2024-10-27T01:30:00Z')),
);
const dates = fc.oneof(
  instants,
  fc.constantFrom<unknown>(
    new Date(Number.NaN),
    Infinity,
    -Infinity,
    new Date(8.64e15),
    new Date('-004000-01-01T00:00:00Z'),
  ),
  junk,
);
const instantTexts = fc
  .tuple(instants, fc.nat(999))
  .map(([at, micros]) => `${at.toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`);
const printedAs = (texts: string[]): Pick<Spec, 'stored' | 'expected'> => ({
  stored: fc.constantFrom(...texts),
  expected: fc.oneof(fc.constantFrom(...texts), junk),
});

const NUMBER_WORDS = fc.oneof(
  numbers,
  decimals,
  fc.constantFrom('042', '42.', '.5', '+1', '1e3', ' 42', '0x2a', '1e9999', '-'),
);

const SPECS: Record<string, Spec> = {
  int2: {
    stored: integers(16),
    expected: numbers,
    equal: [
      ['42', 42],
      ['42', 42n],
      ['0', -0],
    ],
    unequal: [
      ['42', '42'],
      ['42', 42.5],
      ['1', true],
      ['0', NaN],
    ],
  },
  int4: {
    stored: integers(32),
    expected: numbers,
    equal: [['-2147483648', -2147483648]],
    unequal: [
      ['42', '42'],
      ['1', 2 ** 40],
    ],
  },
  int8: {
    stored: integers(64),
    expected: NUMBER_WORDS,
    equal: [
      ['42', 42],
      ['42', '42'],
      ['42', '42.00'],
      ['9223372036854775807', 9223372036854775807n],
      ['9007199254740993', '9007199254740993'],
    ],
    unequal: [
      ['9007199254740993', 2 ** 53],
      ['42', 'x'],
      ['0', ''],
    ],
  },
  oid: {
    stored: fc.nat(99).map(String),
    expected: numbers,
    equal: [
      ['42', 42],
      ['4294967295', 4294967295],
    ],
    unequal: [['42', -42]],
  },
  numeric: {
    stored: decimals,
    expected: NUMBER_WORDS,
    equal: [
      ['42.00', 42],
      ['42', '42.0'],
      ['42', 42n],
      ['0.1', 0.1],
      ['-0.0', 0],
      ['NaN', NaN],
      ['Infinity', Infinity],
      ['1e21', 1e21],
      ['0.0000001', 1e-7],
    ],
    unequal: [
      ['42.01', 42],
      ['0', ''],
      ['0', 'x'],
      ['42', [42]],
    ],
    isPushed: false,
  },
  'numeric(10,2)': {
    stored: fc.tuple(near, fc.nat(99)).map(([n, f]) => `${n}.${f}`),
    expected: NUMBER_WORDS,
    equal: [['42', 42]],
    unequal: [['42', 43]],
    isPushed: false,
  },
  float4: {
    stored: floats.filter((text) => Math.abs(Number(text)) > 1e-35 || Number(text) === 0),
    expected: numbers,
    equal: [
      ['0.1', 0.1],
      ['16777217', 16777217],
      ['NaN', NaN],
      ['-0', 0],
    ],
    unequal: [
      ['0.1', '0.1'],
      ['1', 2],
    ],
  },
  float8: {
    stored: floats,
    expected: numbers,
    equal: [
      ['0.1', 0.1],
      ['NaN', NaN],
      ['Infinity', Infinity],
      ['0', -0],
      ['42', 42n],
    ],
    unequal: [
      ['0.1', '0.1'],
      ['9007199254740992', 9007199254740993n],
    ],
  },
  bool: {
    stored: fc.constantFrom('t', 'f'),
    expected: junk,
    equal: [
      ['t', true],
      ['f', false],
    ],
    unequal: [
      ['t', 't'],
      ['t', 1],
      ['f', 0],
    ],
  },
  text: {
    stored: sane,
    expected: fc.oneof(words, junk),
    equal: [
      ['a', 'a'],
      ['', ''],
      ['ä', 'ä'],
    ],
    unequal: [
      ['42', 42],
      ['a', 'A'],
      ['a', 'a '],
      ['�', '\ud800'],
      ['a', 'a\0'],
    ],
  },
  varchar: { stored: sane, expected: fc.oneof(words, junk), equal: [['a ', 'a ']], unequal: [['42', 42n]] },
  loose_text: {
    stored: sane,
    expected: fc.oneof(words, junk),
    equal: [['a', 'a']],
    unequal: [
      ['a', 'A'],
      ['a', 'ä'],
    ],
  },
  name: {
    stored: sane,
    expected: fc.oneof(words, junk),
    equal: [['a', 'a']],
    unequal: [
      ['a', 'a'.repeat(70)],
      ['x'.repeat(63), 'x'.repeat(64)],
    ],
  },
  'char(4)': {
    stored: sane.map((text) => [...text].slice(0, 4).join('')),
    expected: fc.oneof(words, junk),
    equal: [
      ['ab', 'ab'],
      ['ab', 'ab  '],
      ['', ''],
    ],
    unequal: [['ab', ' ab']],
  },
  '"char"': { ...printedAs(['a', 'b', '']), equal: [['a', 'a']], unequal: [['a', 'A']] },
  uuid: {
    ...printedAs(['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '00000000-0000-0000-0000-000000000000']),
    equal: [['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11']],
    unequal: [
      ['00000000-0000-0000-0000-000000000000', '0'],
      ['00000000-0000-0000-0000-000000000000', 0],
    ],
  },
  bytea: {
    stored: fc.uint8Array({ maxLength: 3 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
    expected: fc.oneof(fc.uint8Array({ maxLength: 3 }), junk),
    equal: [
      ['\\x00ff', Buffer.from([0, 255])],
      ['\\x', new Uint8Array()],
      ['\\x0102', new Uint8Array([9, 1, 2]).subarray(1)],
    ],
    unequal: [
      ['\\x61', 'a'],
      ['\\x61', [97]],
    ],
  },
  timestamptz: {
    stored: fc.oneof(
      instantTexts,
      fc.constantFrom('infinity', '-infinity', '4713-01-01 00:00:00+00 BC', '0001-01-01 00:00:00+00'),
    ),
    expected: dates,
    equal: [
      ['2024-02-29 12:00:00.123987+02', new Date('2024-02-29T10:00:00.123Z')],
      ['infinity', Infinity],
      ['1969-12-31 23:59:59.999999+00', new Date(-1)],
      ['0044-03-15 12:00:00+00 BC', new Date('-000043-03-15T12:00:00Z')],
    ],
    unequal: [
      ['2024-02-29 12:00:00.124+02', new Date('2024-02-29T10:00:00.123Z')],
      ['infinity', -Infinity],
    ],
  },
  timestamp: {
    stored: fc.oneof(
      instantTexts.map((text) => text.slice(0, -1)),
      fc.constantFrom('infinity', '2024-03-31 02:30:00', '2024-10-27 02:30:00'),
    ),
    expected: dates,
    equal: [['2024-02-29 12:00:00.123987', new Date(2024, 1, 29, 12, 0, 0, 123)]],
    unequal: [['2024-02-29 12:00:00', new Date(2024, 1, 29, 12, 0, 0, 1)]],
    isPushed: false,
  },
  date: {
    ...printedAs(['2024-02-29', '0001-01-01', 'infinity', '0044-03-15 BC', '12024-01-01']),
    equal: [
      ['2024-02-29', '2024-02-29'],
      ['infinity', 'infinity'],
      ['0044-03-15 BC', '0044-03-15 BC'],
    ],
    unequal: [
      ['2024-03-01', '2024-02-30'],
      ['2024-03-01', 20240301],
    ],
  },
  interval: {
    stored: fc.oneof(
      fc
        .tuple(
          fc.integer({ min: -30, max: 30 }),
          fc.integer({ min: -40, max: 40 }),
          fc.integer({ min: -1e9, max: 1e9 }),
        )
        .map(([m, d, us]) => `${m} mons ${d} days ${us} microseconds`),
      fc.constantFrom('infinity', '1 day', '24:00:00', '1 mon', '0'),
    ),
    expected: fc.oneof(
      fc.constantFrom<unknown>(
        '1 day',
        '24 hours',
        '30 days',
        '1 mon',
        '-00:00:01',
        '1 year 2 mons 3 days 04:05:06.789',
        { days: 1 },
        { months: 1 },
        { seconds: 1.5 },
        {},
        Infinity,
        'soon',
        { day: 'x' },
      ),
      fc.integer({ min: -1e9, max: 1e9 }).map((ms) => ({ milliseconds: ms })),
      junk,
    ),
    equal: [
      ['26:00:00', '1 day 2 hours'],
      ['1 day 02:03:04.5', { days: 1, hours: 2, minutes: 3, seconds: 4.5 }],
      ['-1 day +02:00:00', '-1 days +02:00:00'],
      ['1 mon', { days: 30 }],
      ['infinity', Infinity],
    ],
    unequal: [
      ['1 day', 'soon'],
      ['1 day', { days: 2 }],
      ['1 day', 1],
    ],
    isPushed: false,
  },
  json: {
    stored: fc.json({ maxDepth: 1 }).filter((text) => !text.includes('\\u0000')),
    expected: fc.oneof(words, junk),
    equal: [['null', null]],
    unequal: [],
    isPushed: false,
  },
  jsonb: {
    stored: fc.json({ maxDepth: 1 }).filter((text) => !/\\u0000|\\ud[89a-f]/i.test(text)),
    expected: fc.oneof(words, junk),
    equal: [['null', null]],
    unequal: [],
    isPushed: false,
  },
  mood: {
    ...printedAs(['sad', 'ok', "it's"]),
    equal: [
      ['sad', 'sad'],
      ["it's", "it's"],
    ],
    unequal: [
      ['sad', 'glad'],
      ['sad', 0],
    ],
  },
  cents: {
    stored: integers(64),
    expected: NUMBER_WORDS,
    equal: [
      ['42', 42],
      ['42', '42'],
    ],
    unequal: [['42', 43]],
  },
  short: { stored: sane, expected: fc.oneof(words, junk), equal: [['a', 'a']], unequal: [['a', 'b']] },
  pair: {
    stored: fc.constantFrom('(42.00,a,"2024-01-01 00:00:00+00")', '(,,)', '(1,"a ""q"" \\\\ ,",)', '(,"",)'),
    expected: fc.oneof(
      fc.constantFrom<unknown>(
        { n: 42 },
        { t: 'a', n: '42' },
        { n: null },
        {},
        { t: '' },
        { at: new Date('2024-01-01') },
        { x: 1 },
      ),
      junk,
    ),
    equal: [
      ['(42.00,a,"2024-01-01 00:00:00+00")', { n: 42, at: new Date('2024-01-01') }],
      ['(,,)', { n: null }],
      ['(1,"a ""q"" \\\\ ,",)', { t: 'a "q" \\ ,' }],
    ],
    unequal: [
      ['(,,)', null],
      ['(1,,)', { n: 2 }],
      ['(1,,)', { m: 1 }],
    ],
  },
  nested: {
    stored: fc.constantFrom('("(1,x,)","{1,2}")', '(,)', '("(,,)",{})'),
    expected: fc.oneof(
      fc.constantFrom<unknown>({ p: { n: 1 } }, { l: [1, 2] }, { p: null }, { l: [] }, { p: { t: 'x' }, l: [1] }),
      junk,
    ),
    equal: [
      ['("(1,x,)","{1,2}")', { p: { n: 1 }, l: [1, 2] }],
      ['(,)', { p: null }],
    ],
    unequal: [['("(,,)",{})', { p: null }]],
  },
  'int4[]': {
    stored: fc.constantFrom('{1,2}', '{}', '{NULL}', '{1,NULL,2}', '{{1,2},{3,4}}', '[0:1]={1,2}'),
    expected: fc.oneof(
      fc.constantFrom<unknown>(
        [1, 2],
        [],
        [null],
        [1, null, 2],
        [
          [1, 2],
          [3, 4],
        ],
        ['1', '2'],
        [1n, 2],
        [1.5, 2],
        [2 ** 40],
      ),
      junk,
    ),
    equal: [
      ['{1,2}', [1, 2]],
      ['[0:1]={1,2}', [1, 2]],
      [
        '{{1,2},{3,4}}',
        [
          [1, 2],
          [3, 4],
        ],
      ],
      ['{}', []],
      ['{1,NULL}', [1, null]],
    ],
    unequal: [
      ['{1,2}', [1]],
      ['{1,2}', [2, 1]],
      ['{{1,2}}', [1, 2]],
    ],
    isPushed: false,
  },
  'text[]': {
    stored: fc.constantFrom('{a,b}', '{"a b","q\\"q",NULL,"NULL",""}', '{}', '{A}'),
    expected: fc.oneof(
      fc.array(words, { maxLength: 2 }),
      fc.constantFrom<unknown>(['a', 'b'], ['a b', 'q"q', null, 'NULL', ''], ['a']),
      junk,
    ),
    equal: [['{"a b","q\\"q",NULL,"NULL",""}', ['a b', 'q"q', null, 'NULL', '']]],
    unequal: [
      ['{A}', ['a']],
      ['{a,b}', '{a,b}'],
    ],
    isPushed: false,
  },
  'loose_text[]': {
    stored: fc.constantFrom('{a,b}', '{A}', '{ä}'),
    expected: fc.array(words, { maxLength: 2 }),
    equal: [['{a}', ['a']]],
    unequal: [['{A}', ['a']]],
    isPushed: false,
  },
  'numeric[]': {
    stored: fc.constantFrom('{42.00,1}', '{NaN}', '{}'),
    expected: fc.oneof(fc.array(numbers, { maxLength: 2 }), junk),
    equal: [['{42.00,1}', [42, '1.0']]],
    unequal: [['{42}', [43]]],
    isPushed: false,
  },
  'float4[]': {
    stored: fc.constantFrom('{0.1}', '{NaN,0}'),
    expected: fc.array(numbers, { maxLength: 2 }),
    equal: [['{0.1}', [0.1]]],
    unequal: [['{0.1}', [0.2]]],
    isPushed: false,
  },
  'mood[]': {
    stored: fc.constantFrom('{sad,ok}', '{}'),
    expected: fc.array(fc.constantFrom('sad', 'ok', 'x'), { maxLength: 2 }),
    equal: [['{sad,ok}', ['sad', 'ok']]],
    unequal: [['{sad}', ['ok']]],
    isPushed: false,
  },
  'timestamptz[]': {
    stored: fc.constantFrom('{2024-01-01 00:00:00.000999+00}'),
    expected: fc.array(dates, { maxLength: 2 }),
    equal: [['{2024-01-01 00:00:00.000999+00}', [new Date('2024-01-01')]]],
    unequal: [['{2024-01-01 00:00:00.001+00}', [new Date('2024-01-01')]]],
    isPushed: false,
  },
  'bytea[]': {
    stored: fc.constantFrom('{"\\\\x61"}'),
    expected: fc.array(fc.uint8Array(), { maxLength: 1 }),
    equal: [['{"\\\\x61"}', [Buffer.from('a')]]],
    unequal: [['{"\\\\x61"}', ['a']]],
    isPushed: false,
  },
  'bool[]': {
    stored: fc.constantFrom('{t,f}'),
    expected: fc.array(fc.boolean(), { maxLength: 2 }),
    equal: [['{t,f}', [true, false]]],
    unequal: [['{t}', [false]]],
    isPushed: false,
  },
  'uuid[]': {
    ...printedAs(['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}']),
    equal: [['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', ['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11']]],
    unequal: [],
    isPushed: false,
  },
  'pair[]': {
    stored: fc.constantFrom('{"(1,a,)","(2,,)"}'),
    expected: fc.array(fc.constantFrom({ n: 1 }, { n: 2 }), { maxLength: 2 }),
    equal: [['{"(1,a,)","(2,,)"}', [{ n: 1 }, { n: 2, t: null }]]],
    unequal: [['{"(1,a,)"}', [{ n: 2 }]]],
    isPushed: false,
  },
  'cents[]': {
    stored: fc.constantFrom('{42,1}'),
    expected: fc.array(numbers, { maxLength: 2 }),
    equal: [['{42,1}', [42, 1n]]],
    unequal: [],
    isPushed: false,
  },
  'box[]': {
    stored: fc.constantFrom('{(2,2),(1,1);(4,4),(3,3)}'),
    expected: junk,
    equal: [['{(2,2),(1,1);(4,4),(3,3)}', ['(2,2),(1,1)', '(4,4),(3,3)']]],
    unequal: [],
    isPushed: false,
  },
  time: {
    ...printedAs(['10:00:00', '24:00:00', '10:00:00.5']),
    equal: [['10:00', '10:00:00']],
    unequal: [['10:00', '10:00']],
  },
  timetz: {
    ...printedAs(['10:00:00+02', '10:00:00+00']),
    equal: [['10:00+02', '10:00:00+02']],
    unequal: [['10:00+02', '08:00:00+00']],
  },
  inet: {
    ...printedAs(['10.0.0.1', '10.0.0.0/8', '::1']),
    equal: [
      ['10.0.0.1/32', '10.0.0.1'],
      ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ],
    unequal: [['10.0.0.1', '10.0.0.2']],
  },
  cidr: { ...printedAs(['10.0.0.0/8', '::1/128']), equal: [['10.0.0.0/8', '10.0.0.0/8']], unequal: [] },
  macaddr: { ...printedAs(['08:00:2b:01:02:03']), equal: [['08:00:2B:01:02:03', '08:00:2b:01:02:03']], unequal: [] },
  macaddr8: {
    ...printedAs(['08:00:2b:01:02:03:04:05']),
    equal: [['08:00:2b:01:02:03:04:05', '08:00:2b:01:02:03:04:05']],
    unequal: [],
  },
  money: { ...printedAs(['$42.00', '-$1,234.50']), equal: [['42', '$42.00']], unequal: [['42', '42.00']] },
  'bit(4)': { ...printedAs(['0101', '0000']), equal: [['0101', '0101']], unequal: [['0101', 101]] },
  varbit: { ...printedAs(['01', '', '0101']), equal: [['01', '01']], unequal: [['01', '1']] },
  xml: { ...printedAs(['<a/>', '<a>1</a>']), equal: [['<a/>', '<a/>']], unequal: [['<a/>', '<a></a>']] },
  tsvector: { ...printedAs(["'a' 'b'"]), equal: [['b a', "'a' 'b'"]], unequal: [] },
  tsquery: { ...printedAs(["'a' & 'b'"]), equal: [['a & b', "'a' & 'b'"]], unequal: [] },
  jsonpath: { ...printedAs(['$."a"']), equal: [['$.a', '$."a"']], unequal: [] },
  pg_lsn: { ...printedAs(['0/16B3748']), equal: [['0/16B3748', '0/16B3748']], unequal: [] },
  point: { ...printedAs(['(1,2)']), equal: [], unequal: [], isPushed: false },
  circle: { ...printedAs(['<(1,2),3>']), equal: [], unequal: [], isPushed: false },
  box: { ...printedAs(['(2,2),(1,1)']), equal: [['(1,1),(2,2)', '(2,2),(1,1)']], unequal: [] },
  line: { ...printedAs(['{1,2,3}']), equal: [['{1,2,3}', '{1,2,3}']], unequal: [] },
  lseg: { ...printedAs(['[(1,1),(2,2)]']), equal: [], unequal: [] },
  path: { ...printedAs(['((1,1),(2,2))']), equal: [], unequal: [] },
  polygon: { ...printedAs(['((1,1),(2,2))']), equal: [], unequal: [] },
  int4range: { ...printedAs(['[1,10)', 'empty', '(,5)']), equal: [['[1,9]', '[1,10)']], unequal: [['[1,9]', '[1,9]']] },
  int8range: { ...printedAs(['[1,10)']), equal: [['[1,10)', '[1,10)']], unequal: [] },
  numrange: { ...printedAs(['[1.0,10)']), equal: [['[1.0,10)', '[1.0,10)']], unequal: [] },
  daterange: {
    ...printedAs(['[2024-01-01,2024-02-01)']),
    equal: [['[2024-01-01,2024-01-31]', '[2024-01-01,2024-02-01)']],
    unequal: [],
  },
  tstzrange: {
    ...printedAs(['["2024-01-01 00:00:00+00",)']),
    equal: [['[2024-01-01 00:00:00+00,)', '["2024-01-01 00:00:00+00",)']],
    unequal: [],
  },
  tsrange: { ...printedAs(['["2024-01-01 00:00:00",)']), equal: [], unequal: [] },
  int4multirange: { ...printedAs(['{[1,3),[5,6)}']), equal: [['{[5,5],[1,2]}', '{[1,3),[5,6)}']], unequal: [] },
  regclass: { ...printedAs(['pg_class']), equal: [['pg_class', 'pg_class']], unequal: [] },
  xid8: { ...printedAs(['42']), equal: [['42', '42']], unequal: [] },
};

/** What SQL says of each stored value (undefined: it has no say), and what memory says. */
async function verdicts(type: string, stored: readonly (string | null)[], expected: unknown) {
  const shape = await queryShape(db, `select null::${type} as v`, []);
  const column = shape.byName.get('v') as Column;
  const parameters = new Parameters([stored]);
  const part = predicate(column, expected, parameters.bind);
  const { rows } = await db.run({
    text: `select v, coalesce((${part ?? 'null::bool'})::int, 0) as hit from (select t::${type} as v, i from unnest($1::text[]) with ordinality u(t, i)) s order by i`,
    values: parameters.values,
    types: db.sourceTypes,
  });
  return (rows as { v: unknown; hit: number }[]).map(({ v, hit }) => ({
    sql: part === undefined ? undefined : hit === 1,
    memory: same(column.type.codec, v, expected),
    value: v,
  }));
}

describe.each(Object.entries(SPECS))('%s', (type, spec) => {
  test('edge cases', async () => {
    for (const [stored, expected] of spec.equal) {
      const [verdict] = await verdicts(type, [stored], expected);
      expect(verdict, `${stored} equals ${String(expected)}`).toMatchObject({ memory: true });
      if (spec.isPushed !== false) expect(verdict, `${stored} equals ${String(expected)}`).toMatchObject({ sql: true });
    }
    for (const [stored, expected] of spec.unequal) {
      const [verdict] = await verdicts(type, [stored], expected);
      expect(verdict, `${stored} is not ${String(expected)}`).toMatchObject({ memory: false });
      if (spec.isPushed !== false)
        expect(verdict, `${stored} is not ${String(expected)}`).toMatchObject({ sql: false });
    }
    const [none, some] = await verdicts(type, [null, spec.equal[0]?.[0] ?? null], null);
    expect(none).toMatchObject({ sql: true, memory: true, value: null });
    if (some!.value !== null) expect(some).toMatchObject({ sql: false, memory: false });
  });

  test('SQL and memory agree', async () => {
    let pushed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(spec.stored), { minLength: 1, maxLength: 12 }),
        spec.expected,
        async (stored, expected) => {
          // What is stored is asked for too, as a test reads it: else random values would seldom be equal.
          const read = (await verdicts(type, stored, null)).map(({ value }) => value);
          for (const wanted of [expected, read[0]]) {
            for (const { sql, memory, value } of await verdicts(type, stored, wanted)) {
              if (sql === undefined) continue;
              pushed += 1;
              // Generic comparison is the matchers'; only documents' plain values are both pushed and left to it.
              const verdict = memory ?? Object.is(value, wanted);
              if (sql !== verdict) {
                expect.fail(`${type}: ${String(value)} = ${String(wanted)}: SQL says ${sql}, memory ${verdict}`);
              }
              if (Object.is(value, wanted)) expect(verdict).toBe(true);
            }
          }
        },
      ),
      { numRuns: 25 },
    );
    expect(pushed).toBeGreaterThan(0);
  });
});
