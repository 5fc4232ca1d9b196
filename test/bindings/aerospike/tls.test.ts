/** TLS, on the stand-in: it alone can be told to want it. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { binding } from '../../../bindings/databases/aerospike/index.ts';
import { selfSigned, startStandIn, type TestAerospike } from '../../support/aerospike.ts';
import { openBinding } from '../../support/scope.ts';
import { PASSWORD, USERS } from './users.ts';

let files: ReturnType<typeof selfSigned>;
let server: TestAerospike;
let plain: TestAerospike;
beforeAll(async () => {
  files = selfSigned();
  server = await startStandIn({ tls: { key: files.key, cert: files.cert }, users: USERS });
  plain = await startStandIn();
});
afterAll(async () => {
  await Promise.all([server?.stop(), plain?.stop()]);
  rmSync(files.folder, { recursive: true, force: true });
});

const login = { user: 'tester', password: PASSWORD, namespace: 'test' };
const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('qa-aerospike-tls-'));
const failure = (input: object) =>
  openBinding(binding, { ...login, hosts: server.hosts, ...input }).then(
    () => undefined,
    (error: Error) => error,
  );

test('with the authority named, as text or Buffer; no certificate stays on the disk', async () => {
  const before = left();
  for (const ca of [readFileSync(files.cert, 'utf8'), [readFileSync(files.cert)]]) {
    await using open = await openBinding(binding, {
      ...login,
      hosts: server.hosts,
      tls: { ca, servername: 'localhost' },
    });
    await open.handle.seed('users', { 'u-1': { n: 1 } });
    expect(await open.handle.key('users', 'u-1').get()).toEqual({ n: 1 });
  }
  expect(left()).toEqual(before);
});

test('a certificate that nobody vouches for', async () => {
  expect(await failure({ tls: true })).toMatchObject({
    code: 'QA_AUTH',
    message: expect.stringMatching(
      /The server's certificate is not trusted \(self-signed certificate.*\)\. Name its authority with `tls: \{ ca \}`/,
    ),
  });
});

test('a certificate of another name', async () => {
  const error = await failure({ tls: { ca: readFileSync(files.cert), servername: 'db.example' } });
  expect(error).toMatchObject({ code: 'QA_AUTH', message: expect.stringContaining('`tls: { servername }`') });
});

test('TLS where the server speaks none, and none where it wants it', async () => {
  expect(await failure({ hosts: plain.hosts, tls: true, connectTimeout: 400 })).toMatchObject({
    code: expect.stringMatching(/^QA_(AUTH|TIMEOUT|CONNECTION_LOST)$/),
    message: expect.stringMatching(/TLS|Aerospike/),
  });
  expect(await failure({ connectTimeout: 400 })).toMatchObject({
    code: expect.stringMatching(/^QA_(TIMEOUT|CONNECTION_LOST)$/),
    message: expect.stringContaining('Aerospike'),
  });
});

test('a wrong password over TLS is told, and shown nowhere', async () => {
  const tls = { ca: readFileSync(files.cert), servername: 'localhost' };
  const error = await failure({ tls, password: 'not-the-password' });
  expect(error).toMatchObject({
    code: 'QA_AUTH',
    message: expect.stringContaining('The server refused the password of the user `tester`. Correct user and password'),
  });
  expect(`${error?.stack}${JSON.stringify(error)}`).not.toContain('not-the-password');
});

test('no user where the server wants one', async () => {
  const tls = { ca: readFileSync(files.cert), servername: 'localhost' };
  const error = await failure({ tls, user: undefined, password: undefined });
  expect(error).toMatchObject({ code: 'QA_AUTH', message: expect.stringContaining('asks for a user') });
});
