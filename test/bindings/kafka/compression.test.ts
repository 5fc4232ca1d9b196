/**
 * Snappy, lz4 and zstd against Java's own: a broker told to store a topic in another form reads what kafkajs sent with
 * our codecs, and writes with its own what the recorder then reads; so does Java's console producer.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterOf, Sockets } from '../../../bindings/kafka/cluster.ts';
import { COMPRESSIONS, type CompressionTable, registerCompression } from '../../../bindings/kafka/compression/index.ts';
import { lz4 } from '../../../bindings/kafka/compression/lz4.ts';
import { snappy } from '../../../bindings/kafka/compression/snappy.ts';
import { zstd } from '../../../bindings/kafka/compression/zstd.ts';
import { Recorder } from '../../../bindings/kafka/recorder.ts';
import { classPath } from '../../../servers/java/maven.ts';
import { findJava } from '../../../servers/java/programs.ts';
import { hasKafka, startKafka, type TestKafka } from '../../support/kafka.ts';
import { kafkaJars } from '../../support/kafka-jars.ts';

const { CompressionTypes, Kafka, logLevel } = kafkajs;
const codecs: CompressionTable = kafkajs.CompressionCodecs;
const here = process.cwd();
const use = { from: here, by: 'a test' };
const names = Object.values(COMPRESSIONS);

/** Compressible, and with stretches that are not; longer than one block of any codec. */
const text = Array.from({ length: 20_000 }, (_, i) => `${i}:${(i * 2_654_435_761) % 97}`).join(',');
const noise = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i * 31 + (i >> 3) * 17) % 251));
const SAMPLES = [Buffer.alloc(0), Buffer.from('a'), Buffer.from('x'.repeat(70_000)), Buffer.from(text), noise];

describe.each([
  ['snappy', snappy],
  ['lz4', lz4],
  ['zstd', zstd],
] as const)('%s', (_, make) => {
  test('gives back what it was given', async () => {
    const codec = make(use);
    for (const sample of SAMPLES) {
      const packed = await codec.compress(sample);
      expect(Buffer.compare(await codec.decompress(packed), sample)).toBe(0);
    }
    const packed = await codec.compress(Buffer.from(text));
    expect(packed.length).toBeLessThan(text.length * 0.8);
  });

  test('says so where bytes are something else', async () => {
    const codec = make(use);
    await expect((async () => codec.decompress(Buffer.from('ff00ff00ff00ff00ff00', 'hex')))()).rejects.toThrow();
  });
});

test('snappy reads raw blocks too, as other clients than Java write them', async () => {
  const { default: snappyjs } = await import('snappyjs' as string);
  expect(`${await snappy(use).decompress(snappyjs.compress(Buffer.from(text)))}`).toBe(text);
});

test('what a user has registered stays', () => {
  const own = { compress: async () => Buffer.alloc(0), decompress: async () => Buffer.alloc(0) };
  const failing = () => {
    throw new Error('not now');
  };
  const unknown = () => {
    throw Object.assign(new Error('Snappy compression not implemented'), { name: 'KafkaJSNotImplemented' });
  };
  const table: CompressionTable = { 2: unknown, 3: () => own, 4: failing };
  registerCompression(table, here);
  expect(table[2]).not.toBe(unknown);
  expect(table[3]!()).toBe(own);
  expect(table[4]).toBe(failing);
});

