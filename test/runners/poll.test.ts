/** `expect.poll` in both runners: the same calls, the same failures. */
import { beforeAll, describe, expect, test } from 'vitest';
import { project } from '../support/consumer.ts';
import { type JestRun, jest } from '../support/jest.ts';
import { type VitestRun, vitest, vitestConfig } from '../support/vitest.ts';

const SUITE = `
const { createServer } = require('node:http');
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let server, url, asked = 0;
beforeAll(async () => {
  server = createServer((_, answer) => { asked += 1; answer.statusCode = asked < 4 ? 503 : 200; answer.end(); });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = 'http://127.0.0.1:' + server.address().port;
});
afterAll(() => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }));

test('becomes true', async () => {
  await expect.poll(() => fetch(url).then((r) => r.status), { within: 2000, interval: 5 }).toBe(200);
  expect(asked).toBe(4);
  let n = 0;
  await expect.poll(() => { n += 1; if (n < 3) throw new Error('not yet'); return { n, at: new Date() }; }, { interval: 1 }).toEqual({ n: expect.any(Number), at: expect.any(Date) });
  await expect.poll(async () => n++, { interval: 1 }).not.toBe(3);
  await expect.poll(() => () => { throw new Error('always'); }).toThrow('always');
});
test('with an array of our own', async () => {
  expect.extend({ async toBeLate(value) { await later(2); return { pass: value > 2, message: () => 'too early: ' + value }; } });
  let n = 0;
  await expect.poll(() => n++, { interval: 1 }).toBeLate();
  expect(n).toBe(4);
});
test('counts once', async () => {
  expect.assertions(2);
  let n = 0;
  await expect.poll(() => n++, { interval: 1 }).toBe(5);
  expect(1).toBe(1);
});
test('value', async () => {
  let n = 0;
  await expect.poll(() => (n++ < 2 ? 'PENDING' : 'REFUSED'), { within: 60, interval: 10, message: 'the order' }).toBe('PAID');
});
test('error', async () => {
  let n = 0;
  await expect.poll(() => { if (n++ > 0) throw new TypeError('fetch failed'); return 503; }, { within: 40, interval: 10 }).toBe(200);
});
test('error once', async () => {
  let n = 0;
  await expect.poll(() => { if (n++ === 0) throw new TypeError('fetch failed'); return 503; }, { within: 40, interval: 10 }).toBe(200);
});
test('not', async () => { await expect.poll(() => 1, { within: 20 }).not.toBe(1); });
test('no answer', async () => { await expect.poll(() => new Promise(() => {}), { within: 20 }).toBe(1); });
test('ends in time', { timeout: 900 }, async () => { await expect.poll(() => 1, { within: 60000 }).toBe(2); });
test('soft', async () => {
  await expect.soft.poll(() => 1, { within: 10 }).toBe(2);
  await expect.poll(() => 3, { within: 10, soft: true }).toBe(4);
  await expect.poll(() => 5, { within: 10 }).toBe(6);
  throw new Error('never');
});
test('not awaited', () => { void expect.poll(() => 1, { within: 10 }).toBe(1); });
test('not awaited, failed', async () => { void expect.poll(() => 1, { within: 10 }).toBe(2); await later(100); });
test('fake timers', async () => {
  const { useFakeTimers, useRealTimers } = globalThis.vi ?? globalThis.jest ?? jest;
  useFakeTimers();
  try {
    let n = 0;
    await expect.poll(() => n++, { within: 2000, interval: 5 }).toBe(3);
  } finally { useRealTimers(); }
});
test.concurrent('side a', async () => { let n = 0; await expect.soft.poll(() => n++ < 1 ? 'a' : 'A', { within: 300, interval: 5 }).toBe('x'); });
test.concurrent('side b', async () => { await expect.soft.poll(() => 'b', { within: 40, interval: 5 }).toBe('x'); });
test('misuse', async () => {
  const text = async (call) => { try { await call(); return 'nothing thrown'; } catch (error) { return error.code + ' ' + error.message; } };
  expect(await text(() => expect.poll(fetch(url)).toBe(1))).toMatch(/^QA_MISUSE expect.poll\\(\\) calls a function .* got a Promise/);
  expect(await text(() => expect.poll(() => 1, { whithin: 1 }).toBe(1))).toMatch('Did you mean \`within\`?');
  expect(await text(() => expect.poll(() => 1, { within: '1' }).toBe(1))).toMatch('must be a number of milliseconds');
  expect(await text(() => expect.poll(() => 1))).toMatch('awaited without a matcher');
  expect(await text(() => expect.poll(async () => 1).resolves.toBe(1))).toMatch('Leave \`.resolves\` out');
  expect(() => expect.poll(() => 1).toBee(1)).toThrow(/not a function|Invalid Chai property/);
});
`;
const ONLY_VITEST = `
test("Vitest's own options", async () => {
  let n = 0;
  await expect.poll(() => n++, { timeout: 1000, interval: 1 }).toBe(4);
  await expect.poll(() => n, { timeout: 10 }).to.be.above(2);
});
test('of the context', async ({ expect }) => { await expect.poll(() => 1, { within: 30, interval: 10 }).toBe(2); });
`;
const ONLY_JEST = `
test('timeout', async () => {
  expect(() => expect.poll(() => 1, { timeout: 1 })).toThrow('The time to become true is \`within\`, in ms');
});
`;

