/** What the compiler knows of codecs: judged by `tsc`, run only to exist. */
import { expectTypeOf, test } from 'vitest';
import {
  avro,
  bytes,
  type Codec,
  type Decimal,
  type DecimalLike,
  type Decoded,
  decode,
  type Encodable,
  encode,
  int64,
  json,
  protobuf,
  type TopicCodecs,
  text,
} from '../../../preset/index.ts';

interface Order {
  id: string;
  total: number;
}

test('topics type their handles', () => {
  const topics = {
    orders: { key: text(), value: json<Order>() },
    payments: { key: int64(), value: avro<{ amount: Decimal }>('./payment.avsc') },
    audit: { value: avro({ registry: 'http://127.0.0.1:8081' }) },
    shipped: { value: protobuf<Order>('./shipped.proto', 'shop.Shipped') },
  } satisfies Record<string, TopicCodecs>;
  type Topics = typeof topics;
  expectTypeOf<Decoded<Topics['orders']['key']>>().toEqualTypeOf<string>();
  expectTypeOf<Decoded<Topics['orders']['value']>>().toEqualTypeOf<Order>();
  expectTypeOf<Encodable<Topics['orders']['value']>>().toEqualTypeOf<Order>();
  expectTypeOf<Decoded<Topics['payments']['key']>>().toEqualTypeOf<number | bigint>();
  expectTypeOf<Decoded<Topics['audit']['value']>>().toEqualTypeOf<unknown>();
  expectTypeOf<Decoded<Topics['shipped']['value']>>().toEqualTypeOf<Order>();
});

test('what goes in may be wider than what comes out', () => {
  const codec = bytes();
  expectTypeOf<Decoded<typeof codec>>().toEqualTypeOf<Buffer>();
  expectTypeOf<Encodable<typeof codec>>().toEqualTypeOf<Uint8Array>();
  const payment = avro<{ amount: Decimal }, { amount: DecimalLike }>('./payment.avsc');
  expectTypeOf<Decoded<typeof payment>>().toEqualTypeOf<{ amount: Decimal }>();
  expectTypeOf<Encodable<typeof payment>>().toEqualTypeOf<{ amount: DecimalLike }>();
});

test("a codec of one's own, of one direction, asynchronous", () => {
  const reader = { name: 'reader', decode: async (data: Buffer) => data.length };
  expectTypeOf<Decoded<typeof reader>>().toEqualTypeOf<number>();
  const topics = { sizes: { value: reader } } satisfies Record<string, TopicCodecs>;
  expectTypeOf<Decoded<(typeof topics)['sizes']['value']>>().toEqualTypeOf<number>();
  const own: Codec<string[]> = { name: 'csv', encode: (cells) => Buffer.from(cells.join(',')) };
  expectTypeOf<Decoded<typeof own>>().toEqualTypeOf<string[]>();
});

test('encode and decode', () => {
  expectTypeOf(decode(json<Order>(), null)).resolves.toEqualTypeOf<Order | null>();
  expectTypeOf(encode(json<Order>(), null)).resolves.toEqualTypeOf<Buffer | null>();
  // @ts-expect-error a total that is a text
  void encode(json<Order>(), { id: 'a', total: '1' });
  // @ts-expect-error no option of that name
  json({ shema: {} });
  // @ts-expect-error nor beside a registry
  json({ registry: 'http://127.0.0.1:8081', subjct: 'topic' });
});
