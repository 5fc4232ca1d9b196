import { expect, test } from 'vitest';
import { committed } from '../../../bindings/kafka/aborted.ts';
import type { Batch } from '../../../bindings/kafka/protocol/batches.ts';

/** A batch of one record, as a broker sends it. */
const plain = (offset: number): Batch => ({
  baseOffset: BigInt(offset),
  lastOffset: BigInt(offset),
  magic: 2,
  compression: 0,
  isTransactional: false,
  isControl: false,
  producerId: -1n,
  baseTimestamp: 0,
  appendTime: undefined,
  count: 1,
  records: Buffer.alloc(0),
});
const inTransaction = (offset: number, producerId: string): Batch => ({
  ...plain(offset),
  producerId: BigInt(producerId),
  isTransactional: true,
});
/** Its record: length, attributes, deltas of time and offset, length of the key, the key (version, type), value, headers. */
const marker = (offset: number, producerId: string, kind: 'abort' | 'commit'): Batch => ({
  ...inTransaction(offset, producerId),
  isControl: true,
  records: Buffer.from([20, 0, 0, 0, 8, 0, 0, 0, kind === 'abort' ? 0 : 1, 1, 0]),
});
const seen = (batches: Batch[], aborted: [string, number][]) =>
  committed(
    batches,
    aborted.map(([producerId, first]) => ({ producerId: BigInt(producerId), firstOffset: BigInt(first) })),
  ).map(({ baseOffset }) => Number(baseOffset));

test('interleaved transactions that abort show nothing, whatever the order of their list', () => {
  const records = [
    inTransaction(0, '1'),
    inTransaction(1, '2'),
    plain(2),
    inTransaction(3, '1'),
    inTransaction(4, '2'),
    marker(5, '2', 'abort'),
    marker(6, '1', 'abort'),
    plain(7),
  ];
  expect(
    seen(records, [
      ['2', 1],
      ['1', 0],
    ]),
  ).toEqual([2, 7]);
});

test('a producer that aborts and then commits shows only the second', () => {
  const records = [inTransaction(0, '1'), marker(1, '1', 'abort'), inTransaction(2, '1'), marker(3, '1', 'commit')];
  expect(seen(records, [['1', 0]])).toEqual([2]);
});

test('a fetch may begin in the midst of a transaction that aborts', () => {
  expect(seen([inTransaction(12, '1'), inTransaction(13, '2'), marker(14, '1', 'abort')], [['1', 3]])).toEqual([13]);
});

test('several transactions of one producer abort one after the other, between offsets that compaction left out', () => {
  const records = [
    inTransaction(5, '1'),
    marker(9, '1', 'abort'),
    inTransaction(20, '1'),
    marker(21, '1', 'abort'),
    plain(30),
  ];
  expect(
    seen(records, [
      ['1', 2],
      ['1', 15],
    ]),
  ).toEqual([30]);
});
