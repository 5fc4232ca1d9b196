/**
 * What services write at their start belongs to what each test starts from, also in the next file, whose process may be
 * another one: on a store defined here, whose resets are told. With PostgreSQL: test/runners/services.test.ts.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { defineBinding } from '../../bindings/core/binding.ts';
import { type Connection, connection } from '../../bindings/core/connection.ts';
import type { Service } from '../../environment/config/services.ts';
import { ask, failure, fixture, TestFile } from './harness.ts';

let log: string[] = [];
beforeEach(() => {
  log = [];
});

function store(harmless = false): Connection {
  const binding = defineBinding({
    kind: 'store',
    parse: (input) => input,
    withAddress: (options) => options,
    describe: () => ({ address: 'store://' }),
    open: async () => 'client',
    health: async () => ({ version: '1', latency: 0, identity: '' }),
    ownership: async () => ({ owned: true, by: 'throwaway', because: 'it is of this test', harmless }) as const,
    reset: async () => ({
      reset: async () => void log.push('reset'),
      push: async () => void log.push('push'),
      pop: () => undefined,
      close: async () => undefined,
    }),
    close: async () => undefined,
    handle: (opened) => ({
      get url() {
        return `store://${opened().client}`;
      },
    }),
  });
  return connection(binding as never, {});
}

/** Reads the store, and says when it starts: its address is asked for by who waits for it. */
const writer = (name: string, more: Record<string, unknown> = {}): Service =>
  fixture('well', {
    env: (qa: { port(): number; db: { url: string } }) => ({ STORE: qa.db.url, PORT: String(qa.port()) }),
    ready: async (qa: TestFile['qa']) => {
      const answer = await ask(qa.service(name as never).url, '/pid');
      log.push(`start ${name}`);
      return answer;
    },
    ...more,
  });

/** Runs a file with one test; what happened to the store and the services. */
async function file(options: ConstructorParameters<typeof TestFile>[0]): Promise<string> {
  log = [];
  const one = await new TestFile(options).open();
  await one.test(() => void log.push('test'));
  await one.test(() => void log.push('test'));
  await one.close();
  return log.join(', ');
}

test('scope run: written once, kept for the files that come; another file makes all anew', async () => {
  const connections = { db: store() };
  const services = { one: writer('one'), two: writer('two') };
  const common = { connections, services, worker: 'scope-run' };
  const first = 'reset, start one, push, test, reset, test, reset';
  const next = 'push, test, reset, test, reset';
  expect(await file({ ...common, names: ['db', 'one'] })).toBe(first);
  expect(await file({ ...common, names: ['db', 'one'] })).toBe(next);
  // Without it tests start from the schema alone, and its tables are gone.
  expect(await file({ ...common, names: ['db'] })).toBe('reset, test, reset, test');
  expect(await file({ ...common, names: ['one'] })).toBe(first);
  expect(await file({ ...common, names: ['one'] })).toBe(next);
  expect(await file({ ...common, names: ['two'] })).toBe(first.replace('one', 'two'));
  expect(await file({ ...common, names: ['one'] })).toBe(first);
});

test('a file that was killed leaves nothing that could be gone on with', async () => {
  const common = { connections: { db: store() }, services: { killed: writer('killed') }, worker: 'killed' };
  await new TestFile(common).open();
  expect(await file(common)).toMatch(/^reset, start killed, push, test/);
});

test('where another one did not start, nothing is gone on with either', async () => {
  const common = {
    connections: { db: store() },
    services: { sound: writer('sound'), unsound: fixture('crashes') },
    worker: 'unsound',
  };
  const broken = new TestFile(common);
  await failure(broken.open());
  await broken.close();
  expect(await file({ ...common, names: ['sound'] })).toMatch(/^reset, start sound, push, test/);
});

test('one that ended in a test starts again before the next, and what it then writes is undone', async () => {
  const common = { connections: { db: store() }, services: { ends: writer('ends') }, worker: 'ends' };
  const one = await new TestFile(common).open();
  await one.test((qa) => qa.service('ends').kill('SIGKILL'));
  log = [];
  await one.test(() => void log.push('test'));
  expect(log.join(', ')).toBe('reset, start ends, reset, test');
  await one.close();
  expect(await file(common)).toMatch(/^push, test/);
});

test('scope file, and a function: made anew in each file', async () => {
  const connections = { db: store() };
  const ofFile = { connections, services: { brief: writer('brief', { scope: 'file' }) }, worker: 'brief' };
  const start = async () => {
    log.push('start inside');
    return {};
  };
  const inside = { connections, services: { inside: { start } }, worker: 'inside' };
  for (let n = 0; n < 2; n += 1) {
    expect(await file(ofFile)).toBe('reset, start brief, push, test, reset, test');
    expect(await file(inside)).toBe('reset, start inside, push, test, reset, test');
  }
});

describe('several workers', () => {
  test('share one that reads nothing of their own, and do not disturb each other', async () => {
    const connections = { db: store(true) };
    const services = { shared: writer('shared') };
    const files = await Promise.all(
      ['1', '2', '3'].map((n) => new TestFile({ connections, services, worker: `shared-${n}`, workers: 3 }).open()),
    );
    expect(log.filter((line) => line.startsWith('start'))).toEqual(['start shared']);
    expect(new Set(files.map(({ qa }) => qa.service('shared').url)).size).toBe(1);
    await Promise.all(files.map((one) => one.close()));
  });

  test('each have their own with scope worker; what each gives another for the run is refused', async () => {
    const env = (qa: TestFile['qa']) => ({ WORKER: qa.run.worker, PORT: String(qa.port()) });
    const own = (worker: string, scope: 'run' | 'worker') =>
      new TestFile({ services: { [`own-${scope}`]: fixture('well', { env, scope }) }, worker, workers: 2 });
    const one = await own('w1', 'worker').open();
    const two = await own('w2', 'worker').open();
    expect(one.qa.service('own-worker').url).not.toBe(two.qa.service('own-worker').url);
    await one.close();
    await two.close();
    const first = await own('w1', 'run').open();
    // Another process has a line of its own to the keeper.
    delete (globalThis as { [line: symbol]: unknown })[Symbol.for('@qa/jest-preset/keeper')];
    const { message, code } = await failure(own('w2', 'run').open());
    expect(code).toBe('QA_CONFIG');
    expect(message).toBe(
      "The service `own-run` is one for the whole run, but each worker gives it another `WORKER`. Write `scope: 'worker'` in `services.own-run`, or let its `env` give the same to all.",
    );
    await first.close();
  });
});
