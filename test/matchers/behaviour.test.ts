/** Soft and hard, misuse, frames and what is not awaited: with Vitest's own `expect`, and with Jest's. */
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { QaError } from '../../bindings/core/errors.ts';
import type { MatcherName } from '../../matchers/types.ts';
import { arrayStore } from './array-source.ts';
import { asTest, RUNNERS, redactor } from './harness.ts';

/** The matchers as JavaScript sees them: with any arguments. */
type Loose = Record<MatcherName, (...args: unknown[]) => Promise<void>>;
interface Odd {
  toBeOdd(): void;
  toBeOddLater(): Promise<void>;
}

const HERE = fileURLToPath(import.meta.url);
const fast = { within: 30 };
const hard = { within: 30, soft: false };

describe.each(Object.keys(RUNNERS) as (keyof typeof RUNNERS)[])('%s', (runner) => {
  let its: typeof expect;
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => rejections.push(reason);
  beforeEach(() => {
    its = RUNNERS[runner]();
    rejections.length = 0;
    process.on('unhandledRejection', onRejection);
  });
  afterEach(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onRejection);
    RUNNERS.vitest();
    expect(rejections).toEqual([]);
  });

  test('soft: the test goes on, each failure is its own, framed at its call', async () => {
    const { source } = arrayStore([{ id: 'o-1' }]);
    const went: string[] = [];
    const { failures, thrown } = await asTest(async () => {
      await its(source).toHaveRowMatching({ id: 'first' }, fast);
      await its(source).toHaveRowMatching({ id: 'o-1' }, fast);
      await its(source).not.toHaveRowMatching({ id: 'o-1' }, fast);
      went.push('on');
    });
    expect(thrown).toBeUndefined();
    expect(went).toEqual(['on']);
    expect(failures.map((error) => error.message.includes('first'))).toEqual([true, false]);
    for (const { stack, message } of failures) {
      expect(stack!.startsWith(`Error: ${message}\n    at `)).toBe(true);
      expect(stack!.slice(message.length).split('\n')[1]).toContain(HERE);
    }
    expect(failures[0]).toHaveProperty('matcherResult.expected', { id: 'first' });
    expect(failures[0]).toHaveProperty('matcherResult.actual', { id: 'o-1' });
  });

  test('hard: by option, and where the running function is not soft', async () => {
    const { source } = arrayStore([{ id: 'o-1' }]);
    const byOption = await asTest(() => its(source).toHaveRowMatching({ id: 'x' }, hard));
    expect(byOption).toMatchObject({ failures: [], thrown: { message: expect.stringContaining('No row matched') } });
    expect((byOption.thrown as Error).stack).toContain(HERE);
    const byTest = await asTest(() => its(source).not.toHaveRowCount(1, fast), { soft: false });
    expect(byTest).toMatchObject({ failures: [], thrown: { message: expect.stringContaining('another number') } });
  });

  test('misuse throws at once, whatever .not and soft say', async () => {
    const { source } = arrayStore([{ id: 'o-1' }]);
    const loose = (value: unknown) => its(value) as unknown as Loose;
    const cases: [() => unknown, RegExp][] = [
      [
        () => loose(42).toHaveRowMatching({ id: 1 }),
        /needs a source of rows, but received a number: 42\. .*qa\.db\.table\('…'\)`, `qa\.db\.rows/,
      ],
      [() => loose([{ id: 1 }]).toHaveRowCount(1), /received an array of 1/],
      [() => loose(source.all()).toHaveRowMatching({ id: 1 }), /received a Promise\. .*without `\.all\(\)`/],
      [() => loose(source).toHaveRowMatching({}), /is empty, which every row matches/],
      [() => loose(source).toHaveRowMatching('o-1'), /must be an object of columns, but is a string: 'o-1'/],
      [() => loose(source).toHaveRowMatching({ id: undefined }), /`id` of the expected row is undefined/],
      [
        () => loose(source).toHaveRowMatching({ a: { b: [1, undefined] } }),
        /`a\.b\[1\]` of the expected row is undefined/,
      ],
      [
        () => loose(source).toHaveRowMatching({ id: 1 }, { witin: 3 }),
        /unknown option `witin`\. Did you mean `within`\?/,
      ],
      [
        () => loose(source).toHaveRowMatching({ id: 1 }, { timeout: 3 }),
        /unknown option `timeout`\. .*is `within`, in ms/,
      ],
      [
        () => loose(source).toHaveRowMatching({ id: 1 }, { within: '3' }),
        /option `within` must be a number of milliseconds.*but is '3'/,
      ],
      [
        () => loose(source).toHaveRowMatching({ id: 1 }, { soft: 1 }),
        /option `soft` must be `true` or `false`, but is 1/,
      ],
      [() => loose(source).toHaveRowMatching({ id: 1 }, 500), /options must be an object, but are a number: 500/],
      [() => loose(source).toHaveRowsMatching({ id: 1 }), /takes a list of partial rows, but got an object/],
      [() => loose(source).toHaveRowsMatching([]), /empty list.*toHaveRowCount\(0\)/],
      [() => loose(source).toHaveRowsMatching([{ id: 1 }, {}]), /expected\[1\] is empty/],
      [
        () => loose(source).toHaveRowsMatching([{ id: 1 }], { inOrder: true }),
        /`inOrder` needs rows that have an order.*order by/,
      ],
      [() => loose(source).toHaveRowCount(-1), /whole number, 0 or more, but got a number: -1/],
    ];
    for (const [call, text] of cases) {
      let thrown: unknown;
      await asTest(() => {
        try {
          call();
        } catch (error) {
          thrown = error;
        }
      });
      expect(thrown).toMatchObject({ code: 'QA_MISUSE', message: expect.stringMatching(text) });
      expect((thrown as Error).stack).toContain(HERE);
    }
    const negated = await asTest(() => (its(source).not as unknown as Loose).toHaveRowMatching({}));
    expect(negated.thrown).toMatchObject({ code: 'QA_MISUSE' });
  });

  test('an unknown column is misuse once the first look fails, and always with .not', async () => {
    const store = arrayStore([{ id: 'o-1' }]);
    for (const call of [
      () => its(store.source).toHaveRowMatching({ di: 'o-1' }),
      () => its(store.source).not.toHaveRowMatching({ di: 'o-1' }),
    ]) {
      const looks = store.calls.find;
      const { thrown } = await asTest(call);
      expect(thrown).toMatchObject({ code: 'QA_MISUSE', message: expect.stringContaining('no column `di`') });
      expect((thrown as Error).stack).toContain(HERE);
      expect(store.calls.find - looks).toBeLessThanOrEqual(1);
    }
  });

  test('passing at once is one look and nothing else', async () => {
    const store = arrayStore([{ id: 'o-1' }]);
    await asTest(() => its(store.source).toHaveRowMatching({ id: 'o-1' }));
    expect(store.calls).toEqual({ find: 1, explain: 0, check: 0, count: 0 });
  });

  test('waits until it becomes true, and .not until it is gone', async () => {
    const store = arrayStore([]);
    setTimeout(() => store.rows.push({ id: 'o-1' }), 60);
    const { failures } = await asTest(async () => {
      await its(store.source).toHaveRowMatching({ id: 'o-1' });
      setTimeout(() => store.rows.pop(), 60);
      await its(store.source).not.toHaveRowMatching({ id: 'o-1' });
      await its(store.source).toHaveRowCount(0, { stays: 50 });
    });
    expect(failures).toEqual([]);
  });

  test('fake timers do not stop a wait', async () => {
    const store = arrayStore([]);
    setTimeout(() => store.rows.push({ id: 'o-1' }), 60);
    vi.useFakeTimers();
    try {
      expect(await asTest(() => its(store.source).toHaveRowMatching({ id: 'o-1' }))).toMatchObject({ failures: [] });
    } finally {
      vi.useRealTimers();
    }
  });

  test('a connection that comes back is no failure; one that does not is the cause', async () => {
    const store = arrayStore([{ id: 'o-1' }]);
    store.broken = new QaError('QA_CONNECTION_LOST', { what: 'Broken', mend: 'Mend it' });
    setTimeout(() => {
      store.broken = undefined;
    }, 60);
    expect(await asTest(() => its(store.source).toHaveRowMatching({ id: 'o-1' }))).toMatchObject({ failures: [] });
    store.broken = new QaError('QA_CONNECTION_LOST', { what: 'Broken', mend: 'Mend it' });
    const { failures } = await asTest(() => its(store.source).toHaveRowMatching({ id: 'o-1' }, fast));
    expect(failures).toMatchObject([
      { message: expect.stringContaining('Broken'), cause: { code: 'QA_CONNECTION_LOST' } },
    ]);
  });

  test('any other error of the source is thrown at once, framed', async () => {
    const store = arrayStore([]);
    store.broken = new QaError('QA_QUERY_FAILED', { what: 'Syntax', mend: 'Write SQL' });
    const { thrown } = await asTest(() => its(store.source).not.toHaveRowMatching({ id: 'o-1' }));
    expect(thrown).toBe(store.broken);
    expect((thrown as Error).stack).toContain(HERE);
  });

  test('not awaited: one error of its own, framed at the call, and silence afterwards', async () => {
    const { source } = arrayStore([]);
    const { failures } = await asTest(() => {
      void its(source).toHaveRowMatching({ id: 'o-1' }, hard);
      void its(source).toHaveRowMatching({ id: 'o-2' }, fast);
    });
    expect(failures).toMatchObject([{ code: 'QA_NOT_AWAITED' }, { code: 'QA_NOT_AWAITED' }]);
    expect(failures[0]!.stack).toContain(HERE);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(failures).toHaveLength(2);
  });

  test('not awaited, but failed in time: still a failure', async () => {
    const { source } = arrayStore([{ id: 'o-1' }]);
    const { failures } = await asTest(async () => {
      void its(source).toHaveRowMatching({ id: 'x' }, hard);
      void its(source).toHaveRowMatching({ di: 'x' });
      await new Promise((resolve) => setTimeout(resolve, 100));
    });
    expect(failures).toMatchObject([
      { code: 'QA_NOT_AWAITED', cause: { message: expect.stringContaining('No row matched') } },
      { code: 'QA_NOT_AWAITED', cause: { code: 'QA_MISUSE' } },
    ]);
  });

  test('awaited late, or with others, is awaited', async () => {
    const { source } = arrayStore([{ id: 'o-1' }]);
    const { failures, thrown } = await asTest(async () => {
      const late = its(source).toHaveRowMatching({ id: 'x' }, hard);
      await new Promise((resolve) => setTimeout(resolve, 60));
      await Promise.allSettled([late, its(source).toHaveRowMatching({ id: 'y' }, hard)]);
      await late.then(undefined, () => undefined);
    });
    expect({ failures, thrown }).toEqual({ failures: [], thrown: undefined });
  });

  test('a secret is not shown', async () => {
    redactor.add('tops3cret-value');
    const { source } = arrayStore([{ id: 'tops3cret-value' }]);
    const { failures } = await asTest(() =>
      its(source).toHaveRowMatching({ id: 'x', status: 'tops3cret-value' }, fast),
    );
    expect(failures[0]!.message).toContain('‹redacted›');
    expect(`${failures[0]!.message}${failures[0]!.stack}`).not.toContain('tops3cret-value');
  });

  test('custom equality testers of the runner are used', async () => {
    its.addEqualityTesters([
      function caseless(a: unknown, b: unknown) {
        return a === 'PAID' && b === 'paid-by-tester' ? true : undefined;
      },
    ]);
    const { source } = arrayStore([{ id: 'o-1', status: 'PAID' }]);
    expect(await asTest(() => its(source).toHaveRowMatching({ status: 'paid-by-tester' }, fast))).toMatchObject({
      failures: [],
    });
  });

  test('expect.soft takes our matchers', async () => {
    const { source } = arrayStore([{ id: 'o-1' }]);
    const { failures, thrown } = await asTest(() => its.soft(source).toHaveRowMatching({ id: 'x' }, fast));
    expect(thrown).toBeUndefined();
    expect(failures).toHaveLength(1);
  });
});

