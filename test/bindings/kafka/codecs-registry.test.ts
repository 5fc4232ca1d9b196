/** Codecs on a schema registry: a server of the tests' own that keeps the registry's REST contract. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Redactor } from '../../../bindings/core/redact.ts';
import { prepareCodec } from '../../../bindings/kafka/ready.ts';
import { readSchemaId, writeHeader } from '../../../bindings/kafka/registry/wire.ts';
import {
  avro,
  type DecodeError,
  decode,
  encode,
  fromEnv,
  json,
  type MessageHeaders,
  protobuf,
} from '../../../preset/index.ts';
import { RegistryServer, type RegistryServerOptions, selfSigned } from './registry-server.ts';
import { vectors, vectorsDir } from './vectors.ts';

const running: RegistryServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

async function registry(options?: RegistryServerOptions): Promise<RegistryServer> {
  const server = await new RegistryServer(options).start();
  running.push(server);
  return server;
}

const message = (promise: Promise<unknown>) =>
  promise.then(
    (value) => expect.fail(`gave ${JSON.stringify(value)}`),
    (error: Error) => error.message,
  );

const ORDER = '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"string"}]}';
const NEWER =
  '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"string"},{"name":"total","type":"int","default":0}]}';
const WRONG =
  '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"string"},{"name":"total","type":"int"}]}';
const orders = { topic: 'orders' };

describe("as Confluent's client", () => {
  interface Vectors {
    cases: {
      name: string;
      format: 'AVRO' | 'JSON' | 'PROTOBUF';
      topic: string;
      id: number;
      schema: string;
      message: string | null;
      value: object;
      hex: string;
    }[];
    headers: { name: string; format: string; guid: string; indexes: number[]; header: string; hex: string }[];
  }
  const { cases, headers } = vectors<Vectors>('registry');

  test.each(cases)('$format, $name', async ({ format, topic, id, schema, message: name, value, hex }) => {
    const server = await registry();
    const text = format === 'PROTOBUF' ? readFileSync(`${vectorsDir}proto/${schema}`, 'utf8') : schema;
    const references = format === 'PROTOBUF' ? [{ name: 'shop/money.proto', subject: 'money', version: 1 }] : [];
    server.put('money', readFileSync(`${vectorsDir}proto/shop/money.proto`, 'utf8'), {
      schemaType: 'PROTOBUF',
      id: 900,
    });
    server.put(`${topic}-value`, text, { id, references, ...(format === 'AVRO' ? {} : { schemaType: format }) });
    const codec = {
      AVRO: avro({ registry: server.url }),
      JSON: json({ registry: server.url }),
      PROTOBUF: protobuf({ registry: server.url, ...(name ? { message: name } : {}) }),
    }[format];
    expect(await decode(codec, Buffer.from(hex, 'hex'), { topic })).toMatchObject(value);
    expect((await encode(codec, value, { topic }))?.toString('hex')).toBe(hex);
  });

  test.each(headers)('ids in headers: $name', ({ format, guid, indexes, header, hex }) => {
    const hasIndexes = format === 'PROTOBUF';
    const bytes = Buffer.from(hex, 'hex');
    expect(writeHeader(guid, indexes, hasIndexes).toString('hex')).toBe(hex);
    const read = readSchemaId(Buffer.from('payload'), { [header]: bytes }, 'value', hasIndexes);
    expect(read).toEqual({ schema: { guid, indexes }, payload: Buffer.from('payload') });
  });
});

test('an id is asked for once in a process, and messages after the first are decoded at once', async () => {
  const server = await registry();
  const { id } = server.put('orders-value', ORDER);
  const bytes = Buffer.concat([Buffer.of(0, 0, 0, 0, id), Buffer.from('066f2d31', 'hex')]);
  const context = { topic: 'orders', part: 'value' as const, headers: {} };
  const first = await prepareCodec(avro({ registry: server.url }), { baseDir: '/' });
  const many = await Promise.all(Array.from({ length: 50 }, () => first.decode(bytes, context)));
  expect(many).toEqual(Array(50).fill({ id: 'o-1' }));
  expect(first.decode(bytes, context)).toEqual({ id: 'o-1' });
  const second = await prepareCodec(avro({ registry: server.url }), { baseDir: '/' });
  expect(await second.decode(bytes, context)).toEqual({ id: 'o-1' });
  expect(server.requests).toEqual([`GET /schemas/ids/${id}`]);
});

test('what other versions wrote is read as the given schema', async () => {
  const server = await registry();
  const old = await encode(
    avro({ registry: server.url, schema: JSON.parse(ORDER), register: true }),
    { id: 'o-1' },
    orders,
  );
  const codec = avro({ registry: server.url, schema: JSON.parse(NEWER) });
  expect(await decode(codec, old, orders)).toEqual({ id: 'o-1', total: 0 });
});

describe('sending', () => {
  test('without `register` nothing is registered: the error says what to do', async () => {
    const server = await registry();
    const codec = avro({ registry: server.url, schema: JSON.parse(ORDER) });
    expect(await message(encode(codec, { id: 'o-1' }, orders))).toBe(
      `The schema registry ${server.url} answered POST /subjects/orders-value with 404: Subject 'orders-value' not found. No schema is registered under that subject: register one (\`register: true\`), or correct \`subject\``,
    );
    server.put('orders-value', NEWER);
    expect(await message(encode(codec, { id: 'o-1' }, orders))).toContain('Register the schema (`register: true`)');
    expect(await message(encode(avro({ registry: server.url }), { id: 'o-1' }, { topic: 'other' }))).toContain(
      '`register: true`',
    );
  });

  test('with `register`, an incompatible schema is refused with the mend', async () => {
    const server = await registry();
    server.put('orders-value', ORDER);
    const codec = avro({ registry: server.url, schema: JSON.parse(WRONG), register: true });
    const text = await message(encode(codec, { id: 'o-1', total: 1 }, orders));
    expect(text).toContain('with 409: Schema being registered is incompatible');
    expect(text).toContain(
      'The schema is not compatible with the versions that the subject has: give new fields a default',
    );
  });

  test('with `register`, the same schema keeps its id', async () => {
    const server = await registry();
    const codec = json({ registry: server.url, schema: { title: 'Order', type: 'object' }, register: true });
    const first = await encode(codec, { id: 1 }, orders);
    expect(await encode(codec, { id: 1 }, orders)).toEqual(first);
    expect(server.requests).toEqual(['POST /subjects/orders-value/versions']);
  });

  test('a newer latest version is seen, and asked for once by those who send at the same time', async () => {
    const server = await registry();
    server.put('orders-value', ORDER);
    const codec = avro({ registry: server.url });
    await Promise.all([1, 2, 3].map(() => encode(codec, { id: 'o-1' }, orders)));
    expect(server.requests).toHaveLength(1);
    const { id } = server.put('orders-value', NEWER);
    expect((await encode(codec, { id: 'o-1', total: 3 }, orders))?.readInt32BE(1)).toBe(id);
  });

  test('the id goes into the header, and is read from there; a registry without guids says so', async () => {
    const server = await registry();
    server.put('orders-key', ORDER);
    const codec = avro({ registry: server.url, idIn: 'headers' });
    const headers: MessageHeaders = { trace: 't-1' };
    const bytes = await encode(codec, { id: 'o-1' }, { topic: 'orders', part: 'key', headers });
    expect(bytes?.toString('hex')).toBe('066f2d31');
    expect(Object.keys(headers)).toEqual(['trace', '__key_schema_id']);
    expect(await decode(avro({ registry: server.url }), bytes, { part: 'key', headers })).toEqual({ id: 'o-1' });

    const old = await registry({ isOld: true });
    old.put('orders-value', ORDER);
    expect(await message(encode(avro({ registry: old.url, idIn: 'headers' }), { id: 'o-1' }, orders))).toContain(
      'gives no guid',
    );
  });

  test("subjects by topic, record, both, and of one's own", async () => {
    const server = await registry();
    const send = (
      subject: Parameters<typeof avro>[0] extends never ? never : 'topic' | 'record' | 'topic-record' | (() => string),
    ) =>
      encode(avro({ registry: server.url, schema: JSON.parse(ORDER), register: true, subject }), { id: 'o-1' }, orders);
    for (const subject of ['topic', 'record', 'topic-record', () => 'mine'] as const) await send(subject);
    expect(server.requests.map((line) => line.split('/')[2])).toEqual([
      'orders-value',
      'shop.Order',
      'orders-shop.Order',
      'mine',
    ]);
    expect(await message(encode(avro({ registry: server.url, subject: 'record' }), {}, orders))).toContain(
      "needs the record's name",
    );
    expect(await message(encode(avro({ registry: server.url }), {}))).toContain('needs a topic');
  });
});

test('schemas refer to others, in avro and json', async () => {
  const server = await registry();
  server.put('money', '{"type":"record","name":"shop.Money","fields":[{"name":"units","type":"long"}]}');
  server.put('orders-value', '{"type":"record","name":"shop.Order","fields":[{"name":"total","type":"shop.Money"}]}', {
    references: [{ name: 'shop.Money', subject: 'money', version: 1 }],
  });
  const value = { total: { units: 5 } };
  const codec = avro({ registry: server.url });
  expect(await decode(codec, await encode(codec, value, orders))).toEqual(value);

  server.put('money-json', '{"type":"object","properties":{"units":{"type":"integer"}}}', { schemaType: 'JSON' });
  const references = [{ name: 'money.json', subject: 'money-json', version: 1 }];
  server.put('json-value', '{"type":"object","properties":{"total":{"$ref":"money.json"}}}', {
    schemaType: 'JSON',
    references,
  });
  const strict = json({ registry: server.url });
  expect(await decode(strict, await encode(strict, value, { topic: 'json' }))).toEqual(value);
  expect(await message(encode(strict, { total: { units: 'x' } }, { topic: 'json' }))).toContain(
    "value.total.units: expected integer, got 'x'",
  );
});

describe('trouble', () => {
  const head = Buffer.from('0000000007066f2d31', 'hex');

  test('an unknown id, a message without one, a schema of another type', async () => {
    const server = await registry();
    const failure = (await decode(avro({ registry: server.url }), head, orders).catch((error) => error)) as DecodeError;
    expect(failure).toMatchObject({ code: 'QA_DECODE', hex: '00 00 00 00 07 06 6f 2d 31', size: 9, part: 'value' });
    expect(failure.message).toBe(
      `The value of a message on \`orders\` could not be decoded as avro of the registry. Its 9 bytes: 00 00 00 00 07 06 6f 2d 31. The schema registry ${server.url} answered GET /schemas/ids/7 with 404: Schema 7 not found. See whether this is the registry that the producer uses.`,
    );
    expect(await message(decode(avro({ registry: server.url }), Buffer.from('{"id":1}')))).toContain(
      'does not begin with a schema id',
    );
    server.put('x', '{}', { id: 8, schemaType: 'JSON' });
    expect(await message(decode(avro({ registry: server.url }), Buffer.from('0000000008', 'hex')))).toContain(
      'schema 8 is of type JSON, not AVRO',
    );
  });

  test('down, hung, no registry at all', async () => {
    const server = await new RegistryServer().start();
    const { url } = server;
    await server.stop();
    expect(await message(decode(avro({ registry: url }), head))).toContain(`cannot be reached (connect ECONNREFUSED`);

    const hung = await registry();
    hung.hangs = true;
    const start = performance.now();
    const codec = avro({ registry: { url: hung.url, timeout: 200 } });
    expect(await message(decode(codec, head))).toContain('did not answer within 200 ms');
    await message(decode(codec, head));
    expect(performance.now() - start).toBeLessThan(1000);
    expect(hung.requests).toHaveLength(1);

    const other = createServer((socket) => socket.end('220 mail.example ESMTP\r\n'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    expect(await message(decode(avro({ registry: `http://127.0.0.1:${port}` }), head))).toContain(
      'speaks another protocol',
    );
  });

  test('it comes back: nothing has to be opened again', async () => {
    const server = await new RegistryServer().start();
    const { port, url } = server;
    await server.stop();
    const codec = avro({ registry: url });
    await message(decode(codec, head));
    const again = await new RegistryServer().start(port);
    running.push(again);
    again.put('orders-value', ORDER, { id: 7 });
    await vi.waitFor(async () => expect(await decode(codec, head)).toEqual({ id: 'o-1' }), 3000);
  });

  test('a wrong password is told without showing it; basic, bearer and an address with a user pass', async () => {
    const basic = await registry({ authorization: `Basic ${Buffer.from('qa:s3cret-pass').toString('base64')}` });
    basic.put('orders-value', ORDER, { id: 7 });
    const wrong = await message(decode(avro({ registry: basic.url.replace('//', '//qa:wr0ng-pass@') }), head));
    expect(wrong).toContain('401: Unauthorized');
    expect(wrong).toContain('Give it the right `username` and `password`');
    expect(wrong).not.toContain('wr0ng-pass');
    const url = basic.url.replace('//', '//qa:s3cret-pass@');
    expect(await decode(avro({ registry: url }), head)).toEqual({ id: 'o-1' });
    process.env.QA_TEST_REGISTRY_PASSWORD = 's3cret-pass';
    const password = fromEnv('QA_TEST_REGISTRY_PASSWORD');
    expect(await decode(avro({ registry: { url: basic.url, username: 'qa', password } }), head)).toEqual({ id: 'o-1' });

    const redactor = new Redactor();
    await prepareCodec(avro({ registry: url }), { baseDir: '/', redactor });
    expect(redactor.redact('it is s3cret-pass')).not.toContain('s3cret');

    const bearer = await registry({ authorization: 'Bearer t0ken' });
    bearer.put('orders-value', ORDER, { id: 7 });
    expect(await decode(avro({ registry: { url: bearer.url, token: 't0ken' } }), head)).toEqual({ id: 'o-1' });
  });

  test('TLS: the authority must be known, as text or file', async () => {
    const tls = selfSigned();
    const server = await registry({ tls });
    server.put('orders-value', ORDER, { id: 7 });
    expect(await message(decode(avro({ registry: server.url }), head))).toContain(
      'Give the authority that signed it: registry: { tls: { ca } }',
    );
    expect(await decode(avro({ registry: { url: server.url, tls: { ca: tls.cert } } }), head)).toEqual({ id: 'o-1' });
    expect(await decode(avro({ registry: { url: server.url, tls: { ca: tls.file } } }), head)).toEqual({ id: 'o-1' });
    expect(await message(decode(avro({ registry: { url: server.url, tls: { ca: './no.pem' } } }), head))).toContain(
      '`registry.tls.ca` cannot be read',
    );
    expect(await message(decode(avro({ registry: server.url.replace('https', 'http') }), head))).toMatch(
      /another protocol|cannot be reached/,
    );
  });

  test('options: a slip is named before anything is asked', async () => {
    expect(await message(decode(avro({ registry: 'ftp://127.0.0.1' }), head))).toContain(
      'not an http or https address',
    );
    expect(await message(decode(avro({ registry: 'http://127.0.0.1:1', register: true }), head))).toContain(
      'needs a schema to register',
    );
    expect(await message(decode(json({ registry: 'http://127.0.0.1:1', subjct: 'topic' } as never), head))).toContain(
      'Did you mean `subject`?',
    );
    expect(
      await message(decode(avro({ registry: { url: 'http://127.0.0.1:1', username: 'a', token: 'b' } }), head)),
    ).toContain('both a `token` and a user');
  });
});

test('protobuf: registered and read with imports from the registry, evolved by its tags', async () => {
  const server = await registry();
  const dir = mkdtempSync(join(tmpdir(), 'qa-proto-'));
  writeFileSync(
    join(dir, 'old.proto'),
    'syntax = "proto3"; package shop; message A {} message Order { string id = 1; }',
  );
  writeFileSync(
    join(dir, 'new.proto'),
    'syntax = "proto3"; package shop; message A {} message Order { string id = 1; int32 total = 2; }',
  );
  const use = { registry: server.url, message: 'shop.Order', register: true };
  const bytes = await encode(
    protobuf({ ...use, schema: './old.proto' }),
    { id: 'o-1' },
    { topic: 'orders', baseDir: dir },
  );
  expect(bytes?.subarray(5, 7).toString('hex')).toBe('0202');
  const newer = protobuf({ ...use, schema: './new.proto' });
  expect(await decode(newer, bytes, { baseDir: dir })).toEqual({ id: 'o-1', total: 0 });
  expect(await message(decode(protobuf({ registry: server.url, message: 'shop.A' }), bytes))).toContain(
    'the message is a shop.Order, not a shop.A',
  );
});
