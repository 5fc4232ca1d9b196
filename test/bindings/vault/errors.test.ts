/** What goes wrong, told within the deadline: by a real server where it can, else by a small HTTP server of the test. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { PROGRAM, ROOT_TOKEN, startVault } from '../../support/vault.ts';
import { failure, open, root, shown, vaultSuite } from './harness.ts';

const PASSWORD = 'canary-horse-battery';

/** Nothing of an error may hold the token or what was sent. */
function expectNoSecret(error: unknown): void {
  const all = `${shown(error)}${inspect(error, { depth: 20, showHidden: true, getters: true })}`;
  expect(all).not.toContain(ROOT_TOKEN);
  expect(all).not.toContain(PASSWORD);
}

describe.skipIf(PROGRAM === undefined)('on a real server', () => {
  const suite = vaultSuite(async (server) => {
    await server.api('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '1' } });
    for (const user of ['a', 'b', 'c']) await server.api('POST', 'secret/data/shop/api', { data: { user } });
    await server.api('POST', 'secret/data/gone', { data: { user: 'x' } });
    await server.api('DELETE', 'secret/data/gone');
    await server.api('POST', 'secret/data/destroyed', { data: { user: 'x' } });
    await server.api('PUT', 'secret/destroy/destroyed', { versions: [1] });
    await server.api('POST', 'kv/flat', { user: 'x' });
    await server.policy('little', 'path "secret/data/little" { capabilities = ["read"] }');
  });

  const cases: [string, { version?: number }, string, RegExp][] = [
    [
      'secret/data/shop/apo',
      {},
      'QA_NOT_FOUND',
      /There is no secret at `secret\/data\/shop\/apo` \(mount `secret\/`\)\. Did you mean `secret\/shop\/api`\?$/,
    ],
    [
      'secret/data/none/x',
      {},
      'QA_NOT_FOUND',
      /There is no secret at `secret\/data\/none\/x` \(mount `secret\/`\)\. Correct the path, or write the secret\.$/,
    ],
    [
      'secret/gone',
      {},
      'QA_NOT_FOUND',
      /Version 1 of `secret\/gone` \(mount `secret\/`\) was deleted\. Bring it back \(`vault kv undelete -mount=secret -versions=1 gone`\)/,
    ],
    [
      'secret/destroyed',
      {},
      'QA_NOT_FOUND',
      /Version 1 of `secret\/destroyed` .* was destroyed: its data is gone for good/,
    ],
    [
      'secret/shop/api',
      { version: 7 },
      'QA_NOT_FOUND',
      /There is no version 7 of `secret\/shop\/api` .* It has 1, 2, 3\./,
    ],
    ['kv/flat', { version: 1 }, 'QA_MISUSE', /`kv\/flat` has no versions: the mount `kv\/` is a KV of version 1/],
    [
      'nowhere/x',
      {},
      'QA_NOT_FOUND',
      /no secrets engine is mounted where `nowhere\/x` points\. Correct the path \(`vault secrets list` tells/,
    ],
    ['sys/mounts', {}, 'QA_MISUSE', /is no path of a KV engine: `sys\/` is of the type system/],
  ];
  test.each(cases)('%s %j', async (path, options, code, message) => {
    await using opened = await open(root(suite));
    const error = await failure(opened.handle.secret(path).read(options));
    expect(error).toMatchObject({ code, connection: 'vault', address: suite.server.address });
    expect(error.message).toMatch(message);
    expectNoSecret(error);
  });

  test('403: the path and the policy that would allow it', async () => {
    const token = await suite.server.tokenWith(['little']);
    await using opened = await open({ ...root(suite), auth: { token } });
    for (const path of ['secret/data/shop/api', 'kv/flat', 'nowhere/x']) {
      const error = await failure(opened.handle.secret(path).read());
      expect(error).toMatchObject({ code: 'QA_FORBIDDEN' });
      expect(error.message).toContain(`do not grant it \`${path}\``);
      expect(shown(error)).not.toContain(token);
    }
  });

  test('misuse is told where it is written', async () => {
    await using opened = await open(root(suite));
    for (const [path, message] of [
      ['secret', /needs a path, with its mount/],
      ['secret/data/shop/api#user', /names a key; .*Leave the key out: secret\('secret\/data\/shop\/api'\)/],
      ['secret/../sys/seal', /has a part that is a dot/],
    ] as const)
      expect(() => opened.handle.secret(path)).toThrow(message);
  });

  test('a path of version 1 on a mount with versions is told by node-vault too', async () => {
    await using opened = await open(root(suite));
    const error = await failure(opened.handle.client.read('secret/shop/api'));
    expect(error.message).toContain('Invalid path for a versioned K/V secrets engine');
  });

  test('sealed, stopped, dead: each has its own text, within the deadline', async () => {
    await using server = await startVault();
    await using opened = await open({ address: server.address, auth: { token: ROOT_TOKEN }, requestTimeout: 300 });
    const secret = opened.handle.secret('secret/a');
    server.freeze();
    const stopped = await failure(secret.read());
    expect(stopped).toMatchObject({ code: 'QA_TIMEOUT' });
    expect(stopped.message).toContain('The server did not answer within 300 ms');
    expectNoSecret(await failure(opened.handle.client.write('secret/data/a', { data: { password: PASSWORD } })));
    server.thaw();
    await server.api('PUT', 'sys/seal');
    const sealed = await failure(secret.read());
    expect(sealed).toMatchObject({ code: 'QA_CONNECTION_LOST' });
    expect(sealed.message).toMatch(
      /the server is sealed, so it gives nothing to anybody\. Unseal it: `vault operator unseal`$/,
    );
    await expect(open({ address: server.address, auth: { token: ROOT_TOKEN } })).rejects.toThrow(/is sealed/);
    await server.crash();
    const dead = await failure(secret.read());
    expect(dead).toMatchObject({ code: 'QA_CONNECTION_LOST' });
    expect(dead.message).toContain('Nothing listens there');
    for (const error of [stopped, sealed, dead]) expectNoSecret(error);
  });

  test('TLS: its own authority is trusted when it is given, else told; so is plain HTTP on either side', async () => {
    await using server = await startVault({ tls: true });
    const good = { address: server.address, auth: { token: ROOT_TOKEN } };
    await using opened = await open({ ...good, ssl: { ca: server.ca } });
    await opened.handle.seed({ 'secret/a': { b: 'c' } });
    expect(await opened.handle.secret('secret/a').read()).toEqual({ b: 'c' });
    const untrusted = await failure(open(good));
    expect(untrusted).toMatchObject({ code: 'QA_AUTH' });
    expect(untrusted.message).toMatch(/certificate is not trusted .*`ssl: \{ ca \}`/);
    vi.stubEnv('VAULT_SKIP_VERIFY', 'true');
    expect(await failure(open(good))).toMatchObject({ code: 'QA_AUTH' });
    vi.unstubAllEnvs();
    const wrong = await failure(open({ ...good, address: suite.server.address.replace('http:', 'https:') }));
    expect(wrong.message).toContain('that port does not speak TLS');
    for (const error of [untrusted, wrong]) expectNoSecret(error);
  });

  test('namespaces: what is in one is not in another', async () => {
    await suite.server.api('POST', 'sys/namespaces/team', {});
    const inside = { 'X-Vault-Namespace': 'team' };
    await suite.server.api('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } }, inside);
    await suite.server.api('POST', 'secret/data/only', { data: { here: 'yes' } }, inside);
    await using opened = await open({ ...root(suite), namespace: 'team' });
    expect(await opened.handle.secret('secret/only').read()).toEqual({ here: 'yes' });
    const error = await failure(opened.handle.secret('secret/shop/api').read());
    expect(error.message).toContain(`${suite.server.address} in the namespace team`);
    await using outside = await open(root(suite));
    expect(await failure(outside.handle.secret('secret/only').read())).toMatchObject({ code: 'QA_NOT_FOUND' });
  });

  describe('node-vault, without its traps', () => {
    test('an answer of 201 or 202 is no error, and an error of the server carries its status', async () => {
      await using opened = await open(root(suite));
      const error = await failure(opened.handle.client.write('auth/nope/login', { password: PASSWORD }));
      expect(error).toMatchObject({ response: { statusCode: 404 } });
      expectNoSecret(error);
    });

    test('the headers that it is given stay as they are', async () => {
      await using opened = await open(root(suite));
      const headers = Object.freeze({ 'x-of-the-test': '1' });
      await opened.handle.client.read('secret/data/shop/api', { headers });
      expect(headers).toEqual({ 'x-of-the-test': '1' });
    });

    test('a signal ends a request, and its reason is the error', async () => {
      await using server = await startVault();
      await using opened = await open({ address: server.address, auth: { token: ROOT_TOKEN } });
      server.freeze();
      const reason = new Error('the test has had enough');
      const abort = new AbortController();
      const reading = failure(opened.handle.client.read('sys/mounts', { signal: abort.signal }));
      abort.abort(reason);
      expect(await reading).toBe(reason);
      server.thaw();
    });

    test('what it reads from the environment, and a proxy, have no say', async () => {
      for (const [name, value] of Object.entries({
        VAULT_TOKEN: 'token-of-somebody-else',
        VAULT_NAMESPACE: 'nowhere',
        VAULT_PREFIX: '/elsewhere',
        VAULT_ADDR: 'http://127.0.0.1:1',
        HTTP_PROXY: 'http://127.0.0.1:1',
        http_proxy: 'http://127.0.0.1:1',
      }))
        vi.stubEnv(name, value);
      try {
        await using opened = await open(root(suite));
        expect((await opened.handle.client.read('secret/data/shop/api')).data.data).toEqual({ user: 'c' });
        expect(await opened.handle.secret('secret/shop/api').read()).toEqual({ user: 'c' });
      } finally {
        vi.unstubAllEnvs();
      }
    });

    test('its own errors of the network hold neither token nor body', async () => {
      await using server = await startVault();
      await using opened = await open({ address: server.address, auth: { token: ROOT_TOKEN } });
      await server.crash();
      for (const work of [
        () => opened.handle.client.write('secret/data/a', { data: { password: PASSWORD } }),
        () => opened.handle.client.userpassLogin({ username: 'ann', password: PASSWORD }),
      ])
        expectNoSecret(await failure(work()));
    });
  });
});

describe('by a small HTTP server of the test: answers that a server in development mode never gives', () => {
  let server: Server;
  let address: string;
  let seen: IncomingMessage[] = [];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;

  const json = (response: ServerResponse, status: number, body: object, headers: object = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
  const secret = { data: { data: { user: 'qa' }, metadata: { version: 1, created_time: '2026-01-01T00:00:00Z' } } };

  beforeAll(async () => {
    server = createServer((request, response) => {
      const at = new URL(request.url!, 'http://x').pathname;
      if (at === '/v1/auth/token/lookup-self')
        json(response, 200, { data: { display_name: 'token', policies: ['qa'], ttl: 0, renewable: false } });
      else if (at.startsWith('/v1/sys/internal/ui/mounts/'))
        json(response, 200, { data: { path: 'secret/', type: 'kv', options: { version: '2' } } });
      else {
        seen.push(request);
        answer(request, response);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    seen = [];
  });
  afterAll(() => server?.close());

  const cases: [string, number, object, string, RegExp][] = [
    [
      'a rate limit',
      429,
      { errors: ['request path "secret/data/a": rate limit quota exceeded'] },
      'QA_REFUSED',
      /the server has a rate limit, and it is exceeded \(429\)\. Run fewer workers/,
    ],
    [
      'a mistake inside the server',
      500,
      { errors: ['1 error occurred:\n\t* failed to read\n\n'] },
      'QA_REFUSED',
      /failed inside the server \(500\): failed to read\. See the server's log/,
    ],
    ['a proxy before it', 502, {}, 'QA_CONNECTION_LOST', /the server cannot answer now \(502\)/],
    [
      'a standby that cannot forward',
      500,
      { errors: ['local node not active but active cluster node not found'] },
      'QA_CONNECTION_LOST',
      /this node is a standby .*Give `address` of the active node/,
    ],
    ['a standby of a replica', 472, {}, 'QA_CONNECTION_LOST', /this node is a standby/],
    [
      'a request that it does not take',
      400,
      { errors: ['invalid version'] },
      'QA_REFUSED',
      /was refused \(400\): invalid version/,
    ],
  ];
  test.each(cases)('%s', async (_, status, body, code, message) => {
    answer = (_request, response) => json(response, status, body);
    await using opened = await open({ address, auth: { token: ROOT_TOKEN } });
    const error = await failure(opened.handle.secret('secret/a').read());
    expect(error).toMatchObject({ code, connection: 'vault', address });
    expect(error.message).toMatch(message);
    expect(error.message).toContain('`secret/a`');
    expectNoSecret(error);
  });

  test('a redirect to another host is not followed, and the token goes nowhere', async () => {
    const got: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      got.push(request.headers['x-vault-token'] as string);
      json(response, 200, secret);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const port = (other.address() as AddressInfo).port;
    answer = (_request, response) => json(response, 307, {}, { location: `http://127.0.0.1:${port}/v1/secret/data/a` });
    await using opened = await open({ address, auth: { token: ROOT_TOKEN } });
    const errors = [
      await failure(opened.handle.secret('secret/a').read()),
      await failure(opened.handle.client.read('secret/data/a')),
    ];
    other.close();
    expect(got).toEqual([]);
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'QA_REFUSED' });
      expect(error.message).toMatch(
        `redirect to http://127.0.0.1:${port}, which is not followed: the token would be sent there. If that is the active node, give it as \`address: 'http://127.0.0.1:${port}'\``,
      );
      expectNoSecret(error);
    }
  });

  test.each([
    [429, { errors: ['rate limit quota exceeded'] }, 'QA_REFUSED', /rate limit/],
    [503, { errors: ['Vault is sealed'] }, 'QA_CONNECTION_LOST', /is sealed/],
  ])('a login that the server cannot answer now is no wrong one: %i', async (status, body, code, message) => {
    answer = (_request, response) => json(response, status, body);
    for (const wrapped of [false, true]) {
      const error = await failure(open({ address, auth: { approle: { roleId: 'r', secretId: PASSWORD, wrapped } } }));
      expect(error).toMatchObject({ code });
      expect(error.message).toMatch(message);
      expectNoSecret(error);
    }
  });

  test('a signal that has ended before ends the request, and its reason is the error', async () => {
    await using opened = await open({ address, auth: { token: ROOT_TOKEN } });
    const reason = new Error('too late');
    expect(await failure(opened.handle.client.read('a', { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(seen).toEqual([]);
  });

  test('what is read by node-vault is hidden, too', async () => {
    answer = (_request, response) => json(response, 200, { data: { data: { key: 'canary-of-the-client' } } });
    await using opened = await open({ address, auth: { token: ROOT_TOKEN } });
    await opened.handle.client.read('secret/data/a');
    expect(opened.scope.redactor.redact('canary-of-the-client')).not.toContain('canary');
  });

  test('201 and 202 are answers', async () => {
    await using opened = await open({ address, auth: { token: ROOT_TOKEN } });
    for (const status of [201, 202]) {
      answer = (_request, response) => json(response, status, { data: { status } });
      expect(await opened.handle.client.read('x')).toEqual({ data: { status } });
    }
  });

  test('a connection that the server has closed meanwhile: what only reads is asked again, what writes is not', async () => {
    let calls = 0;
    answer = (request, response) => {
      calls += 1;
      // The first leaves a connection open; the second is cut off on it.
      if (calls === 2) request.socket.destroy();
      else json(response, 200, secret);
    };
    await using opened = await open({ address, auth: { token: ROOT_TOKEN } });
    await opened.handle.client.read('secret/data/a');
    expect(await opened.handle.client.read('secret/data/a')).toEqual(secret);
    calls = 1;
    const error = await failure(opened.handle.client.write('secret/data/a', { password: PASSWORD }));
    expect(error).toMatchObject({ code: 'QA_CONNECTION_LOST' });
    expectNoSecret(error);
  });

  test('what answers and is no Vault', async () => {
    answer = (_request, response) => response.end('<html>Welcome</html>');
    await using opened = await open({ address, auth: { token: ROOT_TOKEN } });
    const error = await failure(opened.handle.secret('secret/a').read());
    expect(error.message).toMatch(/what answers there is no Vault\. Correct `address`/);
  });
});