describe("Jest's expect.soft", () => {
  test("built-in matchers, .not, .resolves, .rejects and the user's own", async () => {
    const its = RUNNERS.jest();
    its.extend({
      toBeOdd: (value: number) => ({ pass: value % 2 === 1, message: () => `${value} is not odd` }),
      async toBeOddLater(value: number) {
        return { pass: value % 2 === 1, message: () => `${value} is not odd, later` };
      },
    });
    const { failures, thrown } = await asTest(async () => {
      its.soft(1).toBe(2);
      its.soft(1).not.toBe(1);
      await its.soft(Promise.resolve(3)).resolves.toBe(4);
      await its.soft(Promise.resolve(3)).rejects.toThrow();
      (its.soft(2) as unknown as Odd).toBeOdd();
      await (its.soft(4) as unknown as Odd).toBeOddLater();
      its.soft(1 as unknown as string).toHaveLength(1);
      (its.soft(3) as unknown as Odd).toBeOdd();
    });
    RUNNERS.vitest();
    expect(thrown).toBeUndefined();
    expect(failures.map((error) => stripVTControlCharacters(error.message).split('\n').at(-1))).toEqual([
      'Received: 1',
      'Expected: not 1',
      'Received: 3',
      'Resolved to value: 3',
      '2 is not odd',
      '4 is not odd, later',
      'Received has value: 1',
    ]);
    for (const { stack, message } of failures) {
      const frames = stack!
        .slice(stack!.indexOf(message) + message.length)
        .split('\n')
        .filter((line) => /^\s+at /.test(line));
      expect(frames[0]).toContain(HERE);
    }
  });

  test('a test that must stay hard throws at once', async () => {
    const its = RUNNERS.jest();
    const { failures, thrown } = await asTest(() => its.soft(1).toBe(2), { soft: false });
    RUNNERS.vitest();
    expect(failures).toEqual([]);
    expect(thrown).toBeInstanceOf(Error);
  });
});
