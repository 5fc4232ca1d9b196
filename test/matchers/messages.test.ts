/** Matchers of messages, on a recorder in this process: when they end, and what they say. */
import { expect, test } from 'vitest';
import { QaError } from '../../bindings/core/errors.ts';
import { waitForRow } from '../../matchers/wait-for.ts';
import { asTest, failureOf } from './harness.ts';
import { recorder } from './recorder-source.ts';

const paid = { key: 'o-1', value: { id: 'o-1', status: 'PAID' } };
const pending = { key: 'o-1', value: { id: 'o-1', status: 'PENDING' } };

async function passes(body: () => unknown): Promise<number> {
  const start = performance.now();
  const { failures, thrown } = await asTest(body);
  expect([thrown, ...failures]).toEqual([undefined]);
  return performance.now() - start;
}

test('one that came before counts, and is looked at once', async () => {
  const it = recorder([paid]);
  expect(await passes(() => expect(it.source).toReceiveKafkaMessage({ key: 'o-1' }))).toBeLessThan(4000);
  expect(it.opened).toEqual(['test']);
  expect(it.listeners.size).toBe(0);
});

test('a new one wakes it at once', async () => {
  const it = recorder([pending]);
  let pushed = 0;
  await passes(async () => {
    const wait = expect(it.source).toReceiveMessage({ value: { status: 'PAID' } });
    setTimeout(() => {
      pushed = performance.now();
      it.push(paid);
    }, 100);
    await wait;
    expect(performance.now() - pushed).toBeLessThan(1000);
  });
  expect(pushed).toBeGreaterThan(0);
});

test('`since` is handed on, and refused where it says nothing', async () => {
  const it = recorder([paid]);
  const date = new Date(0);
  for (const since of ['file', date, { 0: 12n }] as const) {
    await passes(() => expect(it.source).toReceiveMessage({ key: 'o-1' }, { since }));
  }
  expect(it.opened).toEqual(['file', date, { 0: 12n }]);
  const { thrown } = await asTest(() => expect(it.source).toReceiveMessage({ key: 'o-1' }, { since: 'day' as never }));
  expect(thrown).toMatchObject({ code: 'QA_MISUSE', message: expect.stringContaining("`since` cannot be 'day'") });
});

test('`.not` holds for `stays`', async () => {
  const it = recorder([pending]);
  const took = await passes(() =>
    expect(it.source).not.toReceiveMessage({ value: { status: 'PAID' } }, { stays: 150 }),
  );
  expect(took).toBeGreaterThanOrEqual(145);
  expect(await passes(() => expect(it.source).not.toReceiveMessage({ key: 'x' }))).toBeGreaterThanOrEqual(995);
});

test('`.not` fails the moment a match arrives', async () => {
  const it = recorder([pending]);
  setTimeout(() => it.push(paid), 100);
  const start = performance.now();
  expect(
    await failureOf(() => expect(it.source).not.toReceiveKafkaMessage({ value: { status: 'PAID' } })),
  ).toMatchInlineSnapshot(`
    "expect(qa.kafka.topic('orders')).not.toReceiveKafkaMessage({ value: { status: 'PAID' } })

    A message matched.

    Looked in  topic orders of qa.kafka (memory)
               for ‹time›
    Saw        partition 0, offset 1
               { key: 'o-1', value: { id: 'o-1', status: 'PAID' }, headers: {}, partition: 0, offset: 1 }"
  `);
  expect(performance.now() - start).toBeLessThan(600);
});

test('silence after groups: one after the other, and no longer', async () => {
  const it = recorder();
  const asked: string[] = [];
  it.afterGroup = async (group) => void asked.push(group);
  const took = await passes(() =>
    expect(it.source).not.toReceiveMessage({ key: 'o-1' }, { afterGroup: ['billing', 'mail'] }),
  );
  expect(asked).toEqual(['billing', 'mail']);
  expect(took).toBeLessThan(500);
});

