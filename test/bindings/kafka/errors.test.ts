/** What a user reads when something goes wrong between kafkajs and a real broker. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type Admin,
  Kafka,
  type KafkaConfig,
  logLevel,
  type Message,
  ResourcePatternTypes,
} from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QaError } from '../../../bindings/core/errors.ts';
import { Sockets } from '../../../bindings/kafka/cluster.ts';
import { type Doing, kafkaError } from '../../../bindings/kafka/errors.ts';
import { checkSasl, checkTls, identityOf, type KafkaSasl, securityConfig } from '../../../bindings/kafka/security.ts';
import { hasKafka, startKafka, type TestKafka } from '../../support/kafka.ts';

interface Attempt {
  brokers: string[];
  ssl?: unknown;
  sasl?: KafkaSasl;
  doing?: Doing;
  kafka?: Partial<KafkaConfig>;
}

/** `CODE: message` of what `run` fails with, its ports as PORT. */
async function failure(
  { brokers, ssl, sasl, doing, kafka }: Attempt,
  run: (kafka: Kafka) => Promise<unknown> = sendTo('orders'),
): Promise<string> {
  const parsed = { ssl: ssl === undefined ? undefined : checkTls(ssl, 'ssl'), sasl: sasl && checkSasl(sasl, 'sasl') };
  const sockets = new Sockets();
  const client = new Kafka({
    brokers,
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 1000,
    retry: { retries: 2, initialRetryTime: 20 },
    socketFactory: sockets.factory,
    ...securityConfig(parsed),
    ...kafka,
  });
  const place = {
    connection: 'kafka',
    address: `kafka://${brokers.join(',')}`,
    brokers,
    tls: parsed.ssl !== undefined,
    sasl: identityOf(parsed.sasl),
    answered: sockets.answered,
    redact: (text: string) => text.replaceAll('s3cret-of-ann', '‹redacted›'),
  };
  try {
    await run(client);
  } catch (error) {
    const told = kafkaError(error, place, doing ?? { what: 'Opening' });
    expect(told).toBeInstanceOf(QaError);
    expect(told.cause).toBe(error);
    expect(told.connection).toBe('kafka');
    return shown(told);
  } finally {
    sockets.destroy();
  }
  throw new Error('It succeeded.');
}

function shown({ code, message }: QaError): string {
  return `${code}: ${message.replace(/:\d{4,5}\b/g, ':PORT')}`;
}

function sendTo(topic: string, message: Message = { value: 'x' }) {
  return async (kafka: Kafka) => {
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    try {
      await producer.connect();
      return await producer.send({ topic, messages: [message] });
    } finally {
      await producer.disconnect();
    }
  };
}

function asAdmin(run: (admin: Admin) => Promise<unknown>) {
  return async (kafka: Kafka) => {
    const admin = kafka.admin();
    try {
      await admin.connect();
      return await run(admin);
    } finally {
      await admin.disconnect();
    }
  };
}

describe('no broker', () => {
  test('nothing listens', async () => {
    expect(await failure({ brokers: ['127.0.0.1:1'], doing: { what: 'Sending', isWrite: true } })).toBe(
      'QA_CONNECTION_LOST: qa.kafka (kafka://127.0.0.1:1): Nothing listens at 127.0.0.1:1: the connection was refused. Start the broker, or correct `brokers`',
    );
  });

  test('the name is not known', async () => {
    expect(await failure({ brokers: ['no-such-host.invalid:9092'] })).toBe(
      'QA_CONNECTION_LOST: qa.kafka (kafka://no-such-host.invalid:PORT): The host name `no-such-host.invalid` could not be resolved. Correct the host in `brokers`, or see to the name server.',
    );
  });

  test.each([0, 2])('it takes connections and is silent, with %i retries', async (retries) => {
    await using hung = await silentServer();
    const kafka = { retry: { retries, initialRetryTime: 20 } };
    expect(await failure({ brokers: [hung.broker], kafka })).toBe(
      `QA_TIMEOUT: qa.kafka (kafka://127.0.0.1:PORT): The broker at 127.0.0.1:PORT took the connection but does not answer${retries === 0 ? ' (to ApiVersions)' : ''}. See whether it hangs, or give it more time with \`requestTimeout\``,
    );
    expect(await failure({ brokers: [hung.broker], ssl: true, kafka })).toBe(
      'QA_TIMEOUT: qa.kafka (kafka://127.0.0.1:PORT): The broker at 127.0.0.1:PORT does not answer: no connection was made in time, with its TLS handshake. See whether the address is right and the network lets it through, or give it more time with `connectTimeout`',
    );
  });
});

