/** SPNEGO against a real HTTP server, which verifies with the module's server side. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasKerberos, startKdc, type TestKdc } from '../../support/kdc.ts';
import { type SpnegoServer, startSpnego } from '../../support/spnego-server.ts';
import { failure, type OpenKerberos, open } from './harness.ts';

const SERVICE = 'HTTP@api.example.test';

describe.skipIf(!hasKerberos())('negotiate', () => {
  let kdc: TestKdc;
  let server: SpnegoServer;
  let opened: OpenKerberos;
  beforeAll(async () => {
    kdc = await startKdc();
    kdc.keytab('services.keytab', ['HTTP/api.example.test']);
    server = await startSpnego(kdc, SERVICE);
    opened = await open({ principal: 'qa', keytab: kdc.keytab('qa.keytab', ['qa']), krb5Conf: kdc.conf });
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await kdc?.stop();
  });

  test('the server lets in and proves who it is', async () => {
    const { krb } = opened;
    const headers = await krb.negotiate(SERVICE);
    expect(Object.keys(headers)).toEqual(['authorization']);
    const response = await fetch(server.url, { headers });
    expect(await response.json()).toEqual({ user: 'qa@EXAMPLE.TEST' });
    await krb.verify(response);
    // Once.
    expect(await failure(krb.verify(response, headers))).toMatchObject({ code: 'QA_MISUSE' });
  });

  test('many at once: each answer goes with its own headers, however they were handed on', async () => {
    const { krb } = opened;
    const all = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const headers = new Headers({ ...(await krb.negotiate(SERVICE)), accept: 'application/json' });
        return { headers, response: await fetch(server.url, { headers }) };
      }),
    );
    const [one, other] = [all[0]!, all[1]!];
    const unclear = await failure(krb.verify(one.response));
    expect(unclear).toMatchObject({ code: 'QA_MISUSE' });
    expect(unclear.message).toContain(
      'This may be the answer to any of 8 requests. Give the headers of its request, too: `verify(response, headers)`',
    );
    await Promise.all(all.slice(2).map(({ response, headers }) => krb.verify(response, headers)));
    const crossed = await failure(krb.verify(one.response, other.headers));
    expect(crossed).toMatchObject({ code: 'QA_AUTH', connection: 'krb' });
    expect(crossed.message).toContain(`The answer does not come from \`${SERVICE}\``);
    opened.client.renew();
  });

  test('a server that does not prove itself, or with what it proved before', async () => {
    const { krb } = opened;
    const headers = await krb.negotiate(SERVICE);
    const unproven = await failure(
      fetch(`${server.url}/unproven`, { headers }).then((response) => krb.verify(response, headers)),
    );
    expect(unproven).toMatchObject({ code: 'QA_AUTH' });
    expect(unproven.message).toContain(`\`${SERVICE}\` answered without proving who it is`);
    await fetch(server.url, { headers: await krb.negotiate(SERVICE) });
    const fresh = await krb.negotiate(SERVICE);
    const stale = await failure(
      fetch(`${server.url}/stale`, { headers: fresh }).then((response) => krb.verify(response, fresh)),
    );
    expect(stale).toMatchObject({ code: 'QA_AUTH' });
  });

  test('a token that was used before is refused, which the answer shows', async () => {
    const { krb } = opened;
    const headers = await krb.negotiate(SERVICE);
    expect((await fetch(server.url, { headers })).status).toBe(200);
    const again = await fetch(server.url, { headers });
    expect(again.status).toBe(401);
    expect(await again.text()).toContain('replay');
    const error = await failure(krb.verify(again, headers));
    expect(error.message).toContain(`\`${SERVICE}\` did not accept the ticket of \`qa@EXAMPLE.TEST\`: it answered 401`);
  });

  test('a server with a keytab of before', async () => {
    const old = kdc.keytab('old-service.keytab', ['HTTP/old.example.test']);
    kdc.admin('cpw -randkey HTTP/old.example.test');
    await using outdated = await startSpnego(kdc, 'HTTP@old.example.test', old);
    const headers = await opened.krb.negotiate('HTTP@old.example.test');
    const response = await fetch(outdated.url, { headers });
    const error = await failure(opened.krb.verify(response, headers));
    expect(error).toMatchObject({ code: 'QA_AUTH' });
    expect(error.message).toMatch(/See its log: whether its keytab holds the key that the KDC has for it/);
  });

  test('what the module does, step by step', async () => {
    const context = await opened.krb.client.initializeClient(SERVICE, { mechOID: 6 });
    const token = await context.step('');
    expect(context.contextComplete).toBe(false);
    const { headers } = await fetch(server.url, { headers: { authorization: `Negotiate ${token}` } });
    await context.step(headers.get('www-authenticate')!.replace('Negotiate ', ''));
    expect(context).toMatchObject({ contextComplete: true, username: 'qa@EXAMPLE.TEST' });
    expect(await context.wrap(Buffer.from('hello').toString('base64'), { protect: true })).toMatch(/^[\w+/=]{20,}$/);
  });

  test('what else is no answer', async () => {
    const { krb } = opened;
    expect((await failure(krb.verify(undefined as never))).message).toContain('`verify` takes an answer with headers');
    opened.client.renew();
  });
});
