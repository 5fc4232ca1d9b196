/** Codecs in a test file, without Kafka, in both runners: values are of the test's own realm. */
import { expect, test } from 'vitest';
import { project } from '../../support/consumer.ts';
import { jest } from '../../support/jest.ts';
import { vitest, vitestConfig } from '../../support/vitest.ts';

const files = {
  'qa.config.cjs': "module.exports = require('@qa/jest-preset').defineConfig({ connections: {} });",
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };",
  ...vitestConfig(),
  's.proto':
    'syntax = "proto3"; import "google/protobuf/timestamp.proto"; message M { bytes b = 1; google.protobuf.Timestamp at = 2; }',
  'order.avsc': JSON.stringify({
    type: 'record',
    name: 'Order',
    fields: [
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'total', type: { type: 'bytes', logicalType: 'decimal', precision: 5, scale: 2 } },
      { name: 'raw', type: 'bytes' },
    ],
  }),
  'codecs.test.ts': `
    import { avro, Decimal, decode, encode, isDecimal, json, protobuf } from '@qa/jest-preset';
    const round = async (codec, value) => decode(codec, await encode(codec, value));
    test('avro', async () => {
      const back = await round(avro('./order.avsc'), { at: new Date(5), total: 1.5, raw: Buffer.from('x') });
      expect(back).toEqual({ at: expect.any(Date), total: expect.any(Decimal), raw: expect.any(Buffer) });
      expect(back.at).toBeInstanceOf(Date);
      expect(isDecimal(back.total) && back.total.equals(1.5)).toBe(true);
    });
    test('protobuf', async () => {
      const back = await round(protobuf('./s.proto', 'M'), { b: Buffer.from('x'), at: new Date(5) });
      expect(back).toEqual({ b: Buffer.from('x'), at: new Date(5) });
    });
    test('json with a schema', async () => {
      const codec = json({ schema: { properties: { a: { type: 'string' } } } });
      await expect(encode(codec, { a: 1 })).rejects.toThrow('value.a: expected string, got 1');
    });
  `,
};

const passed = { avro: 'passed', protobuf: 'passed', 'json with a schema': 'passed' };

test.each([
  ['jest', jest],
  ['vitest', vitest],
])('%s', async (_, run) => {
  const result = await run(project(files));
  expect(
    Object.fromEntries(Object.entries(result.tests).map(([name, { status }]) => [name, status])),
    result.output,
  ).toEqual(passed);
});
