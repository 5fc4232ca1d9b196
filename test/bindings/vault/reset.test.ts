/** A throwaway server is brought back to its baseline, versions and all; nothing else ever is. */
import { dirname } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Proof, Resetter } from '../../../bindings/core/binding.ts';
import { embedded } from '../../../bindings/core/server.ts';
import { binding, type VaultHandle } from '../../../bindings/vault/index.ts';
import { currentRun, lease, once } from '../../../servers/index.ts';
import { openBinding } from '../../support/scope.ts';
import { PROGRAM } from '../../support/vault.ts';
import { failure, open, root, vaultSuite } from './harness.ts';

describe.skipIf(PROGRAM === undefined)('resetting', () => {
  const signal = () => AbortSignal.timeout(10_000);
  let vault: VaultHandle;
  let resetter: Resetter;
  let close: () => Promise<void>;

  async function openThrowaway() {
    const leased = await lease({
      kind: 'vault',
      server: embedded({ binaries: dirname(PROGRAM!), seed: { 'secret/shop/db': { user: 'seeded' } } }),
      connection: 'vault',
      namespace: { run: currentRun().id, worker: '1' },
      baseDir: process.cwd(),
      driver: undefined,
      notice: () => undefined,
    });
    const opened = await openBinding(binding, leased.options, {
      connection: 'vault',
      lease: leased,
      once: (key, make) => once(key, make, { connection: 'vault', signal: signal() }),
    });
    const proof = (await binding.ownership(opened.client, opened.client.options, opened.scope)) as Proof;
    expect(proof).toMatchObject({ owned: true, by: 'throwaway' });
    return { ...opened, proof, resetter: await binding.reset(opened.client, proof, opened.scope) };
  }

  beforeAll(async () => {
    const opened = await openThrowaway();
    ({ handle: vault, resetter } = opened);
    close = () => binding.close(opened.client);
    await vault.client.mount({ mount_point: 'kv', type: 'kv', options: { version: '1' } } as never);
  });
  beforeEach(() => resetter.reset(signal()));
  afterAll(() => close?.());

  test('what a test wrote is gone, what it changed or removed is back, with the numbers of versions', async () => {
    const secret = vault.secret('secret/shop/db');
    await vault.seed({ 'secret/new/one': { a: 'b' }, 'secret/shop/db': { user: 'changed' } });
    await resetter.reset(signal());
    expect(await secret.read()).toEqual({ user: 'seeded' });
    expect((await secret.metadata()).version).toBe(1);
    expect(await failure(vault.secret('secret/new/one').read())).toMatchObject({ code: 'QA_NOT_FOUND' });
    await vault.client.delete('secret/metadata/shop/db');
    await resetter.reset(signal());
    expect(await secret.read()).toEqual({ user: 'seeded' });
  });

  test('a baseline within a baseline: versions, deleted ones, metadata', async () => {
    for (const user of ['one', 'two', 'three']) await vault.seed({ 'secret/rotated': { user } });
    await vault.client.write('secret/delete/rotated', { versions: [2] });
    await vault.client.write('secret/metadata/rotated', { custom_metadata: { owner: 'qa' }, cas_required: true });
    await resetter.push(signal());
    const rotated = vault.secret('secret/rotated');
    const before = await rotated.metadata();
    await vault.client.write('secret/data/rotated', { data: { user: 'four' }, options: { cas: 3 } });
    await vault.client.write('secret/undelete/rotated', { versions: [2] });
    await vault.client.write('secret/metadata/rotated', { custom_metadata: { owner: 'other' } });
    await resetter.reset(signal());
    expect(await rotated.read()).toEqual({ user: 'three' });
    expect(await rotated.read({ version: 1 })).toEqual({ user: 'one' });
    const after = await rotated.metadata();
    expect(after).toMatchObject({ version: 3, custom: { owner: 'qa' }, casRequired: true });
    expect(after.versions.map(({ deletedAt }) => deletedAt !== undefined)).toEqual(
      before.versions.map(({ deletedAt }) => deletedAt !== undefined),
    );
    resetter.pop();
    await resetter.reset(signal());
    expect(await failure(rotated.read())).toMatchObject({ code: 'QA_NOT_FOUND' });
    expect(await vault.secret('secret/shop/db').read()).toEqual({ user: 'seeded' });
  });

  test('engines of KV that a test has mounted or taken away; version 1 too', async () => {
    await vault.client.mount({ mount_point: 'kv', type: 'kv', options: { version: '1' } } as never);
    await vault.seed({ 'kv/a/b': { c: 'd' } });
    await resetter.push(signal());
    await vault.seed({ 'kv/a/b': { c: 'changed' }, 'kv/a/new': { c: 'e' } });
    await vault.client.mount({ mount_point: 'later', type: 'kv', options: { version: '2' } } as never);
    await vault.seed({ 'later/a': { b: 'c' } });
    await resetter.reset(signal());
    expect(await vault.secret('kv/a/b').read()).toEqual({ c: 'd' });
    expect(await failure(vault.secret('kv/a/new').read())).toMatchObject({ code: 'QA_NOT_FOUND' });
    expect((await failure(vault.secret('later/a').read())).message).toContain('no secrets engine is mounted');
    await vault.client.unmount({ mount_point: 'kv' } as never);
    await resetter.reset(signal());
    expect(await vault.secret('kv/a/b').read()).toEqual({ c: 'd' });
    resetter.pop();
  });

  test('the next file of the worker starts from what the server held at first', async () => {
    await vault.seed({ 'secret/left': { a: 'b' }, 'secret/shop/db': { user: 'left' } });
    const next = await openThrowaway();
    await next.resetter.reset(signal());
    expect(await next.handle.secret('secret/shop/db').read()).toEqual({ user: 'seeded' });
    expect(await failure(next.handle.secret('secret/left').read())).toMatchObject({ code: 'QA_NOT_FOUND' });
    await binding.close(next.client);
  });

  test('a copy of the proof proves nothing', async () => {
    const next = await openThrowaway();
    await expect(binding.reset(next.client, { ...next.proof }, next.scope)).rejects.toMatchObject({
      code: 'QA_NOT_OURS',
    });
    await binding.close(next.client);
  });

  describe('a server that is not of this run', () => {
    const suite = vaultSuite();
    test('is never reset', async () => {
      await using opened = await open(root(suite));
      expect(await binding.ownership(opened.client, opened.client.options, opened.scope)).toEqual({
        owned: false,
        because: `${suite.server.address} is not a throwaway server of this run`,
      });
    });
  });
});