test('what a group still caused is seen', async () => {
  const it = recorder();
  it.afterGroup = async () => it.push(paid);
  const text = await failureOf(() => expect(it.source).not.toReceiveMessage({ key: 'o-1' }, { afterGroup: 'billing' }));
  expect(text).toContain('A message matched.');
});

test('a group that cannot be waited for', async () => {
  const it = recorder();
  it.afterGroup = async () => {
    throw new QaError('QA_WAIT_FAILED', { what: 'The group billing is unknown', mend: 'Check its name' });
  };
  const text = await failureOf(() => expect(it.source).not.toReceiveMessage({ key: 'o-1' }, { afterGroup: 'billing' }));
  expect(text).toContain('Silence could not be proven.');
  expect(text).toContain('The group billing is unknown');
});

test('a group that is not done in time says what it lacks', async () => {
  const it = recorder();
  it.afterGroup = (_group, signal) =>
    new Promise((_, reject) => {
      const what = 'billing is 3 behind on partition 0';
      signal.addEventListener('abort', () => reject(new QaError('QA_WAIT_FAILED', { what, mend: 'Look at it' })));
    });
  const options = { afterGroup: 'billing', within: 50 };
  const text = await failureOf(() => expect(it.source).not.toReceiveMessage({ key: 'o-1' }, options));
  expect(text).toContain('billing is 3 behind on partition 0');
});

test('silence is not proven where messages were lost', async () => {
  const it = recorder();
  it.notices.push({ kind: 'lost', text: '12 messages of partition 0 were deleted before they were read' });
  const text = await failureOf(() => expect(it.source).not.toReceiveMessage({ key: 'o-1' }, { stays: 50 }));
  expect(text).toContain('Silence is not proven: 1 gap in what was recorded.');
  expect(text).toContain('12 messages of partition 0 were deleted');
});

test('several: each its own, in order, exactly', async () => {
  const it = recorder([{ key: 'a' }, { key: 'b' }, { key: 'a' }]);
  await passes(() => expect(it.source).toReceiveMessages([{ key: 'b' }, { key: 'a' }, { key: 'a' }]));
  await passes(() => expect(it.source).toReceiveKafkaMessages([{ key: 'a' }, { key: 'b' }], { inOrder: true }));
  await passes(() =>
    expect(it.source).toReceiveMessages([{ key: 'a' }, { key: 'b' }, { key: 'a' }], { exactly: true, inOrder: true }),
  );
  await passes(() => expect(it.source).not.toReceiveMessages([{ key: 'b' }, { key: 'b' }], { stays: 50 }));
  expect(
    await failureOf(() => expect(it.source).toReceiveMessages([{ key: 'a' }, { key: 'b' }], { exactly: true })),
  ).toMatchInlineSnapshot(`
    "expect(qa.kafka.topic('orders')).toReceiveMessages([ { key: 'a' }, { key: 'b' } ], { exactly: true })

    1 message was not expected.

    Looked in  topic orders of qa.kafka (memory)
               for ‹time›
    Saw        3 messages; 2 of 2 expected ones found
    Unexpected + { key: 'a', value: null, headers: {}, partition: 0, offset: 2 }"
  `);
});

test('equal at any depth, as the source says', async () => {
  const equal = (actual: unknown, expected: unknown) =>
    typeof actual === 'bigint' && typeof expected === 'number' ? actual === BigInt(expected) : undefined;
  const it = recorder([{ value: { deep: [{ amount: 42n }] } }], { equal });
  await passes(() => expect(it.source).toReceiveMessage({ value: { deep: [{ amount: 42 }] } }));
  await failureOf(() => expect(it.source).toReceiveMessage({ value: { deep: [{ amount: 43 }] } }, { within: 20 }));
});

