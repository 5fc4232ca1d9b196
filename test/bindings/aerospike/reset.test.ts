/** Nothing is ever emptied that is not ours, or not listed and marked; and what is ours comes back as it was. */
import { inspect } from 'node:util';
import aerospike, { type Client, type Key, type KeyOptions } from 'aerospike';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Proof, Resetter, Scope } from '../../../bindings/core/binding.ts';
import { type AerospikeHandle, binding } from '../../../bindings/databases/aerospike/index.ts';
import { AEROSPIKE, startStandIn, type TestAerospike, useAerospike } from '../../support/aerospike.ts';
import { type OpenConnection, openBinding } from '../../support/scope.ts';

const soon = () => AbortSignal.timeout(20_000);
const SETS = ['qa_users', 'qa_orders'];
type Opened = OpenConnection<Client, AerospikeHandle>;

let server: TestAerospike;
let service: Client;
const open: Opened[] = [];

beforeAll(async () => {
  server = await useAerospike();
  service = await aerospike.connect({ hosts: server.hosts });
});
afterEach(async () => {
  for (const connection of open.splice(0)) await connection[Symbol.asyncDispose]();
  for (const set of [...SETS, 'qa_marker', 'qa_foreign']) await service.truncate('test', set, 0);
  await expect.poll(async () => (await service.query('test', 'qa_marker').results()).length).toBe(0);
});
afterAll(async () => {
  service?.close();
  await server?.stop();
});

async function connect(changes: Partial<Scope> = {}, sets: readonly string[] | null = SETS): Promise<Opened> {
  const input = { hosts: server.hosts, namespace: 'test', ...(sets ? { reset: { sets } } : {}) };
  const connection = await openBinding(binding, input, { connection: 'profiles', ...changes });
  open.push(connection);
  return connection;
}

const ownership = ({ client, scope }: Opened) => binding.ownership(client, {} as never, scope);
const key = (set: string, id: string | number) => new aerospike.Key('test', set, id) as Key & KeyOptions;
const put = (set: string, id: string | number, bins: object, ttl?: number) =>
  service.put(key(set, id), bins as never, ttl === undefined ? undefined : ({ ttl } as never));
const bins = async (set: string) => {
  const found = await service.query('test', set).results();
  return found.map((record) => record.bins).sort((a, b) => inspect(a).localeCompare(inspect(b)));
};

/** Runs what the error says: `INSERT INTO test.qa_marker (PK, marker) VALUES ('…', '…')`. */
async function mark(connection: Opened): Promise<void> {
  const error = (await ownership(connection).catch((reason) => reason)) as Error;
  const [, set, id, value] = /INSERT INTO test\.(\w+) \(PK, marker\) VALUES \('([^']+)', '([^']+)'\)/.exec(
    error.message,
  )!;
  await put(set!, id!, { marker: value });
}

async function resetterOf(connection: Opened): Promise<Resetter> {
  const proof = await ownership(connection);
  expect(proof.owned, JSON.stringify(proof)).toBe(true);
  return binding.reset(connection.client, proof as Proof, connection.scope);
}

