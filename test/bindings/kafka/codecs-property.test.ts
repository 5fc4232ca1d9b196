/** Codecs under values and bytes that nobody thought of. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { prepareCodec, type ReadyCodec } from '../../../bindings/kafka/ready.ts';
import { readSchemaId, writeHeader, writePrefix } from '../../../bindings/kafka/registry/wire.ts';
import {
  type AvroSchema,
  avro,
  Decimal,
  double,
  int16,
  int32,
  int64,
  isQaError,
  json,
  protobuf,
  text,
  uuid,
} from '../../../preset/index.ts';
import { vectorsDir } from './vectors.ts';

const context = { topic: 't', part: 'value', headers: {} } as const;

function back(codec: ReadyCodec<unknown, never>, value: unknown): unknown {
  const bytes = codec.encode(value as never, context) as Buffer;
  return codec.decode(bytes, context);
}

const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const long = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n));
const wellFormed = fc.string({ unit: 'binary' });
const real = fc.double({ noNaN: true });

test.each([
  ['text', text(), wellFormed],
  ['uuid', uuid(), fc.uuid()],
  ['int16', int16(), fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 })],
  ['int32', int32(), int],
  ['int64', int64(), long],
  ['double', double(), fc.double()],
  ['json', json(), fc.jsonValue({ noUnicodeString: false } as never)],
])('%s comes back as it went', async (_, codec, values) => {
  const ready = (await prepareCodec(codec as never, { baseDir: '/' })) as ReadyCodec<unknown, never>;
  fc.assert(
    fc.property(values as fc.Arbitrary<unknown>, (value) => {
      // JSON has one zero; null is a tombstone.
      const expected = codec.name === 'json' ? JSON.parse(JSON.stringify(value)) : value;
      expect(back(ready, value)).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});

/** A schema, and values that it holds as they are seen after decoding. */
interface Case {
  schema: AvroSchema;
  values: fc.Arbitrary<unknown>;
}

let names = 0;
const newName = () => {
  names += 1;
  return `R${names}`;
};
const scalars: fc.Arbitrary<Case> = fc.constantFrom<Case>(
  { schema: 'boolean', values: fc.boolean() },
  { schema: 'int', values: int },
  { schema: 'long', values: long },
  { schema: 'float', values: fc.float({ noNaN: true }) },
  { schema: 'double', values: real },
  { schema: 'string', values: wellFormed },
  { schema: 'bytes', values: fc.uint8Array().map((bytes) => Buffer.from(bytes)) },
  {
    schema: { type: 'int', logicalType: 'date' },
    values: fc
      .integer({ min: -20_000, max: 60_000 })
      .map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10)),
  },
  { schema: { type: 'long', logicalType: 'timestamp-millis' }, values: fc.date({ noInvalidDate: true }) },
  { schema: { type: 'long', logicalType: 'timestamp-micros' }, values: fc.date({ noInvalidDate: true }) },
  {
    schema: { type: 'bytes', logicalType: 'decimal', precision: 40, scale: 7 },
    values: fc.bigInt({ min: -(10n ** 40n) + 1n, max: 10n ** 40n - 1n }).map((n) => new Decimal(n, 7)),
  },
);
const { schema: anySchema } = fc.letrec<{ schema: Case }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars,
    tie('schema').map(({ schema, values }) => ({
      schema: { type: 'array', items: schema },
      values: fc.array(values, { maxLength: 4 }),
    })),
    tie('schema').map(({ schema, values }) => ({
      schema: { type: 'map', values: schema },
      values: fc.dictionary(
        fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
        values,
        { maxKeys: 3, noNullPrototype: true },
      ),
    })),
    tie('schema')
      .filter(({ schema }) => !Array.isArray(schema))
      .map(({ schema, values }) => ({ schema: ['null', schema], values: fc.option(values) })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 4 }).map((fields) => ({
      schema: {
        type: 'record',
        name: newName(),
        fields: fields.map(({ schema }, i) => ({ name: `f${i}`, type: schema })),
      },
      values: fc.record(Object.fromEntries(fields.map(({ values }, i) => [`f${i}`, values]))),
    })),
  ),
}));
/** Names are given anew, so that a type that stands twice is declared twice. */
const fresh = (schema: unknown): AvroSchema =>
  JSON.parse(JSON.stringify(schema), (key, value) => (key === 'name' && /^R\d/.test(value) ? newName() : value));