/** kafkajs's own errors for codes that one broker alone does not give. */
describe('a code of the broker', () => {
  const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error') as {
    createErrorFromCode(code: number): Error;
  };
  const doing = { what: 'Sending', topic: 'orders', isWrite: true };

  test.each([
    [
      19,
      'QA_TIMEOUT: qa.kafka (kafka://b:PORT): The topic `orders` has fewer replicas in sync than its `min.insync.replicas` wants, and wrote nothing. Start the missing brokers, or lower `min.insync.replicas`',
    ],
    [
      20,
      'QA_TIMEOUT: qa.kafka (kafka://b:PORT): The topic `orders` has fewer replicas in sync than its `min.insync.replicas` wants: what was sent lies with its leader alone. It is unknown whether the messages were written. Start the missing brokers, or lower `min.insync.replicas`',
    ],
    [
      76,
      'QA_REFUSED: qa.kafka (kafka://b:PORT): The topic `orders` does not take this compression. Use another `compression`',
    ],
    [
      90,
      'QA_REFUSED: qa.kafka (kafka://b:PORT): The producer was shut out: another one uses its transactional id, or its transaction ran out of time, which aborts it. Use one transactional id in one place only, or raise `transactionTimeout`',
    ],
    [
      99,
      'QA_REFUSED: qa.kafka (kafka://b:PORT): Sending failed: Unknown error code 99 (KAFKAJS_UNKNOWN_ERROR_CODE). See the cause, and what the broker writes to its log.',
    ],
  ])('%i', (code, expected) => {
    const place = {
      connection: 'kafka',
      address: 'kafka://b:9092',
      brokers: ['b:9092'],
      tls: false,
      sasl: undefined,
      answered: new Set(['b:9092']),
      redact: (text: string) => text,
    };
    expect(shown(kafkaError(createErrorFromCode(code), place, doing))).toBe(expected);
  });
});

