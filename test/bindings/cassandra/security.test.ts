/** Users, rights and TLS, on a real Cassandra. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasCassandra, startCassandra, type TestCassandra } from '../../support/cassandra.ts';
import { failing, makeKeyspace, open } from './harness.ts';

describe.skipIf(!hasCassandra())('a Cassandra with users and TLS', () => {
  let server: TestCassandra;
  let keyspace: string;
  const user = { user: 'app', password: 'correct-horse-battery' };
  beforeAll(async () => {
    server = await startCassandra({ auth: true, tls: true });
    keyspace = await makeKeyspace(server, ['CREATE TABLE $ks.t (id int PRIMARY KEY)']);
    await server.run("CREATE ROLE app WITH PASSWORD = 'correct-horse-battery' AND LOGIN = true");
  });
  afterAll(() => server?.stop());

  test('with its authority; refused without', async () => {
    await using db = await open(server, keyspace, { ssl: { ca: server.ca } });
    expect(await db.handle.table('t').count()).toBe(0);
    const error = await failing(() => open(server, keyspace, { ssl: true }));
    expect(error).toMatchObject({ code: 'QA_AUTH' });
    expect(error.message).toMatch(/certificate is not trusted.*ssl: \{ ca \}/);
    await using lax = await open(server, keyspace, { ssl: { rejectUnauthorized: false } });
    expect(await lax.handle.table('t').count()).toBe(0);
  });

  test('not asked for where the server wants it', async () => {
    const error = await failing(() => open(server, keyspace, { readTimeout: 1000 }));
    expect(error.message).toMatch(/TLS|does not answer/);
    expect(error.message).not.toContain('correct-horse');
  });

  test('a wrong password, no user, and what a user may not read', async () => {
    const tls = { ssl: { ca: server.ca } };
    const wrong = await failing(() => open(server, keyspace, { ...tls, user: 'app', password: 'not-the-password' }));
    expect(wrong).toMatchObject({ code: 'QA_AUTH' });
    expect(wrong.message).toMatch(/The server refused the user `app` or the password\. Correct user and password\.$/);
    expect(`${wrong.message}${wrong.stack}${JSON.stringify(wrong)}`).not.toContain('not-the-password');
    const none = await failing(() => open(server, keyspace, { ...tls, user: undefined, password: undefined }));
    expect(none.message).toMatch(/asks for a user and the config has none\. Give `user` and `password`$/);
    await server.run(`GRANT SELECT ON TABLE ${keyspace}.t TO app`);
    await using db = await open(server, keyspace, { ...tls, ...user });
    expect(await db.handle.table('t').count()).toBe(0);
    await server.run(`CREATE TABLE ${keyspace}.hidden (id int PRIMARY KEY)`);
    const refused = await failing(() => db.handle.table('hidden').all());
    expect(refused).toMatchObject({ code: 'QA_QUERY_FAILED' });
    expect(refused.message).toMatch(/has no SELECT permission on.*Grant the user the right/);
    expect(db.handle.url).toBe(
      `cassandra://app:correct-horse-battery@${server.contactPoint}/${keyspace}?dc=datacenter1`,
    );
  });
});