describe.skipIf(!hasKafka())('on a real broker', () => {
  let broker: TestKafka;
  let recorder: Recorder;
  const sockets = new Sockets();
  const java = () => ({ java: findJava().path!, jars: classPath(kafkaJars('3.9.1'))! });

  beforeAll(async () => {
    registerCompression(codecs, here);
    broker = await startKafka({ version: '3.9.1', properties: { 'broker.session.timeout.ms': 9000 } });
    const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING, socketFactory: sockets.factory });
    recorder = new Recorder(clusterOf(kafka), { messages: 10_000, bytes: 1 << 26 }, codecs);
    await recorder.open([]);
  }, 90_000);
  afterAll(async () => {
    const closed = recorder?.close();
    sockets.destroy();
    await Promise.all([closed, broker?.stop()]);
  });

  const valuesOf = async (topic: string, count: number): Promise<string[]> => {
    const log = recorder.follow(topic);
    await expect.poll(() => log.end, { timeout: 20_000 }).toBe(count);
    const messages = Array.from({ length: count }, (_, i) => log.at(i)!);
    expect(messages.filter(({ unreadable }) => unreadable)).toEqual([]);
    return messages.map(({ value }) => `${value}`);
  };
  const make = async (topic: string, stored: string) => {
    const admin = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, configEntries: [{ name: 'compression.type', value: stored }] }] });
    await admin.disconnect();
  };
  const send = async (topic: string, compression: number, values: string[]) => {
    const producer = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).producer({ idempotent: true });
    await producer.connect();
    await producer.send({ topic, compression, messages: values.map((value) => ({ value })) });
    await producer.disconnect();
  };
  const values = Array.from({ length: 500 }, (_, i) => `value ${i} ${'abc'.repeat(i % 90)}`);

  test.each(names)('what is written with %s, the broker reads', { timeout: 60_000 }, async (name) => {
    // It must decompress to store them plainly.
    await make(`to-${name}`, 'uncompressed');
    await send(`to-${name}`, CompressionTypes[name === 'gzip' ? 'GZIP' : proper(name)], values);
    expect(await valuesOf(`to-${name}`, values.length)).toEqual(values);
  });

  test.each(names)('what the broker writes with %s, the recorder reads', { timeout: 60_000 }, async (name) => {
    await make(`from-${name}`, name);
    await send(`from-${name}`, CompressionTypes.None, values);
    expect(await valuesOf(`from-${name}`, values.length)).toEqual(values);
  });

  test.each(names)("what Java's producer sends with %s, the recorder reads", { timeout: 60_000 }, async (name) => {
    await make(`java-${name}`, 'producer');
    const { java: program, jars } = java();
    const child = promisify(execFile)(program, [
      '-Xmx128m',
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      `-Dlog4j.configuration=file:${join(broker.folder, 'log4j.properties')}`,
      '-cp',
      jars,
      'kafka.tools.ConsoleProducer',
      '--bootstrap-server',
      broker.broker,
      '--topic',
      `java-${name}`,
      '--compression-codec',
      name,
    ]);
    child.child.stdin!.end(values.map((value) => `${value}\n`).join(''));
    await child;
    expect(await valuesOf(`java-${name}`, values.length)).toEqual(values);
  });

  test('what nobody can read is recorded as such, and reading goes on behind it', { timeout: 60_000 }, async () => {
    await make('mixed', 'producer');
    const blind = { ...codecs };
    blind[3] = () => {
      throw new Error('LZ4 compression not implemented');
    };
    const own = new Sockets();
    const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING, socketFactory: own.factory });
    const other = new Recorder(clusterOf(kafka), { messages: 10_000, bytes: 1 << 26 }, blind);
    try {
      await other.open(['mixed']);
      const log = other.follow('mixed');
      await send('mixed', CompressionTypes.None, ['before']);
      await send('mixed', CompressionTypes.LZ4, ['one', 'two', 'three']);
      await send('mixed', CompressionTypes.LZ4, ['four']);
      await send('mixed', CompressionTypes.None, ['behind']);
      await expect.poll(() => log.end, { timeout: 10_000 }).toBe(4);
      const recorded = Array.from({ length: 4 }, (_, i) => log.at(i)!);
      expect(
        recorded.map(({ offset, value, unreadable }) => [offset, value && `${value}`, unreadable?.reason]),
      ).toEqual([
        [0n, 'before', undefined],
        [
          1n,
          null,
          '3 messages, up to offset 3, compressed with lz4, could not be read: LZ4 compression not implemented',
        ],
        [4n, null, 'the message, compressed with lz4, could not be read: LZ4 compression not implemented'],
        [5n, 'behind', undefined],
      ]);
      expect(recorded[1]!.unreadable).toMatchObject({ count: 3, bytes: expect.any(Buffer) });
      expect(log.sequencesOfKey(null)).toEqual([0, 3]);
    } finally {
      const closed = other.close();
      own.destroy();
      await closed;
    }
  });
});

function proper(name: string): 'Snappy' | 'LZ4' | 'ZSTD' {
  return ({ snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' } as const)[name as 'lz4'];
}
