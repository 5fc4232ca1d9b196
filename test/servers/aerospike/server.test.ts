/** What the tests' Aerospike does, proven with the real client: the same on the product, where there is one. */
import { rmSync } from 'node:fs';
import aerospike, { type Client, type Key, type KeyOptions } from 'aerospike';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PASSWORD, USERS } from '../../bindings/aerospike/users.ts';
import { AEROSPIKE, selfSigned, startStandIn, type TestAerospike, useAerospike } from '../../support/aerospike.ts';

const { policy, status } = aerospike;

/** A busy machine may take its time: none of these tests is about that. */
const PATIENT = Object.fromEntries(
  ['read', 'write', 'operate', 'remove', 'batch', 'scan', 'query'].map((kind) => [kind, { totalTimeout: 20_000 }]),
);

// The client writes to stderr what its promises say as well.
aerospike.setDefaultLogging({ level: aerospike.log.OFF });

describe(`the real client on ${AEROSPIKE}`, () => {
  let server: TestAerospike;
  let client: Client;
  const key = (id: string | number, set = 'qa_server') => new aerospike.Key('test', set, id) as Key & KeyOptions;

  beforeAll(async () => {
    server = await useAerospike();
    client = await aerospike.connect({ hosts: server.hosts, policies: PATIENT } as never);
  });
  afterEach(() => client.truncate('test', 'qa_server', 0));
  afterAll(async () => {
    client?.close();
    await server?.stop();
  });

  test('a record comes back as it was put, with generation and time to live', async () => {
    const bins = {
      name: 'Ann',
      visits: 3,
      share: 2.5,
      large: 2n ** 60n,
      negative: -7,
      list: [1, 'a', { b: 2 }],
      map: { x: 1, y: [true, null] },
      bytes: Buffer.from([0, 255]),
      isNew: true,
      empty: '',
    };
    await client.put(key('a'), bins, { ttl: 1000 });
    const { bins: read, gen, ttl } = await client.get(key('a'));
    expect(read).toEqual(bins);
    expect(gen).toBe(1);
    expect(ttl).toBeGreaterThan(990);
    expect(ttl).toBeLessThanOrEqual(1000);
  });

  test('put merges bins, null removes one, the last one takes the record with it', async () => {
    await client.put(key('a'), { x: 1, y: 2 });
    await client.put(key('a'), { y: null, z: 3 });
    expect(await client.get(key('a'))).toMatchObject({ bins: { x: 1, z: 3 }, gen: 2 });
    expect((await client.get(key('a'))).bins).not.toHaveProperty('y');
    await client.put(key('a'), { x: null, z: null });
    expect(await client.exists(key('a'))).toBe(false);
  });

  test('exists, select, remove', async () => {
    await client.put(key('a'), { x: 1, y: 2 });
    expect(await client.exists(key('a'))).toBe(true);
    expect((await client.select(key('a'), ['y', 'none'])).bins).toEqual({ y: 2 });
    await client.remove(key('a'));
    expect(await client.exists(key('a'))).toBe(false);
    await expect(client.get(key('a'))).rejects.toMatchObject({ code: status.ERR_RECORD_NOT_FOUND });
    await expect(client.remove(key('a'))).rejects.toMatchObject({ code: status.ERR_RECORD_NOT_FOUND });
  });

  test('policies of existence and generation', async () => {
    const write = (exists: number) => client.put(key('a'), { z: 1 }, {}, { exists });
    await expect(write(policy.exists.UPDATE)).rejects.toMatchObject({ code: status.ERR_RECORD_NOT_FOUND });
    await expect(write(policy.exists.REPLACE)).rejects.toMatchObject({ code: status.ERR_RECORD_NOT_FOUND });
    await client.put(key('a'), { x: 1 }, {}, { exists: policy.exists.CREATE });
    await expect(write(policy.exists.CREATE)).rejects.toMatchObject({ code: status.ERR_RECORD_EXISTS });
    await write(policy.exists.REPLACE);
    expect((await client.get(key('a'))).bins).toEqual({ z: 1 });
    await expect(client.put(key('a'), { x: 2 }, { gen: 9 }, { gen: policy.gen.EQ })).rejects.toMatchObject({
      code: status.ERR_RECORD_GENERATION,
    });
    await client.put(key('a'), { x: 2 }, { gen: 2 }, { gen: policy.gen.EQ });
    expect((await client.get(key('a'))).gen).toBe(3);
  });

  test('a time to live ends a record', async () => {
    await client.put(key('a'), { x: 1 }, { ttl: 1 });
    await expect.poll(() => client.exists(key('a')), { timeout: 5000 }).toBe(false);
  });

  test('what a record cannot be: too big, in an unknown namespace, of another type', async () => {
    const big = client.put(key('a'), { x: Buffer.alloc(9 * 2 ** 20) });
    await expect(big).rejects.toMatchObject({ code: status.ERR_RECORD_TOO_BIG });
    const nowhere = client.get(new aerospike.Key('qa_none', 's', 1) as Key & KeyOptions);
    await expect(nowhere).rejects.toMatchObject({ code: status.ERR_NAMESPACE_NOT_FOUND });
    await client.put(key('a'), { x: 'text' });
    const added = client.incr(key('a'), { x: 1 });
    await expect(added).rejects.toMatchObject({ code: status.ERR_BIN_INCOMPATIBLE_TYPE });
  });

  test('operate: all or nothing, with results', async () => {
    const { operations, lists, maps } = aerospike;
    await client.put(key('a'), { n: 1, name: 'Ann', list: [1], map: { x: 1 } });
    const { bins } = await client.operate(key('a'), [
      operations.incr('n', 2),
      operations.append('name', 'a'),
      operations.read('n'),
      operations.read('name'),
      lists.append('list', 'b'),
      maps.put('map', 'y', 2),
    ]);
    expect(bins).toMatchObject({ n: 3, name: 'Anna', list: 2, map: 2 });
    expect((await client.get(key('a'))).bins).toEqual({ n: 3, name: 'Anna', list: [1, 'b'], map: { x: 1, y: 2 } });
    const failing = client.operate(key('a'), [operations.incr('n', 1), operations.incr('name', 1)]);
    await expect(failing).rejects.toMatchObject({ code: status.ERR_BIN_INCOMPATIBLE_TYPE });
    expect((await client.get(key('a'))).bins).toMatchObject({ n: 3 });
  });

  test('operations inside lists and maps', async () => {
    const { lists, maps } = aerospike;
    await client.put(key('a'), { list: [5, 6, 7], map: { x: 1 } });
    const ask = async (operation: object) =>
      Object.values((await client.operate(key('a'), [operation as never])).bins)[0];
    expect(await ask(lists.size('list'))).toBe(3);
    expect(await ask(lists.get('list', -1))).toBe(7);
    expect(await ask(lists.pop('list', 0))).toBe(5);
    expect(await ask(lists.getRange('list', 0, 2))).toEqual([6, 7]);
    expect(await ask(maps.size('map'))).toBe(1);
    expect(await ask(maps.increment('map', 'x', 4))).toBe(5);
    expect(await ask(maps.getByKey('map', 'x').andReturn(maps.returnType.VALUE))).toBe(5);
    await ask(maps.removeByKey('map', 'x'));
    expect((await client.get(key('a'))).bins).toEqual({ list: [6, 7], map: {} });
  });

  test('batches: each record has its own status', async () => {
    const write = (id: string) => ({
      type: aerospike.batchType.BATCH_WRITE,
      key: key(id),
      ops: [aerospike.operations.write('id', id)],
      policy: new aerospike.BatchWritePolicy({ key: policy.key.SEND }),
    });
    const many = Array.from({ length: 250 }, (_, i) => `b${i}`);
    const written = await client.batchWrite(many.map(write));
    expect(written.every(({ status: code }) => code === status.OK)).toBe(true);
    const read = await client.batchRead([...many, 'none'].map((id) => ({ key: key(id), readAllBins: true })));
    expect(read.slice(0, -1).map(({ record }) => record.bins.id)).toEqual(many);
    expect(read.at(-1)!.status).toBe(status.ERR_RECORD_NOT_FOUND);
    const removed = await client.batchRemove([key('b1'), key('none')]);
    expect(removed.map(({ status: code }) => code)).toEqual([status.OK, status.ERR_RECORD_NOT_FOUND]);
  });

  test('a scan gives all records of its set and no other, with their keys, and pages to its end', async () => {
    for (let i = 0; i < 230; i += 1) await client.put(key(i), { i }, {}, { key: policy.key.SEND });
    await client.put(key('other', 'qa_server_2'), { x: 1 });
    const all = await client.query('test', 'qa_server').results();
    expect(all.map(({ bins }) => Number(bins.i)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 230 }, (_, i) => i),
    );
    expect(all.every(({ key: own, bins }) => own.key === bins.i)).toBe(true);

    const pages = client.query('test', 'qa_server', { paginate: true, maxRecords: 100 });
    const sizes: number[] = [];
    do sizes.push((await pages.results()).length);
    while (pages.hasNextPage());
    expect(sizes.reduce((sum, size) => sum + size)).toBe(230);
    await client.truncate('test', 'qa_server_2', 0);
  });

  test('a query uses an index, and is refused where there is none', async () => {
    await Promise.all([1, 2, 3].map((n) => client.put(key(n), { n })));
    const query = () => {
      const asked = client.query('test', 'qa_server', { filters: [aerospike.filter.range('n', 2, 9)] });
      return asked.results();
    };
    await expect(query()).rejects.toMatchObject({ code: status.ERR_INDEX_NOT_FOUND });
    const job = await client.createIntegerIndex({ ns: 'test', set: 'qa_server', bin: 'n', index: 'qa_server_n' });
    await job.wait(10);
    expect((await query()).map(({ bins }) => bins.n).sort()).toEqual([2, 3]);
    await client.indexRemove('test', 'qa_server_n');
  });

  test('truncate empties one set', async () => {
    await client.put(key('a'), { x: 1 });
    await client.put(key('a', 'qa_server_2'), { x: 1 });
    await client.truncate('test', 'qa_server', 0);
    await expect.poll(() => client.exists(key('a'))).toBe(false);
    expect(await client.exists(key('a', 'qa_server_2'))).toBe(true);
    await client.truncate('test', 'qa_server_2', 0);
  });

  test('info: what a node says of itself', async () => {
    const info = async (name: string) => (await client.infoAny(name)).split('\t')[1]!.trim();
    expect(await info('namespaces')).toContain('test');
    expect(await info('build')).toMatch(/^\d+\.\d+\.\d+/);
    expect(await info('node')).not.toBe('');
    await client.put(key('a'), { x: 1 });
    await expect.poll(() => info('sets/test/qa_server')).toMatch(/objects=1\b/);
    await expect(info('sets/qa_none')).rejects.toThrow(/namespace/i);
  });
});

