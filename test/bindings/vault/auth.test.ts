/** Every way to log in, and what is told where it is refused. */
import { execFileSync } from 'node:child_process';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Scope } from '../../../bindings/core/binding.ts';
import type { AuthOptions } from '../../../bindings/vault/auth-options.ts';
import { binding } from '../../../bindings/vault/index.ts';
import { once } from '../../../servers/index.ts';
import { PROGRAM, ROOT_TOKEN } from '../../support/vault.ts';
import { failure, open, shown, vaultSuite } from './harness.ts';

const PASSWORD = 'correct-horse-of-ann';

/** Through a keeper, as in a run. */
const shared: Pick<Scope, 'once'> = {
  once: (key, make) => once(key, make, { connection: 'vault', signal: AbortSignal.timeout(10_000) }),
};

describe.skipIf(PROGRAM === undefined)('logging in', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qa-test-auth-'));
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let cluster: Server;

  function jwt(claims: object): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iat: now, exp: now + 600, ...claims })}`;
    return `${text}.${createSign('RSA-SHA256').update(text).sign(keys.privateKey, 'base64url')}`;
  }
  const account = () =>
    jwt({
      iss: 'kubernetes/serviceaccount',
      aud: ['qa'],
      sub: 'system:serviceaccount:shop:runner',
      'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'runner', uid: 'u-1' } },
    });

  const suite = vaultSuite(async (server) => {
    await server.policy('qa', 'path "secret/data/*" { capabilities = ["read"] }');
    await server.api('POST', 'secret/data/a', { data: { b: 'c' } });
    await server.api('POST', 'sys/auth/userpass', { type: 'userpass' });
    await server.api('POST', 'auth/userpass/users/ann', { password: PASSWORD, token_policies: ['qa'] });
    await server.api('POST', 'sys/auth/jwt', { type: 'jwt' });
    const pem = keys.publicKey.export({ type: 'spki', format: 'pem' });
    await server.api('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [pem] });
    await server.api('POST', 'auth/jwt/role/qa', {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_audiences: ['qa'],
      token_policies: ['qa'],
    });
    // What a cluster says of a token; the rest is the server's own doing.
    cluster = createServer((request, response) => {
      request.resume().on('end', () => {
        const user = { username: 'system:serviceaccount:shop:runner', uid: 'u-1', groups: ['system:serviceaccounts'] };
        response.writeHead(201, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify({
            apiVersion: 'authentication.k8s.io/v1',
            kind: 'TokenReview',
            status: { authenticated: true, user, audiences: ['qa'] },
          }),
        );
      });
    });
    await new Promise<void>((resolve) => cluster.listen(0, '127.0.0.1', resolve));
    await server.api('POST', 'sys/auth/kubernetes', { type: 'kubernetes' });
    await server.api('POST', 'auth/kubernetes/config', {
      kubernetes_host: `http://127.0.0.1:${(cluster.address() as AddressInfo).port}`,
      disable_local_ca_jwt: true,
      // Asked for, though it is plain HTTP.
      kubernetes_ca_cert: selfSigned(folder),
      disable_iss_validation: true,
    });
    await server.api('POST', 'auth/kubernetes/role/qa', {
      audience: 'qa',
      bound_service_account_names: ['runner'],
      bound_service_account_namespaces: ['shop'],
      token_policies: ['qa'],
    });
  });
  beforeAll(() => writeFileSync(join(folder, 'token'), `${account()}\n`));
  afterEach(() => vi.unstubAllEnvs());
  afterAll(() => {
    cluster?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const using = (auth: AuthOptions | undefined, changes: Partial<Scope> = {}) =>
    open({ address: suite.server.address, ...(auth && { auth }) }, { ...shared, ...changes });

  async function works(auth: AuthOptions | undefined): Promise<string> {
    await using opened = await using(auth);
    expect(await opened.handle.secret('secret/a').read()).toEqual({ b: 'c' });
    return (await binding.health(opened.client)).identity;
  }

  test('a token: of the config, of VAULT_TOKEN, of ~/.vault-token, in this order', async () => {
    const [one, two, three] = await Promise.all(
      ['one', 'two', 'three'].map((name) => suite.server.tokenWith(['qa'], { display_name: name })),
    );
    vi.stubEnv('HOME', folder);
    vi.stubEnv('VAULT_TOKEN', '');
    expect(await failure(using(undefined))).toMatchObject({
      code: 'QA_CONFIG',
      message: expect.stringMatching(/There is no token: .*or run `vault login`/),
    });
    writeFileSync(join(folder, '.vault-token'), `${three}\n`);
    expect(await works(undefined)).toBe('token-three with default, qa');
    vi.stubEnv('VAULT_TOKEN', two);
    expect(await works(undefined)).toBe('token-two with default, qa');
    expect(await works({ token: one! })).toBe('token-one with default, qa');
  });

  test('an empty token never becomes another one', async () => {
    vi.stubEnv('VAULT_TOKEN', ROOT_TOKEN);
    expect(await failure(using({ token: '' }))).toMatchObject({
      code: 'QA_CONFIG',
      message: expect.stringContaining('`connections.vault.auth.token` is an empty string'),
    });
    await using opened = await using({ token: await suite.server.tokenWith(['qa']) });
    opened.handle.client.token = '';
    await expect(opened.handle.client.read('sys/mounts')).rejects.toThrow(/permission denied/);
  });

  test('approle', async () => {
    const { roleId, secretId } = await suite.server.approle('one', { token_policies: ['qa'] });
    expect(await works({ approle: { roleId, secretId } })).toBe('approle with default, qa');
  });

  test('one login a run: a secret id that can be used once opens many connections', async () => {
    const role = await suite.server.approle('once', { token_policies: ['qa'], secret_id_num_uses: 1 });
    for (let file = 0; file < 3; file += 1) await works({ approle: role });
  });

  test('a wrapped secret id is unwrapped once; used by somebody else it is told as such', async () => {
    const { roleId } = await suite.server.approle('wrapped', { token_policies: ['qa'] });
    const wrap = async () => {
      const path = 'auth/approle/role/wrapped/secret-id';
      type Wrapped = { wrap_info: { token: string } };
      return (await suite.server.api<Wrapped>('POST', path, {}, { 'X-Vault-Wrap-TTL': '60s' })).wrap_info.token;
    };
    const secretId = await wrap();
    for (let file = 0; file < 2; file += 1) await works({ approle: { roleId, secretId, wrapped: true } });
    const stolen = await wrap();
    await suite.server.api('POST', 'sys/wrapping/unwrap', { token: stolen });
    const error = await failure(using({ approle: { roleId, secretId: stolen, wrapped: true } }));
    expect(error).toMatchObject({ code: 'QA_AUTH' });
    expect(error.message).toMatch(
      /The wrapping token in `secretId` has been used already, or has expired.*take the secret id for stolen/,
    );
    expect(shown(error)).not.toContain(stolen);
    const foreign = await suite.server.api<{ wrap_info: { token: string } }>(
      'POST',
      'sys/wrapping/wrap',
      { other: 'thing' },
      { 'X-Vault-Wrap-TTL': '60s' },
    );
    const other = await failure(using({ approle: { roleId, secretId: foreign.wrap_info.token, wrapped: true } }));
    expect(other.message).toMatch(/holds something else than a secret id/);
  });

  test('userpass, also for a name that an URL would take for something else', async () => {
    expect(await works({ userpass: { username: 'ann', password: PASSWORD } })).toBe('userpass-ann with default, qa');
    // Unescaped it would log in as ann, at another path.
    const error = await failure(using({ userpass: { username: 'bob/../ann', password: PASSWORD } }));
    expect(error).toMatchObject({ code: 'QA_AUTH' });
    expect(shown(error)).not.toContain(PASSWORD);
  });

  test('jwt, as text and from a file', async () => {
    const given = jwt({ sub: 'runner', aud: 'qa' });
    expect(await works({ jwt: { role: 'qa', jwt: given } })).toBe('jwt-runner with default, qa');
    writeFileSync(join(folder, 'jwt'), jwt({ sub: 'filed', aud: 'qa' }));
    expect(await works({ jwt: { role: 'qa', jwtFile: join(folder, 'jwt') } })).toBe('jwt-filed with default, qa');
    const foreign = jwt({ sub: 'runner', aud: 'other' });
    const error = await failure(using({ jwt: { role: 'qa', jwt: foreign } }));
    expect(error.message).toMatch(/refused the token of `auth\.jwt` for the role `qa`: .*audience/);
    expect(shown(error)).not.toContain(foreign);
  });

  test('kubernetes, by the file of the service account', async () => {
    const jwtFile = join(folder, 'token');
    expect(await works({ kubernetes: { role: 'qa', jwtFile } })).toMatch(/^kubernetes-.*runner.* with default, qa$/);
    const missing = await failure(using({ kubernetes: { role: 'qa' } }));
    expect(missing).toMatchObject({ code: 'QA_CONFIG' });
    expect(missing.message).toContain('/var/run/secrets/kubernetes.io/serviceaccount/token, which is not there');
  });

  const refusals: [string, (secrets: string[]) => AuthOptions, RegExp][] = [
    [
      'a wrong secret id',
      ([role, wrong]) => ({ approle: { roleId: role!, secretId: wrong! } }),
      /refused the role id `some-role` or its secret id: invalid role or secret ID\. Correct/,
    ],
    [
      'a wrong password',
      ([, wrong]) => ({ userpass: { username: 'ann', password: wrong! } }),
      /refused the user `ann` or its password: invalid username or password\. Correct/,
    ],
    [
      'a method that is not mounted',
      ([role, wrong]) => ({ approle: { roleId: role!, secretId: wrong!, mount: 'elsewhere/x' } }),
      /refused the role id `some-role` or its secret id: permission denied, or nothing is mounted at auth\/elsewhere\/x\. Correct/,
    ],
    [
      'an unknown token',
      ([, wrong]) => ({ token: wrong! }),
      /the server does not know the token, or it has expired or was revoked\. Give a valid token/,
    ],
  ];
  test.each(refusals)('%s is told', async (_, auth, message) => {
    await suite.server.approle('any', {});
    const error = await failure(using(auth(['some-role', 'wrong-secret-horse'])));
    expect(error).toMatchObject({ code: 'QA_AUTH', connection: 'vault', address: suite.server.address });
    expect(error.message).toMatch(message);
    expect(shown(error)).not.toContain('wrong-secret-horse');
  });

  test('a failed login is not tried again by each file', async () => {
    const auth = { approle: { roleId: 'r', secretId: 'wrong-secret-cow' } };
    const first = await failure(using(auth));
    const second = await failure(using(auth));
    expect(second).toMatchObject({ code: 'QA_AUTH', connection: 'vault' });
    expect(second.message).toMatch(
      /^qa\.vault: The server refused the role id `r` or its secret id.*is not tried again for some seconds/,
    );
    expect(shown([first, second])).not.toContain('wrong-secret-cow');
  });

  test('a token is renewed while a connection is open', async () => {
    const token = await suite.server.tokenWith(['qa'], { ttl: '2s', renewable: true });
    await using opened = await using({ token });
    const renewals = async () =>
      (await suite.server.api<{ last_renewal?: string }>('POST', 'auth/token/lookup', { token })).last_renewal;
    await expect.poll(renewals, { timeout: 5000 }).toBeDefined();
    expect(await opened.handle.secret('secret/a').read()).toEqual({ b: 'c' });
  });

  test('a login that the server knows no longer is made anew, once, for all requests; also by node-vault itself', async () => {
    const role = await suite.server.approle('again', { token_policies: ['qa'] });
    await using opened = await using({ approle: role });
    await using other = await using({ approle: role });
    const old = opened.handle.token;
    expect(other.handle.token).toBe(old);
    await suite.server.api('POST', 'auth/token/revoke', { token: old });
    const reads = await Promise.all([
      opened.handle.secret('secret/a').read(),
      opened.handle.secret('secret/a').read(),
      opened.handle.client.read('secret/data/a').then(({ data }) => data.data),
    ]);
    expect(reads).toEqual([{ b: 'c' }, { b: 'c' }, { b: 'c' }]);
    expect(opened.handle.token).not.toBe(old);
    expect(opened.handle.client.token).toBe(opened.handle.token);
    // The other process of the run, and who opens later, take the same.
    expect(await other.handle.secret('secret/a').read()).toEqual({ b: 'c' });
    expect(other.handle.token).toBe(opened.handle.token);
    await using later = await using({ approle: role });
    expect(later.handle.token).toBe(opened.handle.token);
  });

  test('a token of the config that has expired is told, not replaced', async () => {
    const token = await suite.server.tokenWith(['qa']);
    await using opened = await using({ token });
    await suite.server.api('POST', 'auth/token/revoke', { token });
    const error = await failure(opened.handle.secret('secret/a').read());
    expect(error).toMatchObject({ code: 'QA_AUTH' });
    expect(error.message).toMatch(/Reading `secret\/a` failed: the server does not know the token, or it has expired/);
    expect(shown(error)).not.toContain(token);
  });

  test.each<[object, string]>([
    [{}, 'names no way to log in'],
    [{ token: 'a', userpass: { username: 'b', password: 'c' } }, 'names more than one way to log in'],
    [{ aprole: {} }, '`connections.vault.auth.aprole` is no way to log in. Did you mean `approle`?'],
    [{ approle: { roleID: 'x' } }, '`connections.vault.auth.approle.roleID` is not an option. Did you mean `roleId`?'],
    [{ approle: { roleId: 'x', wrapped: true } }, 'has `wrapped` but no `secretId`'],
    [{ jwt: { role: 'x' } }, 'needs the token itself or its file'],
  ])('%j is refused', async (auth, message) => {
    expect((await failure(using(auth as AuthOptions))).message).toContain(message);
  });
});

function selfSigned(folder: string): string {
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=cluster -keyout ${folder}/key -out ${folder}/crt`;
  execFileSync('openssl', words.split(' '), { stdio: 'pipe' });
  return readFileSync(join(folder, 'crt'), 'utf8');
}
