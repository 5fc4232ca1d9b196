/** Kerberos on a real broker: a listener with GSSAPI, a KDC, and tickets of another connection. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Scope } from '../../../bindings/core/binding.ts';
import { binding, gssapi, type KafkaHandle } from '../../../bindings/kafka/index.ts';
import { hasKafka, startKafka, type TestKafka } from '../../support/kafka.ts';
import { hasKerberos, startKdc, type TestKdc } from '../../support/kdc.ts';
import { openBinding } from '../../support/scope.ts';
import { failure, type OpenKerberos, open as openKerberos } from '../kerberos/harness.ts';

describe.skipIf(!hasKafka() || !hasKerberos())('GSSAPI', () => {
  let kdc: TestKdc;
  let broker: TestKafka;
  let tickets: OpenKerberos;
  /** How often a login asked for tickets. */
  let logins = 0;
  beforeAll(async () => {
    kdc = await startKdc();
    const keytab = kdc.keytab('kafka.keytab', ['kafka/localhost', 'HTTP/localhost']);
    broker = await startKafka({ kerberos: { conf: kdc.conf, keytab, principal: `kafka/localhost@${kdc.realm}` } });
    tickets = await openKerberos({ principal: 'qa', keytab: kdc.keytab('qa.keytab', ['qa']), krb5Conf: kdc.conf });
  });
  afterAll(async () => {
    await tickets?.[Symbol.asyncDispose]();
    await broker?.stop();
    await kdc?.stop();
  });
  beforeEach(() => {
    logins = 0;
  });

  const open = (input: object, changes: Partial<Scope> = {}) =>
    openBinding(
      binding,
      { brokers: [broker.gssapi.broker], sasl: gssapi({ connection: 'krb', serviceName: 'kafka' }), ...input },
      {
        connection: 'kafka',
        use: async (name) => {
          expect(name).toBe('krb');
          logins += 1;
          return tickets.client;
        },
        ...changes,
      },
    );

  test('the connection that gives tickets opens first, by itself', () => {
    expect(binding.needs({ sasl: gssapi({ connection: 'krb' }) })).toEqual(['krb']);
    expect(binding.needs({ sasl: { mechanism: 'plain', username: 'a', password: 'b' } })).toEqual([]);
    expect(binding.needs({ brokers: 'a:1' })).toEqual([]);
  });

  test('topics, sending, recording, transactions, groups and health', async () => {
    await using kafka = await open({});
    expect(await binding.health(kafka.client)).toMatchObject({ identity: `qa@${kdc.realm} by GSSAPI` });
    const topic = kafka.handle.topic('orders');
    await topic.create({ partitions: 2 });
    await topic.send({ key: 'o-1', value: { id: 'o-1', total: 42 } });
    await kafka.handle.transaction(async (tx) => {
      await tx.topic('orders').send({ key: 'o-2', value: { id: 'o-2' } });
    });
    const keys = async () => (await topic.messages()).map(({ key }) => key).sort();
    await expect.poll(keys).toEqual(['o-1', 'o-2']);

    const consumer = (kafka.handle as KafkaHandle).client.consumer({ groupId: 'shop' });
    await consumer.connect();
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
    const seen = new Promise<string>((resolve) => {
      void consumer.run({ eachMessage: async ({ message }) => resolve(String(message.key)) });
    });
    expect(await seen).toMatch(/^o-/);
    await consumer.disconnect();
  });

  test('a login that ends after two seconds is made anew, while sending and while nothing is sent', async () => {
    await using kafka = await open({ brokers: [broker.gssapi.brief] });
    const topic = kafka.handle.topic('brief');
    await topic.create();
    const before = logins;
    const start = Date.now();
    let sent = 0;
    const send = async () => {
      for (let left = 20; left > 0; left -= 1, sent += 1) await topic.send({ key: String(sent), value: sent });
    };
    await send();
    await expect.poll(() => Date.now() - start, { timeout: 5000 }).toBeGreaterThan(2200);
    await send();
    expect(logins).toBeGreaterThan(before);
    await expect.poll(() => topic.messages()).toHaveLength(sent);
  });

  test('a service that nobody knows', async () => {
    const error = await failure(open({ sasl: gssapi({ connection: 'krb', serviceName: 'kafak' }) }));
    expect(error).toMatchObject({ code: 'QA_NOT_FOUND', connection: 'kafka' });
    expect(error.message).toContain(`qa.kafka (kafka://${broker.gssapi.broker}): The login by GSSAPI failed. qa.krb (`);
    expect(error.message).toContain(`knows no service \`kafak/localhost@${kdc.realm}\``);
  });

  test('a service that is another one', async () => {
    const error = await failure(open({ sasl: gssapi({ connection: 'krb', serviceName: 'HTTP' }) }));
    expect(error).toMatchObject({ code: 'QA_AUTH', connection: 'kafka' });
    expect(error.message).toContain('The broker refused the ticket (GSSAPI)');
    expect(error.message).toMatch(/See its log: whether `serviceName` is its `sasl\.kerberos\.service\.name`/);
  });

  test('a listener without GSSAPI, and one without any login', async () => {
    const plain = await failure(open({ brokers: [broker.gssapi.plain] }));
    expect(plain).toMatchObject({ code: 'QA_AUTH' });
    expect(plain.message).toContain('The broker does not offer the mechanism GSSAPI on that port.');
    expect(await failure(open({ brokers: [broker.broker] }))).toMatchObject({ code: 'QA_AUTH' });
  });

  test('a ticket that has expired, a connection that has no tickets, a KDC that hangs', async () => {
    const keytab = kdc.keytab('brief.keytab', ['brief']);
    const cache = kdc.kinit('brief', keytab, '-l', '3s');
    await using brief = await openKerberos({ cache, krb5Conf: kdc.conf });
    await expect.poll(() => Date.now(), { timeout: 5000 }).toBeGreaterThan(brief.client.expiresAt! + 100);
    const expired = await failure(open({}, { use: async () => brief.client }));
    expect(expired, expired.message).toMatchObject({ code: 'QA_AUTH', connection: 'kafka' });
    expect(expired.message).toContain(`The ticket of \`brief@${kdc.realm}\` from ${cache} has expired.`);

    const other = await failure(open({}, { use: async () => ({}) }));
    expect(other).toMatchObject({ code: 'QA_CONFIG' });
    expect(other.message).toContain(
      "`gssapi({ connection: 'krb' })` names a connection that has no tickets. Name one that is `kerberos({ … })`",
    );

    const fresh = { principal: 'qa', keytab: `${kdc.folder}/qa.keytab`, krb5Conf: kdc.conf, requestTimeout: 400 };
    await using waiting = await openKerberos(fresh);
    kdc.freeze();
    try {
      const hung = await failure(open({}, { use: async () => waiting.client }));
      expect(hung).toMatchObject({ code: 'QA_TIMEOUT', connection: 'kafka' });
      expect(hung.message).toContain(`the KDC of ${kdc.realm} at ${kdc.address} does not answer`);
    } finally {
      kdc.thaw();
    }
  });
});
