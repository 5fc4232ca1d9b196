/**
 * What only the product can prove: skipped, visibly, where there is no `asd` in PATH and QA_TEST_AEROSPIKE names no
 * server. The stand-in knows no expressions, and its indexes and times to live are its own idea of them.
 */
import aerospike, { type Client, type Key, type KeyOptions } from 'aerospike';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Proof } from '../../../bindings/core/binding.ts';
import { type AerospikeHandle, binding } from '../../../bindings/databases/aerospike/index.ts';
import { AEROSPIKE, isReal, type TestAerospike, useAerospike } from '../../support/aerospike.ts';
import { type OpenConnection, openBinding } from '../../support/scope.ts';

describe.skipIf(!isReal)(`only the product can prove (here: ${AEROSPIKE})`, () => {
  let server: TestAerospike;
  let open: OpenConnection<Client, AerospikeHandle>;
  const key = (id: string) => new aerospike.Key('test', 'qa_product', id) as Key & KeyOptions;

  beforeAll(async () => {
    server = await useAerospike();
    open = await openBinding(binding, {
      hosts: server.hosts,
      namespace: 'test',
      reset: { sets: ['qa_product'] },
    });
  });
  afterAll(async () => {
    await open?.client.truncate('test', 'qa_product', 0);
    await open?.client.truncate('test', 'qa_marker', 0);
    await open?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  test('its health names an edition that Aerospike has released', async () => {
    const { version, identity, latency } = await binding.health(open.client, open.scope);
    expect(version).toMatch(/^[5-9]\.\d+\.\d+\.\d+/);
    expect(identity).toMatch(/^anyone on (cluster|node) \S+/);
    expect(latency).toBeGreaterThan(0);
  });

  test('expressions pass through the client to the server', async () => {
    await open.handle.seed('qa_product', { a: { n: 1 }, b: { n: 2 } });
    const { exp } = aerospike;
    const filterExpression = exp.eq(exp.binInt('n'), exp.int(2));
    const found = await open.client.query('test', 'qa_product').results({ filterExpression } as never);
    expect(found.map(({ bins }) => bins)).toEqual([{ n: 2 }]);
  });

  test('a record that a reset put back is found by an index', async () => {
    const { client, scope, handle } = open;
    const error = (await binding.ownership(client, {} as never, scope).catch((reason) => reason)) as Error;
    const [, marker] = /'(qa-may-empty:[^']+)'/.exec(error.message)!;
    await client.put(new aerospike.Key('test', 'qa_marker', 'qa-may-empty') as Key & KeyOptions, { marker });
    await handle.seed('qa_product', { a: { n: 1, name: 'Ann' } });
    const job = await client.createIntegerIndex({ ns: 'test', set: 'qa_product', bin: 'n', index: 'qa_product_n' });
    await job.wait(10);
    const proof = (await binding.ownership(client, {} as never, scope)) as Proof;
    const resetter = await binding.reset(client, proof, scope);
    await resetter.push(AbortSignal.timeout(10_000));
    await client.put(key('a'), { n: 7 });
    await client.put(key('b'), { n: 1 });
    await resetter.reset(AbortSignal.timeout(10_000));
    const query = client.query('test', 'qa_product', { filters: [aerospike.filter.equal('n', 1)] });
    expect((await query.results()).map(({ bins }) => bins)).toEqual([{ n: 1, name: 'Ann' }]);
    await resetter.close();
    await client.indexRemove('test', 'qa_product_n');
  });

  test('what is written right after a truncation stays', async () => {
    const { client, handle } = open;
    for (let round = 0; round < 20; round += 1) {
      await handle.seed('qa_product', { a: { round } });
      await client.truncate('test', 'qa_product', 0);
      await expect.poll(() => handle.set('qa_product').count()).toBe(0);
      await handle.seed('qa_product', { b: { round } });
      expect(await handle.set('qa_product').all()).toEqual([{ round }]);
      await client.remove(key('b'));
    }
  });
});
