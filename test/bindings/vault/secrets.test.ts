/** Secrets as tests see them, on either version of the engine; credentials on loan, of a real PostgreSQL. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SOURCE } from '../../../bindings/core/source.ts';
import { vault } from '../../../bindings/vault/index.ts';
import { fromVault, postgres } from '../../../preset/index.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { PROGRAM, ROOT_TOKEN } from '../../support/vault.ts';
import { failure, open, root, session, shown, vaultSuite } from './harness.ts';

describe.skipIf(PROGRAM === undefined)('secrets', () => {
  const suite = vaultSuite(async (server) => {
    await server.api('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '1' } });
    await server.api('POST', 'sys/mounts/deep%2Fer', { type: 'kv', options: { version: '2' } });
  });

  test('seeded and read: with `data/` and without, of both versions, deep mounts, odd names, all of JSON', async () => {
    await using opened = await open(root(suite));
    const { handle } = opened;
    const all = { text: 'a', number: 1.5, yes: true, nothing: null, list: [1, ['b']], deep: { er: { est: 'c' } } };
    await handle.seed({
      'secret/shop/api': all,
      'kv/shop/api': all,
      'deep/er/secret': { a: 'b' },
      'secret/odd name/ä?&%2F': { odd: 'yes' },
    });
    for (const path of ['secret/shop/api', 'secret/data/shop/api', '/secret/shop/api/', 'kv/shop/api'])
      expect(await handle.secret(path).read(), path).toEqual(all);
    expect(await handle.secret('deep/er/secret').read()).toEqual({ a: 'b' });
    expect(await handle.secret('secret/odd name/ä?&%2F').read()).toEqual({ odd: 'yes' });
    expect((await handle.client.read('kv/shop/api')).data).toEqual(all);
  });

  test('versions and metadata', async () => {
    await using opened = await open(root(suite));
    const { handle } = opened;
    for (const user of ['one', 'two', 'three']) await handle.seed({ 'secret/rotated': { user } });
    await handle.client.delete('secret/data/rotated');
    await handle.client.write('secret/destroy/rotated', { versions: [2] });
    await handle.client.write('secret/metadata/rotated', { custom_metadata: { owner: 'qa' } });
    const secret = handle.secret<{ user: string }>('secret/data/rotated');
    expect((await secret.read({ version: 1 })).user).toBe('one');
    expect(await secret.metadata()).toMatchObject({
      version: 3,
      createdAt: expect.any(Date),
      custom: { owner: 'qa' },
      versions: [
        { version: 1, deletedAt: undefined, destroyed: false },
        { version: 2, destroyed: true },
        { version: 3, deletedAt: expect.any(Date), destroyed: false },
      ],
    });
    expect((await failure(handle.secret('secret/none').metadata())).message).toContain(
      'There is no secret at `secret/none`',
    );
    expect(await failure(handle.secret('kv/shop/api').metadata())).toMatchObject({ code: 'QA_MISUSE' });
  });

  test('as matchers look at it', async () => {
    await using opened = await open(root(suite));
    await opened.handle.seed({ 'secret/seen': { password: 'canary-of-the-matcher' } });
    const observer = opened.handle.secret('secret/data/seen')[SOURCE];
    const signal = AbortSignal.timeout(5000);
    expect(await observer.read({ signal })).toEqual({
      there: true,
      data: { password: 'canary-of-the-matcher' },
      version: 1,
    });
    expect(opened.scope.redactor.redact('canary-of-the-matcher')).not.toContain('canary');
    expect(await observer.read({ signal, version: 4 })).toMatchObject({
      there: false,
      why: 'there is no such version',
    });
    const missing = opened.handle.secret('secret/seem')[SOURCE];
    expect(await missing.read({ signal })).toMatchObject({ there: false, why: 'there is no such secret' });
    expect(await missing.explain(signal)).toEqual(['near to it: secret/seen']);
    expect(observer.label).toBe("qa.vault.secret('secret/data/seen')");
    expect(observer.command({})).toBe(`vault kv get -address=${suite.server.address} -mount=secret seen`);
    expect(observer.where()).toBe(`secret secret/data/seen of qa.vault (${suite.server.address})`);
  });

  test('what is no secret is refused before anything is written', async () => {
    await using opened = await open(root(suite));
    const error = await failure(opened.handle.seed({ 'secret/first': { a: 'b' }, 'secret/second': 'text' as never }));
    expect(error).toMatchObject({ code: 'QA_MISUSE' });
    expect(await failure(opened.handle.secret('secret/first').read())).toMatchObject({ code: 'QA_NOT_FOUND' });
  });
});

describe.skipIf(PROGRAM === undefined)('credentials on loan', () => {
  let database: TestPostgres;
  const suite = vaultSuite();

  beforeAll(async () => {
    database = await startPostgres();
    await suite.server.database('app', database);
    await suite.server.database('short', database, { default_ttl: '2s', max_ttl: '1m' });
  });
  afterAll(() => database?.stop());

  const roles = async () => (await database.run("select rolname from pg_roles where rolname like 'v-%'")).rowCount;

  test('read once a file, usable, and gone with the file', async () => {
    const opened = await open(root(suite));
    const credentials = opened.handle.credentials('database/creds/app');
    const [first, again] = await Promise.all([
      credentials.read(),
      opened.handle.credentials('/database/creds/app').read(),
    ]);
    expect(again).toEqual(first);
    const { username, password } = first as { username: string; password: string };
    const client = new pg.Client({
      host: '127.0.0.1',
      port: database.port,
      database: 'postgres',
      user: username,
      password,
    });
    await client.connect();
    expect((await client.query('select current_user')).rows).toEqual([{ current_user: username }]);
    await client.end();
    expect(opened.scope.redactor.redact(password)).not.toContain(password);
    expect(await roles()).toBe(1);
    await opened[Symbol.asyncDispose]();
    expect(await roles()).toBe(0);
  });

  test('given back before, others are made', async () => {
    await using opened = await open(root(suite));
    const credentials = opened.handle.credentials('database/creds/app');
    const first = await credentials.read();
    await credentials.revoke();
    expect(await roles()).toBe(0);
    expect(await credentials.read()).not.toEqual(first);
  });

  test('a lease is renewed as long as the file runs', async () => {
    await using opened = await open(root(suite));
    const { id } = await opened.client.leases.read('database/creds/short');
    const renewals = async () =>
      (await suite.server.api<{ last_renewal: string | null }>('PUT', 'sys/leases/lookup', { lease_id: id }))
        .last_renewal;
    await expect.poll(renewals, { timeout: 5000 }).toEqual(expect.any(String));
  });

  test('a config takes user and password from one lease; it ends after the connection that uses it', async () => {
    const made = session({
      vault: vault(root(suite)),
      db: postgres({
        host: '127.0.0.1',
        port: database.port,
        database: 'postgres',
        user: fromVault('database/creds/app#username'),
        password: fromVault('database/creds/app#password'),
      }),
    });
    await made.open(['db']);
    const db = made.handles().db as { query(sql: string): Promise<{ u: string }[]> };
    const [{ u }] = (await db.query('select current_user as u')) as [{ u: string }];
    expect(u).toMatch(/^v-token-app-/);
    expect(await roles()).toBe(1);
    await made.close();
    expect(await roles()).toBe(0);
  });

  test('a lease that may not be revoked is told once, with its end', async () => {
    await suite.server.policy('creds', 'path "database/creds/*" { capabilities = ["read"] }');
    const token = await suite.server.tokenWith(['creds']);
    const notices: string[] = [];
    const opened = await open({ ...root(suite), auth: { token } }, { notice: (line) => notices.push(line) });
    await opened.handle.credentials('database/creds/app').read();
    await opened[Symbol.asyncDispose]();
    expect(notices).toEqual([
      expect.stringMatching(
        /^the lease database\/creds\/app\/\S+ could not be revoked and ends by itself: .*sys\/leases\/revoke/,
      ),
    ]);
    expect(notices.join()).not.toContain(token);
    await suite.server.api('PUT', 'sys/leases/revoke-prefix/database/creds/app');
  });

  test('what goes wrong', async () => {
    await using opened = await open(root(suite));
    await opened.handle.seed({ 'secret/a': { b: 'c' } });
    expect((await failure(opened.handle.credentials('secret/data/a').read())).message).toMatch(
      /`secret\/data\/a` gives nothing on loan: .*`qa\.vault\.secret\('…'\)`/,
    );
    expect((await failure(opened.handle.secret('database/creds/app').read())).message).toMatch(
      /is of the type database\. Read it with `credentials\('database\/creds\/app'\)`/,
    );
    const unknown = await failure(opened.handle.credentials('database/creds/nobody').read());
    expect(unknown.message).toMatch(/Reading `database\/creds\/nobody` was refused \(400\): unknown role: nobody/);
    expect(shown(unknown)).not.toContain(ROOT_TOKEN);
    await database.crash();
    const down = await failure(opened.handle.credentials('database/creds/app').read());
    expect(down).toMatchObject({ code: 'QA_REFUSED' });
    expect(down.message).toMatch(
      /failed inside the server \(500\).*where the engine stands before a database, see whether that one is up/s,
    );
    expect(shown(down)).not.toContain(database.password);
    await database.start();
  });
});
