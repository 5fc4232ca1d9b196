/** Codecs without Kafka: what a user writes, and what a failure says. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { automatic } from '../../../bindings/kafka/codecs/automatic.ts';
import { prepareCodec } from '../../../bindings/kafka/ready.ts';
import { once } from '../../../bindings/kafka/schemas/file.ts';
import {
  avro,
  bytes,
  type Codec,
  Decimal,
  type DecodeError,
  decode,
  double,
  encode,
  float,
  int16,
  int32,
  int64,
  isQaError,
  json,
  protobuf,
  text,
  uuid,
} from '../../../preset/index.ts';

const message = (promise: Promise<unknown>) =>
  promise.then(
    (value) => expect.fail(`gave ${JSON.stringify(value)}`),
    (error: Error) => error.message,
  );

function folder(files: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), 'qa-codecs-'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), content);
  }
  return dir;
}

const orders = { topic: 'orders' };
const record = (...fields: object[]) => ({ type: 'record', name: 'Order', namespace: 'shop', fields });
const roundTrip = async <Out, In>(codec: Codec<Out, In>, value: NoInfer<In>) =>
  decode(codec, await encode(codec, value));

describe("a codec of one's own", () => {
  const csv: Codec<string[]> = {
    name: 'csv',
    encode: (cells) => Buffer.from(cells.join(',')),
    decode: (data) => data.toString().split(','),
  };

  test('three lines are enough; null never reaches it', async () => {
    expect(await roundTrip(csv, ['a', 'b'])).toEqual(['a', 'b']);
    expect(await encode(csv, null)).toBeNull();
    expect(await decode(csv, null)).toBeNull();
  });

  test('it gets topic, part and headers, and may be asynchronous', async () => {
    const echo: Codec<string> = {
      name: 'echo',
      encode: async (value, { topic, part, headers }) => {
        headers.seen = value;
        return Buffer.from(`${topic}/${part}`);
      },
      decode: async (data, { headers }) => `${data} ${headers.seen}`,
    };
    const headers = {};
    const data = await encode(echo, 'x', { topic: 'orders', part: 'key', headers });
    expect(await decode(echo, data, { headers })).toBe('orders/key x');
  });

  test('what it throws is told with topic and part; a missing direction too', async () => {
    const broken: Codec<string> = {
      name: 'broken',
      encode: () => {
        throw new Error('no ink');
      },
      decode: () => Promise.reject(new Error('no light')),
    };
    expect(await message(encode(broken, 'x', { topic: 'orders', part: 'key' }))).toBe(
      'The key of a message on `orders` could not be encoded as broken: no ink. Correct what is sent, or the codec that the topic is declared with.',
    );
    expect(await message(decode(broken, Buffer.from('hi'), orders))).toBe(
      'The value of a message on `orders` could not be decoded as broken: no light. Its 2 bytes: 68 69. See whether the topic is declared with the codec that its producer uses.',
    );
    expect(await message(encode({ name: 'reader', decode: String } as Codec<string>, 'x'))).toContain(
      'has no `encode`',
    );
    expect(await message(decode({ name: 'writer', encode: () => null } as Codec<string>, Buffer.of(1)))).toContain(
      'has no `decode`',
    );
    expect(await message(encode({ name: 'text', encode: () => 'text' as never } as Codec<string>, 'x'))).toContain(
      "must give a Buffer or null, but gave 'text'",
    );
  });
});

describe('text, bytes, numbers', () => {
  test.each<[Codec<unknown, never>, unknown, string]>([
    [text(), 5, 'value: expected a string, got 5'],
    [text(), 'half \ud800', 'half a surrogate pair'],
    [bytes(), 'x', "value: expected a Buffer or Uint8Array, got 'x'"],
    [uuid(), 'x', "value: expected a UUID, got 'x'"],
    [int16(), 40_000, 'value: expected int16 (a whole number from -32768 to 32767), got 40000'],
    [int32(), 1.5, 'value: expected int32'],
    [int64(), 2 ** 53, 'value: expected int64 (beyond 2^53 as a bigint), got 9007199254740992'],
    [int64(), 2n ** 63n, 'value: expected int64'],
    [float(), '1', "value: expected float, got '1'"],
    [double(), undefined, ''],
  ])('%o refuses %o', async (codec, value, expected) => {
    if (value === undefined) expect(await encode(codec, value as never)).toBeNull();
    else expect(await message(encode(codec, value as never))).toContain(expected);
  });

  test.each<[Codec<unknown, never>, string, string]>([
    [text(), 'ff', 'the bytes are no UTF-8'],
    [uuid(), '00', 'not the text of a UUID'],
    [int32(), '0000', 'int32 has 4 bytes, but these are 2'],
  ])('%o does not decode %s', async (codec, hex, expected) => {
    expect(await message(decode(codec, Buffer.from(hex, 'hex')))).toContain(expected);
  });

  test('a failure shows the first 32 bytes, and is an error object', async () => {
    const failure = (await decode(uuid(), Buffer.alloc(100, 0xab)).catch((error) => error)) as DecodeError;
    expect(isQaError(failure)).toBe(true);
    expect(failure).toMatchObject({ code: 'QA_DECODE', codec: 'uuid', size: 100, part: 'value' });
    expect(failure.hex).toBe(`${Array(32).fill('ab').join(' ')} …`);
  });

  test('decoding is synchronous once a codec is prepared', async () => {
    const ready = await prepareCodec(json(), { baseDir: tmpdir() });
    const context = { topic: 'orders', part: 'value', headers: {} } as const;
    expect(ready.decode(Buffer.from('{"id":1}'), context)).toEqual({ id: 1 });
    expect(() => ready.decode(Buffer.from('{'), context)).toThrow('no JSON');
  });

  test('an undeclared topic: JSON if it parses, else text, else bytes', async () => {
    const codec = automatic();
    const seen = await Promise.all(
      ['{"a":1}', 'plain', '\xff'].map((part) => decode(codec, Buffer.from(part, 'latin1'))),
    );
    expect(seen).toEqual([{ a: 1 }, 'plain', Buffer.of(0xff)]);
    const sent = await Promise.all([{ a: 1 }, 'plain', Buffer.of(0xff)].map((value) => encode(codec, value)));
    expect(sent.map(String)).toEqual(['{"a":1}', 'plain', '\ufffd']);
  });
});

describe('json', () => {
  const schema = {
    type: 'object',
    required: ['id'],
    additionalProperties: false,
    properties: {
      id: { type: 'string' },
      status: { enum: ['NEW', 'PAID'] },
      items: { type: 'array', items: { type: 'object', properties: { price: { type: 'number', minimum: 0 } } } },
    },
  };

  test.each([
    [{ a: [1, Number.NaN] }, 'value.a[1]: expected a number that JSON has, got NaN'],
    [{ 'b c': 5n }, "value['b c']: expected a number or a text (JSON has no bigint), got 5n"],
    [{ m: new Map() }, 'value.m: expected an object or a list'],
    [{ f() {} }, 'value.f: expected a JSON value, got a function'],
    [Buffer.from('x'), 'value: expected a JSON value (bytes could go as a base64 text), got 1 bytes'],
  ])('what JSON would lose is refused: %o', async (value, expected) => {
    expect(await message(encode(json(), value))).toContain(expected);
  });

  test('a Date and a Decimal go as their texts', async () => {
    expect(String(await encode(json(), { at: new Date(0), total: Decimal.from('1.50') }))).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","total":"1.50"}',
    );
  });

  test.each([
    [{ id: 'a', items: [{}, {}, { price: '12' }] }, "value.items[2].price: expected number, got '12'"],
    [{ items: [] }, 'value.id: expected a value, got nothing'],
    [{ id: 'a', totl: 1 }, 'value.totl: the schema has no such property'],
    [{ id: 'a', status: 'PAYED' }, "value.status: expected one of 'NEW', 'PAID', got 'PAYED'"],
    [{ id: 'a', items: [{ price: -1 }] }, 'value.items[0].price: must be >= 0, got -1'],
  ])('a schema refuses %o, sent or received', async (value, expected) => {
    expect(await message(encode(json({ schema }), value))).toContain(expected);
    expect(await message(decode(json({ schema }), Buffer.from(JSON.stringify(value))))).toContain(expected);
  });

  test('schemas from files, of drafts 7, 2019-09 and 2020-12; formats are judged', async () => {
    for (const draft of [
      'http://json-schema.org/draft-07/schema#',
      'https://json-schema.org/draft/2019-09/schema',
      'https://json-schema.org/draft/2020-12/schema',
    ]) {
      const baseDir = folder({
        's.json': JSON.stringify({ $schema: draft, properties: { at: { type: 'string', format: 'date' } } }),
      });
      const codec = json({ schema: './s.json' });
      expect(String(await encode(codec, { at: '2026-01-31' }, { baseDir }))).toContain('2026');
      expect(await message(encode(codec, { at: 'x' }, { baseDir }))).toContain('value.at: must match format "date"');
    }
    const old = json({ schema: { $schema: 'http://json-schema.org/draft-04/schema#' } });
    expect(await message(encode(old, {}))).toContain('drafts 7, 2019-09 and 2020-12 are read');
    expect(await message(encode(json({ schema: { type: 'strin' } }), {}))).toContain('json(): the schema is wrong');
  });
});

describe('avro', () => {
  const order = record(
    { name: 'id', type: 'string' },
    {
      name: 'items',
      type: { type: 'array', items: { type: 'record', name: 'Item', fields: [{ name: 'price', type: 'int' }] } },
      default: [],
    },
    { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['NEW', 'PAID'] }, default: 'NEW' },
    { name: 'total', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 }], default: null },
    { name: 'note', type: ['null', 'string'], default: null },
  );

  test('defaults fill what is left out', async () => {
    expect(await roundTrip(avro(order), { id: 'o-1' })).toEqual({
      id: 'o-1',
      items: [],
      status: 'NEW',
      total: null,
      note: null,
    });
  });

  test.each([
    [{ id: 'a', items: [{ price: 1 }, { price: 2 }, { price: '12' }] }, "value.items[2].price: expected int, got '12'"],
    [{ id: 'a', items: [{ price: 2 ** 31 }] }, 'value.items[0].price: expected int, got 2147483648'],
    [{ id: 'a', items: {} }, 'value.items: expected array, got {}'],
    [{}, 'value.id: expected string, got nothing'],
    [{ id: null }, 'value.id: expected string, got null'],
    [{ id: 'a', stauts: 'NEW' }, 'value.stauts: record shop.Order has no such field. Did you mean `status`?'],
    [{ id: 'a', status: 'PAYED' }, "value.status: expected enum shop.Status, got 'PAYED'. Did you mean `PAID`?"],
    [{ id: 'a', total: 1.005 }, 'value.total: expected decimal(6,2), got 1.005'],
    [{ id: 'a', total: 123456 }, 'value.total: expected decimal(6,2), got 123456. It has too many digits'],
    [{ id: 'a', total: 'x' }, "value.total: expected decimal(6,2), got 'x'"],
    ['text', "value: expected record shop.Order, got 'text'"],
  ])('%o is refused', async (value, expected) => {
    expect(await message(encode(avro(order), value))).toContain(expected);
  });

  test('a decimal takes numbers, bigints, texts and Decimals, and equals them', async () => {
    for (const total of [42, 42n, '42', '42.00', Decimal.from('42.0')]) {
      const back = (await roundTrip(avro<{ total: Decimal }>(order), { id: 'a', total } as never))!;
      expect(String(back.total)).toBe('42.00');
      expect(back.total.equals(total)).toBe(true);
    }
  });

  describe('unions', () => {
    const card = { type: 'record', name: 'Card', namespace: 'shop', fields: [{ name: 'id', type: 'string' }] };
    const token = {
      type: 'record',
      name: 'Token',
      namespace: 'shop',
      fields: [
        { name: 'id', type: 'string' },
        { name: 'ttl', type: 'int', default: 5 },
      ],
    };
    const codec = (...branches: unknown[]) => avro(record({ name: 'v', type: branches }));
    const branchOf = async (branches: unknown[], v: unknown) => (await encode(codec(...branches), { v }))![0]! / 2;

    test('the branch that holds the value exactly is taken', async () => {
      expect(await branchOf(['int', 'long', 'double'], 5)).toBe(0);
      expect(await branchOf(['int', 'long', 'double'], 2 ** 40)).toBe(1);
      expect(await branchOf(['int', 'long', 'double'], 0.5)).toBe(2);
      expect(await branchOf(['float', 'double'], 0.1)).toBe(1);
      expect(await branchOf(['float', 'double'], 0.5)).toBe(0);
      expect(await branchOf(['string', { type: 'long', logicalType: 'timestamp-millis' }], new Date(0))).toBe(1);
      expect(await branchOf(['string', 'bytes'], Buffer.from('x'))).toBe(1);
      expect(await branchOf([{ type: 'enum', name: 'E', symbols: ['A'] }, 'string'], 'A')).toBe(0);
      expect(await branchOf([{ type: 'enum', name: 'E', symbols: ['A'] }, 'string'], 'B')).toBe(1);
      expect(await branchOf(['null', { type: 'array', items: 'int' }, { type: 'map', values: 'int' }], { a: 1 })).toBe(
        2,
      );
    });

    test('where two records fit, one must be named; it is shown without the name', async () => {
      expect(await message(encode(codec(card, token), { v: { id: 'x' } }))).toContain(
        "value.v: expected shop.Card or shop.Token, got { id: 'x' }. It fits shop.Card or shop.Token: name one, as { 'shop.Card': … }",
      );
      expect(await roundTrip(codec(card, token), { v: { 'shop.Token': { id: 'x' } } })).toEqual({
        v: { id: 'x', ttl: 5 },
      });
      expect(await roundTrip(codec(card, token), { v: { id: 'x', ttl: 9 } })).toEqual({ v: { id: 'x', ttl: 9 } });
      expect(await message(encode(codec(card, token), { v: { 'shop.Token': { id: 5 } } }))).toContain(
        "value.v['shop.Token'].id: expected string, got 5",
      );
    });

    test('nothing fits: all branches are named; an only one tells its own path', async () => {
      expect(await message(encode(codec('null', 'int', card), { v: 'x' }))).toContain(
        "value.v: expected null or int or shop.Card, got 'x'",
      );
      expect(await message(encode(codec('null', card), { v: { id: 1 } }))).toContain(
        'value.v.id: expected string, got 1',
      );
    });
  });

  test('schemas in several files', async () => {
    const baseDir = folder({
      'money.avsc': '{"type":"record","name":"shop.Money","fields":[{"name":"units","type":"long"}]}',
      'order.avsc': '{"type":"record","name":"shop.Order","fields":[{"name":"total","type":"Money"}]}',
    });
    const codec = avro('./order.avsc', { types: ['./money.avsc'] });
    expect(await decode(codec, await encode(codec, { total: { units: 1 } }, { baseDir }), { baseDir })).toEqual({
      total: { units: 1 },
    });
    expect(await message(encode(avro('./order.avsc'), {}, { baseDir }))).toContain(
      `avro(): the schema ${join(baseDir, 'order.avsc')} is wrong: fields.total: the type \`Money\` is not known`,
    );
  });

  test.each([
    ['{"type":"record"', 'it is no JSON'],
    ['{"type":"record","name":"A"}', 'a record has a list of `fields`'],
    ['{"type":"record","name":"A","fields":[{"name":"x","type":"strin"}]}', 'fields.x: the type `strin` is not known'],
    ['{"type":"record","name":"A-B","fields":[]}', 'A-B'],
    ['{"type":"enum","name":"E"}', 'a list of `symbols`'],
    ['{"type":"record","name":"A","fields":[{"name":"x","type":"int","default":"y"}]}', 'default'],
  ])('a wrong schema names file and place: %s', async (schema, expected) => {
    const baseDir = folder({ 'bad.avsc': schema });
    const failure = await encode(avro('./bad.avsc'), {}, { baseDir }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'QA_MESSAGE_SCHEMA' });
    expect(failure.message).toContain(join(baseDir, 'bad.avsc'));
    expect(failure.message).toContain(expected);
    expect(failure.message).toMatch(/Correct the file\.$/);
  });

  test('a missing file, an unknown option', async () => {
    const failure = await encode(avro('./no.avsc'), {}, { baseDir: '/tmp' }).catch((error) => error);
    expect(failure.message).toBe(
      'avro(): the schema file /tmp/no.avsc does not exist. Correct the path; it starts from /tmp.',
    );
    expect(await message(encode(avro('./x.avsc', { type: [] } as never), {}))).toContain('Did you mean `types`?');
  });

  test('a writer that the reader cannot take', async () => {
    const codec = avro(record({ name: 'n', type: 'int' }), { writer: record({ name: 's', type: 'string' }) });
    const text = await message(decode(codec, Buffer.of(2, 0x61)));
    expect(text).toContain('What was written as shop.Order cannot be read as shop.Order');
    expect(text).toContain('Give the new fields a default');
  });

  test.each([
    ['too short', '0a61', 'the bytes end too early: at byte 1, 5 more are wanted'],
    ['too long', '0261000000000001', 'left over after the value'],
    ['a negative length', '03', 'a length of -2'],
    ['a count beyond reason', '0261feffffffffffffff7f', 'the bytes end too early'],
    ['an unknown branch', '0261000008', 'there is no branch of a union 4'],
    ['JSON', Buffer.from('{"id":"o-1"}').toString('hex'), 'a length of -62'],
  ])('foreign bytes end at once: %s', async (_, hex, expected) => {
    expect(await message(decode(avro(order), Buffer.from(hex, 'hex')))).toContain(expected);
  });

  test('a list of nothing without end ends too', async () => {
    const codec = avro({ type: 'array', items: 'null' });
    expect(await message(decode(codec, Buffer.from('feffffffffffffff7f00', 'hex')))).toContain('items without bytes');
  });
});

describe('protobuf', () => {
  const proto = (body: string) => folder({ 's.proto': `syntax = "proto3"; package shop; ${body}` });

  test.each([
    ['{ ns: [1, x] }', { ns: [1, 'x'] }, "value.ns[1]: expected int32, got 'x'"],
    ['a slip', { order_id: 'a' }, 'value.order_id: message shop.M has no such field. Did you mean `orderId`?'],
    ['an enum', { k: 'BB' }, "value.k: expected enum shop.K, got 'BB'. Did you mean `B`?"],
    ['a oneof', { a: 'x', b: 1 }, "value: expected one of `either` at most, got 'a and b'"],
    ['out of range', { u: -1 }, 'value.u: expected uint64, got -1'],
    ['nested', { m: { units: 1.5 } }, 'value.m.units: expected int64, got 1.5'],
    ['a map', { mm: { x: 'y' } }, "value.mm.x: expected int64, got 'y'"],
    ['a list', { ns: 5 }, 'value.ns: expected list of int32, got 5'],
  ])('%s is refused', async (_, value, expected) => {
    const baseDir = proto(
      'enum K { A = 0; B = 1; } message Money { int64 units = 1; } message M { string order_id = 1; repeated int32 ns = 2; K k = 3; oneof either { string a = 4; int32 b = 5; } uint64 u = 6; Money m = 7; map<string, int64> mm = 8; }',
    );
    expect(await message(encode(protobuf('./s.proto', 'shop.M'), value, { baseDir }))).toContain(expected);
  });

  test('names as the file writes them, on request; null is a field that is not there', async () => {
    const baseDir = proto('message M { string order_id = 1; optional int32 floor = 2; }');
    const codec = protobuf('./s.proto', 'shop.M', { keepCase: true });
    expect(await decode(codec, await encode(codec, { order_id: 'a', floor: null }, { baseDir }), { baseDir })).toEqual({
      order_id: 'a',
    });
  });

  test('proto2: a required field must be there, defaults are not invented', async () => {
    const baseDir = folder({
      's.proto': 'syntax = "proto2"; message M { required string id = 1; optional int32 n = 2 [default = 7]; }',
    });
    const codec = protobuf('./s.proto', 'M');
    expect(await message(encode(codec, { n: 1 }, { baseDir }))).toContain('value.id: expected string, got nothing');
    expect(await decode(codec, await encode(codec, { id: 'a' }, { baseDir }), { baseDir })).toEqual({ id: 'a' });
  });

  test('a missing file, message, import; a wrong file', async () => {
    const baseDir = folder({
      'a.proto': 'syntax = "proto3"; import "deep/b.proto"; message A { B b = 1; }',
      'c.proto': 'syntax = "proto3"; mesage C {}',
      'lib/deep/b.proto': 'syntax = "proto3"; message B {}',
    });
    expect(await message(encode(protobuf('./no.proto', 'A'), {}, { baseDir }))).toContain(
      `${join(baseDir, 'no.proto')} does not exist`,
    );
    expect(await message(encode(protobuf('./a.proto', 'A'), {}, { baseDir }))).toContain(
      'imports "deep/b.proto", which is in none of',
    );
    const found = protobuf('./a.proto', 'A', { importPaths: ['./lib'] });
    expect((await encode(found, { b: {} }, { baseDir }))?.toString('hex')).toBe('0a00');
    expect(await message(encode(protobuf('./c.proto', 'C'), {}, { baseDir }))).toMatch(/c\.proto is wrong: .*mesage/);
    expect(await message(encode(protobuf('./a.proto', 'Aa', { importPaths: ['./lib'] }), {}, { baseDir }))).toContain(
      'has no message `Aa`. Did you mean `A`?',
    );
  });

  test('foreign bytes are an error', async () => {
    const baseDir = proto('message M { string id = 1; }');
    expect(await message(decode(protobuf('./s.proto', 'shop.M'), Buffer.from('0a05', 'hex'), { baseDir }))).toContain(
      'could not be decoded as protobuf shop.M',
    );
  });
});

test('schema files are parsed once, as long as they stay as they are', () => {
  const file = join(folder({ 'a.avsc': '1' }), 'a.avsc');
  let count = 0;
  const make = () => once('test', [file], () => ++count);
  expect([make(), make()]).toEqual([1, 1]);
  writeFileSync(file, '22');
  expect([make(), make()]).toEqual([2, 2]);
});

test('a library that is not installed: what to install', async () => {
  const { loadPeer } = await import('../../../bindings/core/peer.ts');
  expect(() =>
    loadPeer({ name: 'no-such-library', range: '>=1 <2' }, { from: '/', by: 'avro()', connection: 'kafka' }),
  ).toThrow(
    'qa.kafka: avro() needs the library `no-such-library`, which is not installed. Run: npm i -D no-such-library@">=1 <2"',
  );
});