describe(`what may be emptied on ${AEROSPIKE}`, () => {
  test('without a list nothing is ours, whatever the address says', async () => {
    const proof = await ownership(await connect({}, null));
    expect(proof).toEqual({
      owned: false,
      because: `aerospike://${server.hosts}/test is not a throwaway server of this run, and the config lists no sets that may be emptied (\`reset: { sets: […] }\`)`,
    });
  });

  test('a list without the marker is an error with the command that sets it', async () => {
    const connection = await connect();
    const error = await ownership(connection).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'QA_NO_MARKER', connection: 'profiles' });
    expect(error.message).toMatch(
      /`reset\.sets` is set, but the namespace does not carry the marker that says it may be emptied\. Only if this is a throw-away stand, whose data nobody will miss, run: `aql -h \S+ -p \d+ -c "INSERT INTO test\.qa_marker \(PK, marker\) VALUES \('qa-may-empty', 'qa-may-empty:\S+:\S+:test'\)"`$/,
    );
    await mark(connection);
    expect(await ownership(connection)).toMatchObject({ owned: true, by: 'marker', sets: SETS });
  });

  test('the marker of another cluster or namespace proves nothing', async () => {
    const connection = await connect();
    await put('qa_marker', 'qa-may-empty', { marker: 'qa-may-empty:-:BB9FFFFFFFFFFFF:test' });
    await expect(ownership(connection)).rejects.toThrow(
      /the marker in the namespace, qa-may-empty:-:BB9FFFFFFFFFFFF:test, is another cluster's/,
    );
  });

  test('only the listed sets are emptied, and the marker stays', async () => {
    const connection = await connect();
    await mark(connection);
    const resetter = await resetterOf(connection);
    await put('qa_users', 1, { n: 1 });
    await put('qa_orders', 1, { n: 1 });
    await put('qa_foreign', 1, { n: 1 });
    await resetter.reset(soon());
    expect(await bins('qa_users')).toEqual([]);
    expect(await bins('qa_orders')).toEqual([]);
    expect(await bins('qa_foreign')).toEqual([{ n: 1 }]);
    await resetter.close();
    expect(await ownership(connection)).toMatchObject({ owned: true });
  });

  test('many records are truncated, and what is written right after stays', async () => {
    const connection = await connect();
    await mark(connection);
    const resetter = await resetterOf(connection);
    await connection.handle.seed('qa_users', new Map(Array.from({ length: 700 }, (_, i) => [i, { i }])));
    await resetter.reset(soon());
    await put('qa_users', 1, { n: 'new' });
    expect(await bins('qa_users')).toEqual([{ n: 'new' }]);
    await resetter.close();
  });

  test('one run at a time: another one is told who holds the stand', async () => {
    const first = await connect();
    await mark(first);
    const resetter = await resetterOf(first);
    const second = await connect({ namespace: { run: 'r2', worker: '1' }, signal: AbortSignal.timeout(2000) });
    await expect(resetterOf(second)).rejects.toThrow(
      `: Another run, run r1 (process ${process.pid}), is using this stand, and only one may empty it at a time. Wait until it has ended, or give this run more time with \`openTimeout\``,
    );
    await resetter.close();
    const third = await connect({ namespace: { run: 'r2', worker: '1' } });
    const next = await resetterOf(third);
    await expect(resetter.reset(soon())).rejects.toMatchObject({ code: 'QA_RESET_BLOCKED' });
    await next.close();
  });

  test('a run that died is waited for no longer than its lock holds', async () => {
    const connection = await connect();
    await mark(connection);
    await put('qa_marker', 'qa-lock', { run: 'dead', worker: '1', pid: 1, until: Date.now() + 300 });
    const resetter = await resetterOf(connection);
    await resetter.reset(soon());
    await resetter.close();
    expect(await service.exists(key('qa_marker', 'qa-lock'))).toBe(false);
  });
});

