/**
 * The session's own rules, on stores defined here with `defineBinding`: order, deadlines, and that all is closed.
 * What real servers do to it is tested with each binding.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { type Binding, defineBinding, type Proof, type Resetter } from '../../bindings/core/binding.ts';
import { type Connection, connection } from '../../bindings/core/connection.ts';
import { Journal } from '../../environment/log/journal.ts';
import { Session } from '../../environment/session.ts';

let log: string[];
beforeEach(() => {
  log = [];
});

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const never = () => new Promise<never>(() => {});

interface Store {
  open?: () => Promise<unknown>;
  close?: () => Promise<void>;
  needs?: string[];
  reset?: Partial<Resetter>;
  proof?: Partial<Proof>;
}

function store(name: string, { open, close, needs = [], reset, proof }: Store = {}): Connection {
  const binding: Binding<object, string, { client: string }> = defineBinding({
    kind: 'store',
    needs: () => needs,
    parse: (input) => input,
    withAddress: (_, address) => ({ address }),
    describe: (options) => ({ address: (options as { address?: string }).address ?? `store://${name}` }),
    async open(options, scope) {
      log.push(`open ${name}`);
      for (const need of needs) log.push(`${name} sees ${await scope.use(need)}`);
      await open?.();
      await turn();
      log.push(`opened ${name}${'address' in options ? ` at ${options.address}` : ''}`);
      return name;
    },
    health: async () => ({ version: '1', latency: 0, identity: name }),
    ...(reset && {
      ownership: async () => ({ owned: true, by: 'throwaway', because: 'it is of this test', ...proof }) as const,
      reset: async () => ({
        reset: async () => {},
        push: async () => {},
        pop: () => {},
        close: async () => {},
        ...reset,
      }),
    }),
    async close() {
      log.push(`close ${name}`);
      await close?.();
    },
    handle: (opened) => ({
      get client() {
        return opened().client;
      },
    }),
  });
  return connection(binding as never, {});
}

const silentJournal = new Journal({
  base: { run: 'r', worker: '1', file: 'a.test.ts' },
  baseDir: '/p',
  log: undefined,
  redact: (text) => text,
  current: () => undefined,
});
const journal = () => silentJournal;

const session = (
  connections: Record<string, Connection>,
  options: { openTimeout?: number; resetTimeout?: number } = {},
  workers = 1,
) =>
  new Session({
    config: { connections, ...options, file: '/p/qa.config.ts', baseDir: '/p', stand: undefined },
    namespace: { run: 'r', worker: '1' },
    workers,
    journal,
    adopt: (value) => value,
    waitFor: never,
  });

describe('opening', () => {
  test('in parallel, but what is needed first', async () => {
    const all = session({ a: store('a', { needs: ['b'] }), b: store('b'), c: store('c') });
    await all.open(['a', 'b', 'c']);
    expect(log.slice(0, 2)).toEqual(['open b', 'open c']);
    expect(log.filter((line) => !line.endsWith(' c'))).toEqual([
      'open b',
      'opened b',
      'open a',
      'a sees b',
      'opened a',
    ]);
  });

  test('only what is named, and what that needs', async () => {
    const some = session({ a: store('a', { needs: ['b'] }), b: store('b'), c: store('c') });
    await some.open(['a']);
    expect(log.filter((line) => line.startsWith('opened'))).toEqual(['opened b', 'opened a']);
    expect(() => (some.handles().c as { client: unknown }).client).toThrow(
      /qa\.c: This file's docblock names only these connections: b, a/,
    );
  });

  test('a handle is there before, its client is not', () => {
    const closed = session({ a: store('a') });
    expect(() => (closed.handles().a as { client: unknown }).client).toThrow(
      /qa\.a: The connection is not open\. Use it in a test or in a hook/,
    );
  });

  test('a circle is refused', async () => {
    const circle = session({ a: store('a', { needs: ['b'] }), b: store('b', { needs: ['a'] }) });
    await expect(circle.open(['a'])).rejects.toThrow(/need each other in a circle: a → b → a/);
  });

  test('all failures are told together, and what did open is closed', async () => {
    const fail = (text: string) => ({ open: () => Promise.reject(new Error(text)) });
    const bad = session({ a: store('a', fail('no a')), b: store('b', fail('no b')), c: store('c') });
    await expect(bad.open(['a', 'b', 'c'])).rejects.toThrow(
      /2 connections could not be opened:\n {2}- no a\n {2}- no b/,
    );
    await bad.close();
    expect(log.filter((line) => line.startsWith('close'))).toEqual(['close c']);
  });

  test('what never answers ends with the deadline, and names connection and address', async () => {
    const hung = session({ a: store('a', { open: never }) }, { openTimeout: 30 });
    await expect(hung.open(['a'])).rejects.toThrow(
      /qa\.a \(store:\/\/a\): The connection did not open within 30 ms\. .*`openTimeout`/,
    );
    await hung.close();
  });

  test('what opens too late is closed', async () => {
    let arrive = () => {};
    const late = session(
      { a: store('a', { open: () => new Promise<void>((resolve) => (arrive = resolve)) }) },
      { openTimeout: 10 },
    );
    await expect(late.open(['a'])).rejects.toThrow(/did not open within 10 ms/);
    await late.close();
    arrive();
    await expect.poll(() => log.at(-1)).toBe('close a');
  });

  test('QA_<NAME>_URL replaces the address', async () => {
    process.env.QA_ORDER_DB_URL = 'store://elsewhere';
    try {
      const overridden = session({ orderDb: store('orderDb') });
      await overridden.open(['orderDb']);
      expect(log).toContain('opened orderDb at store://elsewhere');
    } finally {
      delete process.env.QA_ORDER_DB_URL;
    }
  });
});

describe('closing', () => {
  test('tries all, tells all, and may be called twice', async () => {
    const bad = session({ a: store('a', { close: () => Promise.reject(new Error('stuck')) }), b: store('b') });
    await bad.open(['a', 'b']);
    await expect(bad.close()).rejects.toMatchObject({ errors: [{ message: 'stuck' }] });
    expect(log.slice(-2).sort()).toEqual(['close a', 'close b']);
    await bad.close();
    expect(() => (bad.handles().a as { client: unknown }).client).toThrow(/not open/);
  });

  test('what is needed by another one closes after it, whatever becomes of that', async () => {
    const slow = { needs: ['b'], close: () => turn().then(() => Promise.reject(new Error('stuck'))) };
    const all = session({ a: store('a', slow), b: store('b', { needs: ['c'] }), c: store('c') });
    await all.open(['a']);
    await expect(all.close()).rejects.toThrow();
    expect(log.filter((line) => line.startsWith('close'))).toEqual(['close a', 'close b', 'close c']);
  });
});

describe('resetting', () => {
  test('what is not ours is never reset', async () => {
    const all = session({ a: store('a') });
    await all.open(['a']);
    expect(all.resets).toBe(false);
    await all.reset();
  });

  test('a shared target is refused where several workers run', async () => {
    const shared = session({ a: store('a', { reset: {} }) }, {}, 4);
    await expect(shared.open(['a'])).rejects.toThrow(
      /qa\.a .*shared by all workers \(it is of this test\), 4 of them.*`maxWorkers: 1`/,
    );
    await shared.close();
  });

  test('a harmless reset runs beside other workers, on a target that is not ours too', async () => {
    const marks: Store = {
      reset: {
        reset: async () => void log.push('reset'),
        push: async () => void log.push('push'),
        pop: () => void log.push('pop'),
        close: async () => void log.push('close resetter'),
      },
      proof: { by: 'marks', because: 'it only takes marks', harmless: true },
    };
    const shared = session({ a: store('a', marks) }, {}, 4);
    await shared.open(['a']);
    expect(shared.resets).toBe(true);
    log = [];
    await shared.reset();
    await shared.pushBaseline();
    shared.popBaseline();
    await shared.close();
    expect(log).toEqual(['reset', 'push', 'pop', 'close resetter', 'close a']);
  });

  test('beside a harmless one, a reset that is not is refused all the same', async () => {
    const marks: Store = { reset: {}, proof: { by: 'marks', because: 'it only takes marks', harmless: true } };
    const mixed = session({ a: store('a', marks), b: store('b', { reset: {} }) }, {}, 2);
    await expect(mixed.open(['a', 'b'])).rejects.toThrow(/^qa\.b .*shared by all workers/);
    await mixed.close();
  });

  test('a reset that never ends is ended by its deadline', async () => {
    const hung = session({ a: store('a', { reset: { reset: never } }) }, { resetTimeout: 20 });
    await hung.open(['a']);
    await expect(hung.reset()).rejects.toThrow(/qa\.a .*The reset did not end within 20 ms.*`resetTimeout`/);
  });
});