describe('the stand-in', () => {
  test('a password that is wrong, and one that is right', async () => {
    await using server = await startStandIn({ users: USERS });
    const connect = (user: string, password: string) =>
      aerospike.connect({ hosts: server.hosts, user, password, policies: PATIENT } as never);
    await expect(connect('tester', 'wrong')).rejects.toMatchObject({ code: status.INVALID_CREDENTIAL });
    await expect(connect('nobody', 'wrong')).rejects.toMatchObject({ code: status.INVALID_USER });
    const client = await connect('tester', PASSWORD);
    await client.put(new aerospike.Key('test', 's', 1) as Key & KeyOptions, { x: 1 });
    client.close();
  });

  test('over TLS', async () => {
    const { folder, key, cert } = selfSigned();
    await using server = await startStandIn({ tls: { key, cert } });
    const hosts = [{ addr: '127.0.0.1', port: server.port, tlsname: 'localhost' }];
    const client = await aerospike.connect({
      hosts,
      tls: { cafile: cert },
      log: { level: aerospike.log.OFF },
    } as never);
    expect(await client.exists(new aerospike.Key('test', 's', 1) as Key & KeyOptions)).toBe(false);
    client.close();
    rmSync(folder, { recursive: true });
  });

  test('slow: the client gives up in its own time', async () => {
    await using server = await startStandIn({ delay: 400 });
    const client = await aerospike.connect({ hosts: server.hosts });
    const read = client.get(
      new aerospike.Key('test', 's', 1) as Key & KeyOptions,
      { totalTimeout: 100, maxRetries: 0 } as never,
    );
    await expect(read).rejects.toMatchObject({ code: status.ERR_TIMEOUT });
    await expect
      .poll(() =>
        (client as never as { as_client: { hasPendingAsyncCommands(): boolean } }).as_client.hasPendingAsyncCommands(),
      )
      .toBe(false);
    client.close();
  });
});