test('no match: why each was rejected, what could not be read, the closest', async () => {
  const it = recorder([pending, { key: 'o-2', value: { id: 'o-2', status: 'PAID' } }]);
  it.push({ key: 'o-3' }, { part: 'value', reason: 'not JSON', excerpt: '00 01 ff' });
  it.notices.push({ kind: 'hint', text: 'an open transaction hides what is behind offset 3' });
  expect(await failureOf(() => expect(it.source).toReceiveKafkaMessage(paid, { within: 50 }))).toMatchInlineSnapshot(`
    "expect(qa.kafka.topic('orders')).toReceiveKafkaMessage({ key: 'o-1', value: { id: 'o-1', status: 'PAID' } })

    No message matched.

    Looked in  topic orders of qa.kafka (memory)
               for ‹time›
    Saw        3 messages:
                 key           differs in 1
                 value.id      differs in 1
                 value.status  differs in 1
    Closest    partition 0, offset 0
               { key: 'o-1', value: { id: 'o-1', status: 'PENDING' }, headers: {}, partition: 0, offset: 0 }
               differs in 1 of 2 fields (- expected, + received)
               - value.status: 'PAID'
               + value.status: 'PENDING'
    Undecoded  partition 0, offset 2: value: not JSON
                 bytes 00 01 ff
    Note       an open transaction hides what is behind offset 3"
  `);
});

test('a topic that is not there', async () => {
  const it = recorder();
  it.explained.push('topic orders does not exist; there is `order`');
  expect(await failureOf(() => expect(it.source).toReceiveKafkaMessage(paid, { within: 50 }))).toMatchInlineSnapshot(`
    "expect(qa.kafka.topic('orders')).toReceiveKafkaMessage({ key: 'o-1', value: { id: 'o-1', status: 'PAID' } })

    No message matched.

    Looked in  topic orders of qa.kafka (memory)
               for ‹time›
    Saw        no messages at all
    Source     topic orders does not exist; there is \`order\`"
  `);
});

test('a broker that is away until the time is up', async () => {
  const it = recorder();
  it.broken = new QaError('QA_CONNECTION_LOST', { what: 'The broker is away', mend: 'Start it' });
  const text = await failureOf(() => expect(it.source).toReceiveMessage({ key: 'a' }, { within: 50 }));
  expect(text).toContain('The source could not be read in time.');
  expect(text).toContain('The broker is away');
});

test('misuse is thrown at once', async () => {
  const { source } = recorder();
  const refused: [() => unknown, string][] = [
    [() => expect(source).toReceiveMessage({}), 'is empty'],
    [() => expect(source).toReceiveMessage({ vlaue: 1 } as never), 'names `vlaue`'],
    [() => expect(source).toReceiveMessage({ value: { id: undefined } }), '`value.id`'],
    [() => expect(source).toReceiveMessages([]), 'empty list'],
    [() => expect(source).toReceiveMessage({ key: 'a' }, { afterGroup: 'billing' }), '`afterGroup` tells'],
    [() => expect(source).not.toReceiveMessages([{ key: 'a' }], { exactly: true }), 'say nothing'],
    [() => expect(source).toReceiveMessage({ key: 'a' }, { exactly: true } as never), 'unknown option'],
    [() => expect(source.messages()).toReceiveMessage({ key: 'a' } as never), 'a Promise'],
    [() => expect(source).not.toReceiveMessage({ key: 'a' }, { afterGroup: 'billing' }), 'no consumer groups'],
  ];
  for (const [body, text] of refused) {
    const { thrown } = await asTest(body);
    expect(thrown).toMatchObject({ code: 'QA_MISUSE', message: expect.stringContaining(text) });
  }
});

test('`waitFor` returns the message, or throws', async () => {
  const it = recorder([paid]);
  const wait = (expected: object) =>
    asTest(async () => found.push(await waitForRow(it.source, expected, { within: 50 }, wait)));
  const found: unknown[] = [];
  await wait({ key: 'o-1' });
  expect(found).toEqual([expect.objectContaining(paid)]);
  expect((await wait({ key: 'o-9' })).thrown).toMatchObject({ code: 'QA_WAIT_FAILED' });
});