describe.skipIf(!hasKafka())('a broker', () => {
  let broker: TestKafka;
  let admin: Admin;
  let plain: Attempt;
  let secure: Required<Pick<Attempt, 'brokers' | 'ssl'>>;
  let login: { username: string; password: string };
  beforeAll(async () => {
    broker = await startKafka({ secure: true });
    plain = { brokers: broker.brokers };
    secure = { brokers: [broker.secure.broker], ssl: { ca: broker.secure.ca } };
    login = { username: broker.secure.user, password: broker.secure.password };
    admin = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'orders' }, { topic: 'secret' }], waitForLeaders: true });
    await admin.createTopics({
      topics: [
        { topic: 'compacted', configEntries: [{ name: 'cleanup.policy', value: 'compact' }] },
        { topic: 'punctual', configEntries: [{ name: 'message.timestamp.after.max.ms', value: '1000' }] },
        { topic: 'gone' },
      ],
      waitForLeaders: true,
    });
  });
  afterAll(async () => {
    await admin?.disconnect();
    await broker?.stop();
  });

  describe('and its security', () => {
    test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('wrong password for %s', async (mechanism) => {
      const sasl = { mechanism, username: 'ann', password: 's3cret-of-ann' };
      expect(await failure({ ...secure, sasl })).toBe(
        `QA_AUTH: qa.kafka (kafka://localhost:PORT): The broker refused the user \`ann\` or its password (${mechanism.toUpperCase()}). Correct \`sasl.username\` and \`sasl.password\`${mechanism === 'plain' ? '' : '; a user of one SCRAM mechanism is not one of the other.'}`,
      );
    });

    test('a token that has no sense, and one that cannot be had', async () => {
      const mechanism = 'oauthbearer';
      expect(await failure({ ...secure, sasl: { mechanism, token: 's3cret-of-ann' } })).toBe(
        'QA_AUTH: qa.kafka (kafka://localhost:PORT): The login with a token failed: The token was refused: {"status":"invalid_token"}. See `sasl.token`: whether it has expired, and whether the broker trusts who issued it.',
      );
      const token = () => Promise.reject(new Error('no answer for s3cret-of-ann'));
      expect(await failure({ ...secure, sasl: { mechanism, token } })).toBe(
        'QA_AUTH: qa.kafka (kafka://localhost:PORT): The login with a token failed: the function failed: no answer for ‹redacted›. See `sasl.token`: whether it has expired, and whether the broker trusts who issued it.',
      );
    });

    test('a mechanism that it does not offer, and one of our own that fails', async () => {
      const authenticationProvider = () => ({ authenticate: () => Promise.reject(new Error('no ticket')) });
      expect(await failure({ ...secure, sasl: { mechanism: 'GSSAPI', authenticationProvider } })).toBe(
        'QA_AUTH: qa.kafka (kafka://localhost:PORT): The broker does not offer the mechanism GSSAPI on that port. Set `sasl.mechanism` to one of its `sasl.enabled.mechanisms`',
      );
      expect(await failure({ ...secure, sasl: { mechanism: 'PLAIN', authenticationProvider } })).toBe(
        'QA_AUTH: qa.kafka (kafka://localhost:PORT): The login by PLAIN failed: no ticket. See `sasl.authenticationProvider`',
      );
    });

    test('a certificate that nobody named, and one for another name', async () => {
      const sasl: KafkaSasl = { mechanism: 'plain', ...login };
      expect(await failure({ ...secure, sasl, ssl: true })).toBe(
        "QA_AUTH: qa.kafka (kafka://localhost:PORT): The broker's certificate is not trusted (self-signed certificate). Name its authority with `ssl: { ca }`; in a test environment only, `ssl: { rejectUnauthorized: false }`",
      );
      expect(await failure({ ...secure, sasl, ssl: { ca: broker.secure.ca, servername: 'shop' } })).toBe(
        "QA_AUTH: qa.kafka (kafka://localhost:PORT): The broker's certificate is for another name (Host: shop. is not in the cert's altnames: DNS:localhost, IP Address:127.0.0.1). Use a name that it is made for, or give that one with `ssl: { servername }`",
      );
    });

    test('a port of another protocol', async () => {
      const sasl: KafkaSasl = { mechanism: 'plain', ...login };
      expect(await failure({ brokers: secure.brokers })).toBe(
        'QA_CONNECTION_LOST: qa.kafka (kafka://localhost:PORT): The broker at localhost:PORT closed the connection, and gives no reason. Likely ones: that port wants TLS (set `ssl`); that port wants a login (set `sasl`); the broker was stopped, or what listens there is no Kafka. Compare the port with `listeners` and `listener.security.protocol.map` of the broker.',
      );
      expect(await failure({ brokers: secure.brokers, sasl })).toMatch(
        /Likely ones: that port wants TLS \(set `ssl`\); the broker was stopped, or what listens there is no Kafka\./,
      );
      expect(await failure(secure)).toMatch(
        /Likely ones: that port wants a login \(set `sasl`\); the broker was stopped or restarted\./,
      );
      expect(await failure({ ...plain, ssl: secure.ssl })).toBe(
        'QA_AUTH: qa.kafka (kafka://127.0.0.1:PORT): The TLS handshake failed: that port does not speak TLS. Leave `ssl` out, or correct the port: each listener has its own protocol.',
      );
      expect(await failure({ ...plain, sasl })).toBe(
        'QA_AUTH: qa.kafka (kafka://127.0.0.1:PORT): The broker does not take a login on that port. Leave `sasl` out, or correct the port: each listener has its own protocol.',
      );
    });
  });

  test('ACLs: which user lacks which right on what', async () => {
    const deny = (resourceType: AclResourceTypes, resourceName: string, operation: AclOperationTypes) => ({
      resourceType,
      resourceName,
      operation,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      permissionType: AclPermissionTypes.DENY,
      principal: `User:${login.username}`,
      host: '*',
    });
    await admin.createAcls({
      acl: [
        deny(AclResourceTypes.TOPIC, 'secret', AclOperationTypes.WRITE),
        deny(AclResourceTypes.TOPIC, 'new', AclOperationTypes.CREATE),
        deny(AclResourceTypes.TRANSACTIONAL_ID, 'pay', AclOperationTypes.ALL),
      ],
    });
    const attempt: Attempt = { ...secure, sasl: { mechanism: 'scram-sha-256', ...login } };
    const sending = { what: 'Sending to the topic `secret`', topic: 'secret', operation: 'Write', isWrite: true };
    expect(await failure({ ...attempt, doing: sending }, sendTo('secret'))).toBe(
      'QA_FORBIDDEN: qa.kafka (kafka://localhost:PORT): Sending to the topic `secret` failed: the user `tester` lacks the right `Write` on the topic `secret`. Allow it: `kafka-acls.sh --bootstrap-server … --add --allow-principal User:tester --operation Write --topic secret`, and remove an ACL that denies it.',
    );
    const making = { what: 'Creating the topic `new`', topic: 'new', operation: 'Create' };
    const createNew = asAdmin((user) => user.createTopics({ topics: [{ topic: 'new' }] }));
    expect(await failure({ ...attempt, doing: making }, createNew)).toMatch(
      /^QA_FORBIDDEN: .* lacks the right `Create` on the topic `new`\. /,
    );
    const paying = { what: 'Opening a transaction', transactionalId: 'pay' };
    const pay = async (kafka: Kafka) => {
      const producer = kafka.producer({ transactionalId: 'pay', idempotent: true, maxInFlightRequests: 1 });
      try {
        await producer.connect();
        await producer.transaction();
      } finally {
        await producer.disconnect();
      }
    };
    // kafkajs drops the broker's own error here.
    expect(await failure({ ...attempt, doing: paying }, pay)).toMatch(
      /^QA_CONNECTION_LOST: .* Opening a transaction failed: no broker tells who coordinates `pay`\. .* the right `Describe` on it\.$/,
    );
    // The open topic is still open.
    await expect(failure(attempt)).rejects.toThrow('It succeeded.');
  });

  test('a topic that does not exist, and the nearest that does', async () => {
    const doing = { what: 'Sending to the topic `ordres`', topic: 'ordres', known: ['gone', 'orders'], isWrite: true };
    expect(await failure({ ...plain, doing }, sendTo('ordres'))).toBe(
      'QA_NOT_FOUND: qa.kafka (kafka://127.0.0.1:PORT): The topic `ordres` does not exist. Did you mean `orders`? Create it, correct its name, or wait until the system under test has made it.',
    );
    expect(
      await failure(
        { ...plain, doing },
        asAdmin((user) => user.fetchTopicOffsets('ordres')),
      ),
    ).toMatch(/^QA_NOT_FOUND: .* `ordres` does not exist\. Did you mean `orders`\?/);
  });

  test.each<[string, string, Message, string]>([
    [
      'too large',
      'orders',
      { value: Buffer.alloc(2_000_000) },
      'The topic `orders` does not take messages that large. Send less at a time, or raise its `max.message.bytes`',
    ],
    [
      'a name that cannot be',
      'a b',
      { value: 'x' },
      "`a b` cannot be a topic's name. Use letters, digits, `.`, `_` and `-`, at most 249.",
    ],
    [
      'no key, compacted',
      'compacted',
      { value: 'x' },
      'The topic `compacted` refused a message: a compacted topic takes none without a key. Give it a key, or see which other setting of the topic it violates.',
    ],
    [
      'far in the future',
      'punctual',
      { value: 'x', timestamp: '9999999999999' },
      'The topic `punctual` does not take that timestamp. Give one in ms since 1970 that is not too far from now (`message.timestamp.after.max.ms` and `.before.max.ms`)',
    ],
  ])('a message that is refused: %s', async (_, topic, message, expected) => {
    const doing = { what: 'Sending', topic, isWrite: true };
    expect(await failure({ ...plain, doing }, sendTo(topic, message))).toBe(
      `QA_REFUSED: qa.kafka (kafka://127.0.0.1:PORT): ${expected}`,
    );
  });

  test.each([
    [
      { topic: 'copies', replicationFactor: 3 },
      'there are fewer brokers than copies wanted. Lower the replication factor, or start more brokers.',
    ],
    [
      { topic: 'odd', configEntries: [{ name: 'nope', value: '1' }] },
      'the broker does not take its configuration. Correct names and values in `config`',
    ],
    [{ topic: 'none', numPartitions: 0 }, 'the number of partitions cannot be that. Give one from 1 up.'],
  ])('a topic that cannot be made: %j', async (topic, expected) => {
    const doing = { what: 'Creating the topic', topic: topic.topic };
    expect(
      await failure(
        { ...plain, doing },
        asAdmin((user) => user.createTopics({ topics: [topic] })),
      ),
    ).toBe(`QA_REFUSED: qa.kafka (kafka://127.0.0.1:PORT): Creating the topic failed: ${expected}`);
  });

  test('records deleted beyond the end: the reason is in a part of the error', async () => {
    const run = asAdmin(async (user) => {
      await user.fetchTopicMetadata({ topics: ['gone'] });
      await user.deleteTopicRecords({ topic: 'gone', partitions: [{ partition: 0, offset: '99' }] });
    });
    expect(await failure({ ...plain, doing: { what: 'Deleting records', topic: 'gone' } }, run)).toBe(
      'QA_REFUSED: qa.kafka (kafka://127.0.0.1:PORT): The topic `gone` has no such offset. Give one between its first offset and its end.',
    );
  });

  test('a producer that another one of its transactional id shut out', async () => {
    const run = async (kafka: Kafka) => {
      const options = { transactionalId: 'pay-1', idempotent: true, maxInFlightRequests: 1 };
      const [first, second] = [kafka.producer(options), kafka.producer(options)];
      try {
        await Promise.all([first.connect(), second.connect()]);
        const transaction = await first.transaction();
        await transaction.send({ topic: 'orders', messages: [{ value: 'x' }] });
        await (await second.transaction()).abort();
        await transaction.commit();
      } finally {
        await Promise.all([first.disconnect(), second.disconnect()]);
      }
    };
    const doing = { what: 'Committing the transaction', transactionalId: 'pay-1', isWrite: true };
    // The first transaction on a broker waits until its coordinator's topic is there.
    const kafka = { retry: { retries: 8, initialRetryTime: 50 } };
    expect(await failure({ ...plain, doing, kafka }, run)).toBe(
      'QA_REFUSED: qa.kafka (kafka://127.0.0.1:PORT): The producer was shut out: another one uses its transactional id `pay-1`, or its transaction ran out of time, which aborts it. Use one transactional id in one place only, or raise `transactionTimeout`',
    );
  });

  test('it freezes, and dies, while messages are on their way: nobody knows whether they were written', {
    timeout: 60_000,
  }, async () => {
    const doing = { what: 'Sending', topic: 'orders', isWrite: true };
    const during = (what: (sent: Promise<unknown>) => void) => async (kafka: Kafka) => {
      const producer = kafka.producer();
      try {
        await producer.connect();
        await producer.send({ topic: 'orders', messages: [{ value: 'before' }] });
        broker.freeze();
        const sent = producer.send({ topic: 'orders', messages: [{ value: 'meanwhile' }] });
        what(sent);
        await sent;
      } finally {
        broker.thaw();
        await producer.disconnect();
      }
    };
    expect(
      await failure(
        { ...plain, doing },
        during(() => undefined),
      ),
    ).toBe(
      'QA_TIMEOUT: qa.kafka (kafka://127.0.0.1:PORT): The broker at 127.0.0.1:PORT took the connection but does not answer (to Produce). It is unknown whether the messages were written. See whether it hangs, or give it more time with `requestTimeout`',
    );
    const killed = during(() => void broker.kill());
    expect(await failure({ ...plain, doing }, killed)).toBe(
      'QA_CONNECTION_LOST: qa.kafka (kafka://127.0.0.1:PORT): The broker at 127.0.0.1:PORT is gone: it refuses new connections. It is unknown whether the messages were written. See whether it was stopped or has crashed.',
    );
    await broker.restart();
  });
});