describe.each(['jest', 'vitest'] as const)('%s', (runner) => {
  let result: JestRun | VitestRun;
  beforeAll(async () => {
    const folder = project({
      'qa.config.mjs': 'export default { connections: {} };',
      'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };",
      ...vitestConfig(),
      'poll.test.js':
        (runner === 'vitest'
          ? SUITE.replace("const { createServer } = require('node:http');", "import { createServer } from 'node:http';")
          : SUITE) + (runner === 'jest' ? ONLY_JEST : ONLY_VITEST),
    });
    result = await (runner === 'jest' ? jest(folder, ['-i']) : vitest(folder));
  });
  const messages = (name: string) => result.tests[name]?.messages ?? [];
  const failure = (name: string) => {
    expect(messages(name), result.tests[name]?.status).toHaveLength(1);
    return messages(name)[0]!;
  };

  test('what becomes true passes, with matchers of all kinds; it is one assertion', () => {
    const passing = [
      'becomes true',
      'with an array of our own',
      'counts once',
      'fake timers',
      'misuse',
      ...(runner === 'jest' ? ['timeout'] : ["Vitest's own options"]),
    ];
    for (const name of passing) expect(result.tests[name], messages(name).join()).toMatchObject({ status: 'passed' });
  });

  test('a failure says the last value, how often it was tried, and how it changed, at the line of the test', () => {
    const text = failure('value');
    expect(text).toContain(runner === 'jest' ? 'Received: "REFUSED"' : "expected 'REFUSED' to be 'PAID'");
    expect(text).toMatch(/the order: /);
    expect(text).toMatch(
      /Polled {5}for \d+ ms, \d+ times, 10 ms apart\nLast value 'REFUSED'\nHistory {4}'PENDING' until \d+ ms\n {11}'REFUSED' since \d+ ms/,
    );
    expect(text).toMatch(/poll\.test\.js:34:/);
  });

  test('where the function throws', () => {
    expect(failure('error')).toMatch(
      /expect\.poll\(\(\) => .*\)\.toBe\(200\)\n\nThe function threw at the last try\.\n\nPolled .*\nLast value 503 \(try 1\)\nLast error TypeError: fetch failed/,
    );
    expect(failure('error once')).toMatch(/Last value 503\nLast error TypeError: fetch failed \(try 1\)/);
  });

  test('where it has no answer, and with .not', () => {
    expect(failure('no answer')).toMatch(
      /The last try had no answer when the time was up \(1 try in all\)[\s\S]*Last value \(none\)/,
    );
    expect(failure('not')).toMatch(/Last value 1/);
  });

  test('it ends with the time of the test', () => {
    expect(failure('ends in time')).toMatch(/cut short: asked for 60\.0 s/);
  });

  test('soft', () => {
    expect(messages('soft').map((text) => /Last value (\d)/.exec(text)?.[1])).toEqual(['1', '3', '5']);
    expect(messages('side a')).toEqual([expect.stringContaining("Last value 'A'")]);
    expect(messages('side b')).toEqual([expect.stringContaining("Last value 'b'")]);
  });

  test('not awaited', () => {
    expect(failure('not awaited')).toMatch(
      /`expect\.poll\(…\)\.toBe\(…\)` was not awaited: when the test ended it had no answer yet/,
    );
    expect(failure('not awaited, failed')).toMatch(/was not awaited: it failed, and the test went on without knowing/);
  });

  test.runIf(runner === 'vitest')("of the context's expect", () => {
    expect(failure('of the context')).toMatch(/Polled {5}for \d+ ms, \d+ times, 10 ms apart/);
  });
});
