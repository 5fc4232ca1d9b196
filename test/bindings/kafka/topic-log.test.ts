import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type RawMessage, TopicLog } from '../../../bindings/kafka/topic-log.ts';

const message = (offset: number, key: string | null, size = 10): RawMessage => ({
  partition: 0,
  offset: BigInt(offset),
  generation: 0,
  key: key === null ? null : Buffer.from(key),
  value: null,
  headers: {},
  timestamp: 0,
  seen: 0,
  size,
});

/** What an index must tell, by looking at all. */
const scan = (log: TopicLog, key: string | null, from: number): number[] =>
  Array.from({ length: log.end - log.dropped }, (_, i) => log.dropped + i).filter((sequence) => {
    const own = log.at(sequence)!.key;
    return sequence >= from && (own === null ? null : `${own}`) === key;
  });

test('the index tells what a look at all messages tells, whatever was dropped and whenever it was first asked', () => {
  const keys = fc.constantFrom('a', 'b', 'ab', '', '\u00ff', null);
  const batches = fc.array(fc.array(keys, { maxLength: 12 }), { maxLength: 12 });
  fc.assert(
    fc.property(batches, fc.nat(12), fc.integer({ min: 1, max: 40 }), fc.nat(60), (all, firstAsked, kept, from) => {
      const log = new TopicLog('t', { messages: kept, bytes: 1 << 20 });
      let offset = 0;
      for (const [round, batch] of all.entries()) {
        log.append(batch.map((key) => message(offset++, key)));
        if (round < firstAsked) continue;
        for (const key of ['a', 'b', 'ab', '', '\u00ff', 'absent', null])
          expect(log.sequencesOfKey(key === null ? null : Buffer.from(key), from)).toEqual(scan(log, key, from));
      }
      expect(log.end).toBe(offset);
      expect(log.end - log.dropped).toBe(Math.min(offset, kept));
    }),
  );
});

test('keys are compared by their bytes', () => {
  const log = new TopicLog('t', { messages: 10, bytes: 1 << 20 });
  const key = Buffer.from([0xff, 0x00, 0xc3]);
  log.append([{ ...message(0, null), key }, message(1, 'ÿ')]);
  expect(log.sequencesOfKey(Uint8Array.from(key))).toEqual([0]);
  expect(log.sequencesOfKey(Buffer.from('ÿ'))).toEqual([1]);
});

test('many messages of one key are dropped without moving them all each time', () => {
  const log = new TopicLog('t', { messages: 1000, bytes: 1 << 30 });
  log.sequencesOfKey(Buffer.from('one'));
  for (let i = 0; i < 20_000; i += 10) log.append(Array.from({ length: 10 }, (_, n) => message(i + n, 'one')));
  expect(log.sequencesOfKey(Buffer.from('one'), 19_990)).toEqual(Array.from({ length: 10 }, (_, i) => 19_990 + i));
  expect(log.sequencesOfKey(Buffer.from('one'))).toHaveLength(1000);
  expect(log.lastDropped.get('0/0')).toBe(18_999n);
});

test('the newest message stays, though it alone is more than the bound', () => {
  const log = new TopicLog('t', { messages: 10, bytes: 1000 });
  log.append([message(0, 'a', 200), message(1, 'b', 5000)]);
  expect([log.dropped, log.end]).toEqual([1, 2]);
  expect(log.at(1)?.offset).toBe(1n);
});

test('those who listen are told once for each batch, until they stop', () => {
  const log = new TopicLog('t', { messages: 10, bytes: 1000 });
  let told = 0;
  const stop = log.subscribe(() => {
    told += 1;
  });
  log.append([message(0, 'a'), message(1, 'b')]);
  expect(told).toBe(1);
  stop();
  log.append([message(2, 'c')]);
  expect(told).toBe(1);
});