test('avro: any value of any schema comes back as it went', async () => {
  const property = fc.asyncProperty(
    anySchema.chain(({ schema, values }) => values.map((value) => ({ schema: fresh(schema), value }))),
    async ({ schema, value }) => {
      // A bare name would be a path.
      const codec = await prepareCodec(avro(typeof schema === 'string' ? { type: schema } : schema), {
        baseDir: process.cwd(),
      });
      expect(back(codec as ReadyCodec<unknown, never>, value)).toEqual(value);
    },
  );
  await fc.assert(property, { numRuns: 300 });
});

test('avro: any bytes under any schema are a value or an error, at once', async () => {
  const property = fc.asyncProperty(anySchema, fc.uint8Array({ maxLength: 40 }), async ({ schema }, bytes) => {
    const renamed = fresh(schema);
    const codec = await prepareCodec(avro(typeof renamed === 'string' ? { type: renamed } : renamed), {
      baseDir: process.cwd(),
    });
    const start = performance.now();
    try {
      codec.decode(Buffer.from(bytes), context);
    } catch (error) {
      if (!isQaError(error)) throw error;
      expect(error.code).toBe('QA_DECODE');
    }
    expect(performance.now() - start).toBeLessThan(500);
  });
  await fc.assert(property, { numRuns: 500 });
});

test('protobuf: any bytes are a message or an error; a message comes back as it went', async () => {
  const codec = (await prepareCodec(protobuf('./shipped.proto', 'shop.Shipped'), {
    baseDir: `${vectorsDir}proto`,
  })) as ReadyCodec<unknown, never>;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        codec.decode(Buffer.from(bytes), context);
      } catch (error) {
        if (!isQaError(error)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
  const shipped = fc.record({
    orderId: wellFormed,
    carrier: fc.constantFrom('CARRIER_UNKNOWN', 'POST', 'BIKE'),
    parcels: fc.array(int),
    weights: fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
      long,
      { noNullPrototype: true },
    ),
    notes: fc.dictionary(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String), wellFormed, {
      noNullPrototype: true,
    }),
    label: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    serial: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n)),
    offset: long,
    stamp: fc.nat(),
    ratio: real.map((n) => n + 0),
    share: fc.float({ noNaN: true }).map((n) => n + 0),
    express: fc.boolean(),
    steps: fc.array(fc.record({ place: wellFormed })),
    costs: fc.constant({ true: { units: 1, currency: 'EUR' } }),
    at: fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
  });
  fc.assert(
    fc.property(shipped, (value) => {
      expect(back(codec, value)).toEqual(value);
    }),
    { numRuns: 300 },
  );
});

test('ids of schemas: what is written is read', () => {
  const indexes = fc.array(fc.nat({ max: 5000 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.nat(), indexes, fc.uint8Array(), fc.uuid(), (id, path, payload, guid) => {
      const bytes = Buffer.concat([writePrefix({ id, indexes: path }, true), payload]);
      expect(readSchemaId(bytes, {}, 'value', true)).toEqual({
        schema: { id, indexes: path },
        payload: Buffer.from(payload),
      });
      const headers = { __key_schema_id: writeHeader(guid, path, true) };
      expect(readSchemaId(Buffer.from(payload), headers, 'key', true).schema).toEqual({ guid, indexes: path });
    }),
  );
});

test('a Decimal equals by value, and only numbers', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
      fc.nat({ max: 12 }),
      fc.nat({ max: 5 }),
      (unscaled, scale, zeros) => {
        const decimal = new Decimal(unscaled, scale);
        expect(Decimal.from(String(decimal)).equals(decimal)).toBe(true);
        expect(decimal.equals(`${decimal}${scale > 0 ? '0'.repeat(zeros) : ''}`)).toBe(true);
        expect(decimal.equals(new Decimal(unscaled + 1n, scale))).toBe(false);
        expect(new Decimal(unscaled).equals(unscaled)).toBe(true);
      },
    ),
  );
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => Decimal.from(number).equals(number)),
  );
  for (const other of [null, undefined, true, '', ' 1', '0x1', Number.NaN, [1], {}])
    expect(new Decimal(1n).equals(other)).toBe(false);
  expect(
    [new Decimal(-5n, 3), new Decimal(0n, 2), Decimal.from('1e3'), Decimal.from('.5'), Decimal.from('-1.5e-3')].map(
      String,
    ),
  ).toEqual(['-0.005', '0.00', '1000', '0.5', '-0.0015']);
  expect(new Decimal(150n, 2) > Decimal.from(1)).toBe(true);
  expect(JSON.stringify({ a: new Decimal(150n, 2) })).toBe('{"a":"1.50"}');
  expect(() => Decimal.from('x')).toThrow("Not a decimal number: 'x'.");
});
