/** `toHaveSecret` on a real OpenBao: rotation, versions that are gone, the two versions of KV. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shared } from '../../bindings/core/shared.ts';
import { binding, type VaultHandle } from '../../bindings/vault/index.ts';
import { type OpenConnection, openBinding } from '../support/scope.ts';
import { PROGRAM, ROOT_TOKEN, startVault, type TestVault } from '../support/vault.ts';
import { asTest, failureOf } from './harness.ts';

describe.skipIf(!PROGRAM)('on a real server', () => {
  let server: TestVault;
  let open: OpenConnection<unknown, VaultHandle>;
  let vault: VaultHandle;
  beforeAll(async () => {
    server = await startVault();
    await server.api('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } });
    open = await openBinding(
      binding,
      { address: server.address, auth: { token: ROOT_TOKEN } },
      { connection: 'vault', waitFor: (...args) => shared().runtime!.waitFor!(...args) },
    );
    vault = open.handle;
  });
  afterAll(async () => {
    await open?.[Symbol.asyncDispose]();
    await server?.stop();
  });
  const write = (path: string, data: object) => server.api('POST', path, path.startsWith('old/') ? data : { data });
  /** The server's port is another each time. */
  const text = async (body: () => unknown) => (await failureOf(body)).replaceAll(`:${server.port}`, ':‹port›');
  const fails = async (body: () => unknown) => {
    const { failures, thrown } = await asTest(body);
    if (thrown) throw thrown;
    return failures.length;
  };

  test('it waits for a rotation', async () => {
    await write('secret/data/rotated', { user: 'qa', password: 'canary-of-old' });
    const secret = vault.secret('secret/data/rotated');
    setTimeout(() => void write('secret/data/rotated', { user: 'qa', password: 'canary-of-new' }), 80);
    expect(
      await fails(() => expect(secret).toHaveSecret({ version: 2, data: { password: 'canary-of-new' } } as never)),
    ).toBe(0);
    expect(await fails(() => expect(secret).not.toHaveSecret({ data: { password: 'canary-of-old' } } as never))).toBe(
      0,
    );
    expect(await fails(() => expect(secret).toHaveSecret({ version: { atLeast: 3 } }, { within: 20 }))).toBe(1);
    expect(await secret.waitFor({ version: 2 })).toEqual({ user: 'qa', password: 'canary-of-new' });
  });

  test('a version that was deleted, a path that is near', async () => {
    await write('secret/data/gone', { token: 'canary-of-gone' });
    await server.api('DELETE', 'secret/data/gone');
    const gone = await text(() =>
      expect(vault.secret('secret/data/gone')).toHaveSecret({ version: 1 }, { within: 20 }),
    );
    expect(gone).toContain('The version was deleted.');
    await write('secret/data/shop/api', { token: 'canary-of-api' });
    const near = await text(() =>
      expect(vault.secret('secret/data/shop/apo')).toHaveSecret({ version: 1 }, { within: 20 }),
    );
    expect(near).toMatch(/There is no such secret\..*near to it: \S*shop\/api/s);
  });

  test('where it differs, without a value', async () => {
    await write('secret/data/differs', { user: 'qa', password: 'canary-of-here', port: 5432 });
    const wanted = { version: 2, data: { user: 'qa', password: 'canary-of-there', host: 'canary-host' } };
    const failure = await text(() =>
      expect(vault.secret('secret/data/differs')).toHaveSecret(wanted as never, { exactly: true, within: 200 }),
    );
    expect(failure).toMatchInlineSnapshot(`
      "expect(qa.vault.secret('secret/data/differs')).toHaveSecret({ version: 2, data: { user: ‹redacted›, password: ‹redacted›, host: ‹redacted› } }, { exactly: true })

      The secret is not as expected.

      Looked in  secret secret/data/differs of qa.vault (http://127.0.0.1:‹port›)
                 for ‹time›, ‹n› times
      Saw        version 1: password, port, user
                 missing: host
                 not expected: port
                 differs (- expected, + received)
                 - version: 2
                 + version: 1
                 - password: text of 15 characters
                 + password: text of 14 characters
      History    version 1, password not as expected, host missing, port too many, all the time
      Look with  vault kv get -address=http://127.0.0.1:‹port› -mount=secret differs"
    `);
  });

  test('a mount that keeps no versions', async () => {
    await write('old/shop', { user: 'qa' });
    const secret = vault.secret('old/shop');
    expect(await fails(() => expect(secret).toHaveSecret({ data: { user: 'qa' } } as never))).toBe(0);
    const { thrown } = await asTest(() => expect(secret).toHaveSecret({ version: 1 }));
    expect(thrown).toMatchObject({ code: 'QA_MISUSE', message: expect.stringContaining('keeps no versions') });
  });
});
