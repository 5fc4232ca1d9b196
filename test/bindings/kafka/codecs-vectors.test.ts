/** Codecs against bytes that other implementations made (test/vectors). */
import { expect, test } from 'vitest';
import type { AvroSchema, Codec } from '../../../preset/index.ts';
import {
  avro,
  decode,
  double,
  encode,
  float,
  int16,
  int32,
  int64,
  protobuf,
  text,
  uuid,
} from '../../../preset/index.ts';
import { vectors, vectorsDir } from './vectors.ts';

interface AvroVectors {
  cases: { name: string; schema: AvroSchema; value: unknown; hex: string }[];
  read: { name: string; schema: AvroSchema; value: unknown; hex: string }[];
  evolution: { name: string; writer: AvroSchema; reader: AvroSchema; value: unknown; hex: string }[];
}
interface ProtobufVectors {
  cases: { name: string; message: string; value: Record<string, unknown>; hex: string }[];
}
interface KafkaVectors {
  cases: { codec: string; value: string; hex: string }[];
}

const fastavro = vectors<AvroVectors>('avro');
test.each(fastavro.cases)("avro as fastavro's: $name", async ({ schema, value, hex }) => {
  const codec = avro(schema);
  expect((await encode(codec, value))?.toString('hex') ?? '').toBe(hex);
  expect(await decode(codec, Buffer.from(hex, 'hex'))).toStrictEqual(value);
});

test.each(fastavro.read)('avro, only read: $name', async ({ schema, value, hex }) => {
  expect(await decode(avro(schema), Buffer.from(hex, 'hex'))).toStrictEqual(value);
});

test.each(fastavro.evolution)('avro, writer and reader: $name', async ({ writer, reader, value, hex }) => {
  expect(await decode(avro(reader, { writer }), Buffer.from(hex, 'hex'))).toStrictEqual(value);
});

const proto = { baseDir: `${vectorsDir}proto` };
test.each(vectors<ProtobufVectors>('protobuf').cases)(
  "protobuf as Python's protobuf: $name",
  async ({ message, value, hex }) => {
    const codec = protobuf('./shipped.proto', message);
    expect((await encode(codec, value, proto))?.toString('hex')).toBe(hex);
    expect(await decode(codec, Buffer.from(hex, 'hex'), proto)).toStrictEqual(value);
  },
);

const number = (codec: Codec<number>) => ({ codec, parse: Number });
const PLAIN: Record<string, { codec: Codec<unknown, never>; parse: (text: string) => unknown }> = {
  int16: number(int16()),
  int32: number(int32()),
  int64: { codec: int64(), parse: (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : BigInt(value)) },
  float: { codec: float(), parse: (value) => Math.fround(Number(value)) },
  double: number(double()),
  text: { codec: text(), parse: (value) => value },
  uuid: { codec: uuid(), parse: (value) => value },
};
test.each(vectors<KafkaVectors>('kafka').cases)(
  "$codec as Kafka's serializer: $value",
  async ({ codec: name, value, hex }) => {
    const { codec, parse } = PLAIN[name]!;
    expect((await encode(codec, parse(value) as never))?.toString('hex')).toBe(hex);
    expect(await decode(codec, Buffer.from(hex, 'hex'))).toBe(parse(value));
  },
);