describe(`baselines on ${AEROSPIKE}`, () => {
  async function ready(): Promise<{ resetter: Resetter; connection: Opened }> {
    const connection = await connect();
    await mark(connection);
    return { resetter: await resetterOf(connection), connection };
  }

  test('what beforeAll wrote comes back: changed, removed, written anew', async () => {
    const { resetter } = await ready();
    await put('qa_users', 'same', { n: 1 });
    await put('qa_users', 'changed', { n: 1, list: [1, { deep: true }], bytes: Buffer.from([1]) });
    await put('qa_users', 'removed', { n: 2n ** 60n });
    await put('qa_users', 'anew', { n: 3 });
    await resetter.push(soon());
    const before = await bins('qa_users');

    await put('qa_users', 'changed', { n: 9, list: null });
    await service.remove(key('qa_users', 'removed'));
    // Its generation is 1 again: only its bins tell.
    await service.remove(key('qa_users', 'anew'));
    await put('qa_users', 'anew', { n: 4 });
    await put('qa_users', 'new', { n: 5 });
    await put('qa_orders', 'new', { n: 5 });
    await resetter.reset(soon());
    expect(await bins('qa_users')).toEqual(before);
    expect(await bins('qa_orders')).toEqual([]);
    expect((await service.get(key('qa_users', 'same'))).gen).toBe(1);
    expect((await service.get(key('qa_users', 'removed'))).bins.n).toBe(2n ** 60n);

    await put('qa_users', 'changed', { n: 10 });
    await resetter.reset(soon());
    expect(await bins('qa_users')).toEqual(before);
    await resetter.close();
  });

  test('they nest as describes do', async () => {
    const { resetter } = await ready();
    await put('qa_users', 1, { level: 1 });
    await resetter.push(soon());
    await put('qa_users', 2, { level: 2 });
    await resetter.push(soon());
    await put('qa_users', 3, { level: 3 });
    await resetter.reset(soon());
    expect(await bins('qa_users')).toEqual([{ level: 1 }, { level: 2 }]);
    resetter.pop();
    await resetter.reset(soon());
    expect(await bins('qa_users')).toEqual([{ level: 1 }]);
    resetter.pop();
    await resetter.reset(soon());
    expect(await bins('qa_users')).toEqual([]);
    await resetter.close();
  });

  test('a key that was stored, one that was not, and a large one come back as they were', async () => {
    const { resetter, connection } = await ready();
    await connection.handle.seed(
      'qa_users',
      new Map<string | bigint, object>([
        ['with', { n: 1 }],
        [2n ** 62n, { n: 2 }],
      ]) as never,
    );
    await put('qa_users', 'without', { n: 3 });
    await resetter.push(soon());
    await service.truncate('test', 'qa_users', 0);
    await expect.poll(() => bins('qa_users')).toEqual([]);
    await resetter.reset(soon());
    const keys = (await service.query('test', 'qa_users').results()).map((record) => [record.bins.n, record.key.key]);
    expect(keys.sort()).toEqual([
      [1, 'with'],
      [2, undefined],
      [3, undefined],
    ]);
    expect(await connection.handle.key('qa_users', 2n ** 62n).get()).toEqual({ n: 2 });
    await resetter.close();
  });

  test('a time to live comes back with what was left of it', async () => {
    const { resetter } = await ready();
    await put('qa_users', 'mortal', { n: 1 }, 1000);
    await put('qa_users', 'immortal', { n: 2 }, aerospike.ttl.NEVER_EXPIRE);
    await resetter.push(soon());
    await put('qa_users', 'mortal', { n: 1 }, 5);
    await put('qa_users', 'immortal', { n: 2 }, 5);
    await resetter.reset(soon());
    const { ttl } = await service.get(key('qa_users', 'mortal'));
    expect(ttl).toBeGreaterThan(900);
    expect((await service.get(key('qa_users', 'immortal'))).ttl).toBe(aerospike.ttl.NEVER_EXPIRE);
    await resetter.close();
  });
});

describe('a throwaway server on the stand-in', () => {
  const lease = (node: string) => ({
    options: {},
    because: 'a throwaway server of this run',
    isShared: false,
    secret: { node },
  });

  test('all of it is ours, where it is the one that was lent', async () => {
    await using own = await startStandIn({ node: 'BB9000000000007' });
    await using connection = await openBinding(
      binding,
      { hosts: own.hosts, namespace: 'test' },
      { lease: lease('BB9000000000007') },
    );
    const proof = await ownership(connection);
    expect(proof).toMatchObject({ owned: true, by: 'throwaway', because: 'a throwaway server of this run' });
    const resetter = await binding.reset(connection.client, proof as Proof, connection.scope);
    await connection.handle.seed('a', { 1: { n: 1 } });
    await connection.handle.seed('b', new Map(Array.from({ length: 600 }, (_, i) => [i, { i }])));
    await connection.client.put(new aerospike.Key('test', undefined as never, 'no set') as Key & KeyOptions, { n: 1 });
    await resetter.reset(soon());
    expect(await connection.client.query('test').results()).toEqual([]);
    await resetter.close();
  });

  test('a lease for another server proves nothing', async () => {
    await using own = await startStandIn({ node: 'BB9000000000008' });
    await using connection = await openBinding(
      binding,
      { hosts: own.hosts, namespace: 'test' },
      { lease: lease('BB9000000000007') },
    );
    expect(await ownership(connection)).toEqual({
      owned: false,
      because: 'the connection leads to another server than the throwaway one that it was lent',
    });
  });
});
