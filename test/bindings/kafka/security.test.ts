import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromEnv, resolveReferences } from '../../../bindings/core/reference.ts';
import { checkSasl, checkTls, identityOf, type KafkaSasl, securityConfig } from '../../../bindings/kafka/security.ts';
import { hasKafka, startKafka, type TestKafka } from '../../support/kafka.ts';
import { unsecuredToken } from './support/token.ts';

const sasl = (value: unknown) => checkSasl(value, 'connections.kafka.sasl');
const refusal = (value: unknown) => {
  try {
    sasl(value);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('It was taken.');
};

describe('`sasl` of the config', () => {
  test('takes mechanisms as config writers and as brokers spell them, and references', async () => {
    const given = { mechanism: 'SCRAM-SHA-256', username: fromEnv('QA_TEST_USER', 'ann'), password: '' };
    const value = sasl(await resolveReferences(given, { env: {}, path: '' }));
    expect(value).toEqual({ mechanism: 'scram-sha-256', username: 'ann', password: '' });
    expect(identityOf(value)).toEqual({ mechanism: 'SCRAM-SHA-256', user: 'ann' });
    const token = () => 'x';
    expect(sasl({ mechanism: 'oauthbearer', token })).toEqual({ mechanism: 'oauthbearer', token });
    const own = { mechanism: 'AWS_MSK_IAM', authenticationProvider: () => ({ authenticate: async () => undefined }) };
    expect(sasl(own)).toEqual(own);
  });

  test.each([
    [
      'plain',
      '`connections.kafka.sasl` is a string, but must be an object with `mechanism`. Give an object with `mechanism`',
    ],
    [
      { username: 'ann', password: 'x' },
      "`connections.kafka.sasl.mechanism` is missing. Give 'plain' or 'scram-sha-256' or 'scram-sha-512' or 'oauthbearer' or 'gssapi'.",
    ],
    [
      { mechanism: 'scram-sha256', username: 'ann', password: 'x' },
      "`connections.kafka.sasl.mechanism` is a string, but must be 'plain' or 'scram-sha-256' or 'scram-sha-512' or 'oauthbearer' or 'gssapi'. Did you mean `scram-sha-256`? Give 'plain' or 'scram-sha-256' or 'scram-sha-512' or 'oauthbearer' or 'gssapi'.",
    ],
    [
      { mechanism: 'plain', user: 'ann', password: 'x' },
      '`connections.kafka.sasl.user` is not an option. Known: `mechanism`, `username`, `password`.',
    ],
    [{ mechanism: 'plain', username: 'ann' }, '`connections.kafka.sasl.password` is missing. Give a string.'],
    [
      { mechanism: 'oauthbearer', username: 'ann', password: 'x' },
      '`connections.kafka.sasl.username` is not an option. Known: `mechanism`, `token`.',
    ],
    [
      { mechanism: 'oauthbearer', token: '' },
      '`connections.kafka.sasl.token` is an empty string, but must be a non-empty string or a function. Give a non-empty string or a function.',
    ],
    [
      { mechanism: 'GSSAPI', authenticationProvider: {} },
      '`connections.kafka.sasl.authenticationProvider` is an object, but must be a function. Give a function.',
    ],
  ])('%j is refused', (value, message) => {
    expect(refusal(value)).toBe(message);
  });
});

describe.skipIf(!hasKafka())('a secure broker', () => {
  let broker: TestKafka;
  beforeAll(async () => {
    broker = await startKafka({ secure: true });
  });
  afterAll(() => broker?.stop());

  const login = () => ({ username: broker.secure.user, password: broker.secure.password });
  const send = async (given: KafkaSasl, onToken?: (token: string) => void) => {
    const ssl = checkTls({ ca: broker.secure.ca }, 'ssl');
    const kafka = new Kafka({
      brokers: [broker.secure.broker],
      logLevel: logLevel.NOTHING,
      retry: { retries: 3, initialRetryTime: 20 },
      ...securityConfig({ ssl, sasl: sasl(given) }, onToken && { onToken }),
    });
    const producer = kafka.producer();
    const admin = kafka.admin();
    try {
      await Promise.all([producer.connect(), admin.connect()]);
      await admin.createTopics({ topics: [{ topic: 'orders' }], waitForLeaders: true });
      return await producer.send({ topic: 'orders', messages: [{ value: given.mechanism as string }] });
    } finally {
      await Promise.all([producer.disconnect(), admin.disconnect()]);
    }
  };

  test.each(['plain', 'SCRAM-SHA-256', 'scram-sha-512'] as const)('lets in by %s over TLS', async (mechanism) => {
    expect(await send({ mechanism, ...login() })).toMatchObject([{ topicName: 'orders', errorCode: 0 }]);
  });

  test('lets in by a token, fetched for each connection and told before it is sent', async () => {
    const token = unsecuredToken(broker.secure.user);
    const told: string[] = [];
    let fetched = 0;
    const source = async () => {
      fetched += 1;
      return { value: token };
    };
    const sent = await send({ mechanism: 'oauthbearer', token: source }, (value) => told.push(value));
    expect(sent).toMatchObject([{ topicName: 'orders', errorCode: 0 }]);
    expect(fetched).toBeGreaterThan(1);
    expect(told).toEqual(Array.from({ length: fetched }, () => token));
    expect(await send({ mechanism: 'oauthbearer', token })).toMatchObject([{ errorCode: 0 }]);
  });

  test('tells what it has against a token', async () => {
    const expired = unsecuredToken(broker.secure.user, -60);
    await expect(send({ mechanism: 'oauthbearer', token: expired })).rejects.toThrow(
      'The token was refused: {"status":"invalid_token"}',
    );
    await expect(send({ mechanism: 'oauthbearer', token: () => Promise.reject(new Error('503')) })).rejects.toThrow(
      'the function failed: 503',
    );
    await expect(send({ mechanism: 'oauthbearer', token: () => undefined as never })).rejects.toThrow(
      'the function must return a token',
    );
  });
});