describe.skipIf(!hasKafka())('an advertised address that cannot be reached', () => {
  test.each([
    [
      'kafka.invalid:9092',
      'the host name `kafka.invalid` could not be resolved. Correct `advertised.listeners` of the broker, or map the name `kafka.invalid` to an address that leads there (in /etc/hosts, say)',
    ],
    [
      '127.0.0.1:1',
      'nothing listens there. Correct `advertised.listeners` of the broker; where 127.0.0.1:1 is right, start the broker there or open the way to it.',
    ],
  ])('%s', async (advertised, expected) => {
    await using broker = await startKafka({ advertised });
    const made = new Kafka({
      brokers: broker.brokers,
      logLevel: logLevel.NOTHING,
      // As a machine on which the name leads to the broker.
      socketFactory: ({ onConnect }) => connect(broker.port, '127.0.0.1', onConnect),
    });
    await asAdmin((user) => user.createTopics({ topics: [{ topic: 'orders' }], waitForLeaders: true }))(made);

    const attempt = { brokers: broker.brokers, doing: { what: 'Sending', topic: 'orders', isWrite: true } };
    const message = `QA_CONNECTION_LOST: qa.kafka (kafka://127.0.0.1:PORT): The broker answered at 127.0.0.1:PORT and told to use ${advertised.replace(/:\d{4}/, ':PORT')} from then on (its \`advertised.listeners\`), which cannot be reached from here: ${expected}`;
    expect(await failure(attempt)).toBe(message);
    expect(
      await failure(
        attempt,
        asAdmin((user) => user.createTopics({ topics: [{ topic: 'more' }] })),
      ),
    ).toBe(message);
  });
});

/** Accepts connections and neither reads nor answers. */
async function silentServer() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    broker: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
